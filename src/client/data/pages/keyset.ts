import { PitcrewError } from '../../../errors.ts';
import type { Database } from '../database.ts';
import { bracketed, quoted, quotedColumn } from '../names.ts';
import { type Order, orderSql } from '../order.ts';
import { forgetRelations } from '../relation.ts';
import type { Text } from '../values.ts';
import { beyond } from './beyond.ts';
import { CursorCodec, type CursorSecret, type Position } from './cursor.ts';
import { pageLimit, type PageRows, type PageSize, type PageSource, pageSource, plainOrder } from './source.ts';

export type KeysetPageOptions = PageRows &
  PageSize & {
    /** The `next` of the page before it. */
    after?: string | null | undefined;
    /** The `previous` of the page behind it. */
    before?: string | null | undefined;
    /** Signs the cursors, so that nobody makes up a place. */
    secret: CursorSecret;
  };

export interface KeysetPage<Row> {
  rows: Row[];
  /** `after` of the next page; `null` on the last one. */
  next: string | null;
  /** `before` of the previous page; `null` on the first one. */
  previous: string | null;
}

/**
 * Reads a page of rows by where the last one ended, not by how many came before: every page costs the same, and rows that are
 * inserted or deleted meanwhile neither repeat nor hide others.
 * @example
 * ```ts
 * const page = await keysetPage(pool, {
 *   table: 'orders', where: 'customer_id = $1', values: [42],
 *   orderBy: { column: 'created_at', direction: 'desc' }, limit: 20, after: request.query.after, secret,
 * });
 * ```
 * @throws `E_BAD_REQUEST` for a cursor that was changed or belongs to another query, and for a limit above `maxLimit`; `E_USAGE` when
 * the key does not tell rows apart, or the order is by floating-point numbers and `extra_float_digits` is below 1
 */
export async function keysetPage<Row extends object = Record<string, unknown>>(
  database: Database,
  options: KeysetPageOptions,
): Promise<KeysetPage<Row>> {
  const limit = pageLimit(options);
  if (options.after && options.before) {
    throw new PitcrewError('E_BAD_REQUEST', 'a page is either after or before a place, not both');
  }
  const source = await pageSource(database, options);
  const cursors = new CursorCodec(options.secret, ['keyset', 1, source.from, source.where, source.order]);
  const backwards = Boolean(options.before);
  const from = options.after || options.before;
  const position = from ? cursors.read(from) : undefined;
  const { rows, places } = await read(database, source, position, backwards, limit + 1);
  checkPlaces(source, places);
  const more = rows.length > limit;
  if (more) rows.length = limit;
  const ends = [places[0], places[rows.length - 1]].map(
    (values) => values && cursors.write({ values, inclusive: false }),
  );
  // Of a page without rows one goes back to where it began, which may have a row itself.
  const back = position ? (ends[0] ?? cursors.write({ ...position, inclusive: !position.inclusive })) : null;
  const on = more ? (ends[1] ?? null) : null;
  return backwards
    ? { rows: rows.toReversed() as Row[], next: back, previous: on }
    : { rows: rows as Row[], next: on, previous: back };
}

/** Where a row says which place it has: not a type for which the application may have a parser of its own. */
const place = 'pitcrew place';

async function read(
  database: Database,
  source: PageSource,
  position: Position | undefined,
  backwards: boolean,
  limit: number,
): Promise<{ rows: Record<string, unknown>[]; places: Text[][] }> {
  const order = backwards ? plainOrder(source).map(reversed) : plainOrder(source);
  const condition = position && beyond(order, position, source.notNull, source.values.length + 1);
  const conditions = [source.where && bracketed(source.where), condition?.sql].filter(Boolean);
  const values = order
    .map(({ column }) => exactText(quotedColumn('page', column), source.types.get(column)))
    .join(', ');
  const text = `SELECT ${source.select}, json_build_array(${inexact(source)}, ${values})::text AS ${quoted(place)}
  FROM ${source.from}${conditions.length > 0 ? `\n WHERE ${conditions.join('\n   AND ')}` : ''}
 ORDER BY ${order.map((term) => orderSql(term, 'page')).join(', ')}
 LIMIT ${limit}`;
  const answer = await database
    .query(text, [...source.values, ...(condition?.values ?? [])])
    .catch((error: unknown) => {
      forgetRelations(database);
      throw error;
    });
  const places: Text[][] = [];
  const rows = answer.rows.map(({ [place]: at, ...row }) => {
    const [isInexact, ...texts] = JSON.parse(at as string) as [boolean, ...Text[]];
    if (isInexact) throw inexactPlaces();
    places.push(texts);
    return row;
  });
  return { rows, places };
}

const dates = ['date', 'timestamp', 'timestamptz'];
const floats = ['float4', 'float8'];
const named = (types: readonly string[]): string =>
  types.map((type) => `'pg_catalog.${type}'::pg_catalog.regtype`).join(', ');

/** Names that are keywords as well are quoted. */
const isOne = (types: readonly string[], type: string): boolean =>
  types.some((each) => type.replaceAll('"', '') === `pg_catalog.${each}`);

/**
 * A value as text that comes back the way it is, to the last digit, on whichever connection: dates as ISO 8601 has them, whatever
 * `DateStyle` says (others abbreviate time zones, and are read as other days elsewhere).
 */
function exactText(name: string, type: string | undefined): string {
  const iso = `pg_catalog.to_json(${name}) #>> '{}'`;
  if (type === undefined) {
    return `CASE WHEN pg_catalog.pg_typeof(${name}) IN (${named(dates)}) THEN ${iso} ELSE ${name}::text END`;
  }
  return isOne(dates, type) ? iso : `${name}::text`;
}

/** Whether the text of some value lacks its last digits, which floats have where `extra_float_digits` is below 1. */
function inexact({ order, types }: PageSource): string {
  const may = order.flatMap(({ column }) => {
    const type = types.get(column);
    if (type === undefined) return [`pg_catalog.pg_typeof(${quotedColumn('page', column)}) IN (${named(floats)})`];
    return isOne(floats, type) ? ['true'] : [];
  });
  if (may.length === 0) return 'false';
  return `pg_catalog.current_setting('extra_float_digits')::int < 1 AND (${may.join(' OR ')})`;
}

function inexactPlaces(): PitcrewError {
  return new PitcrewError('E_USAGE', 'pages in the order of floating-point numbers need all their digits', {
    detail: 'extra_float_digits is below 1 for this connection: rows could repeat on the next page, or be lost.',
    hint: 'Set extra_float_digits to 1, which is the default, or order by a numeric.',
  });
}

function reversed({ column, descending, nullsFirst }: Order): Order {
  return { column, descending: !descending, nullsFirst: !nullsFirst };
}

/** Of two rows in the same place the second one could be lost between two pages: better no page than that. */
function checkPlaces({ order, key }: PageSource, places: readonly Text[][]): void {
  const isNull = places.some((values) => order.some(({ column }, i) => key.has(column) && values[i] === null));
  const same = places.some((values, row) => row > 0 && values.every((value, i) => value === places[row - 1]?.[i]));
  if (!isNull && !same) return;
  throw new PitcrewError('E_USAGE', `the key of the pages, ${[...key].join(', ')}, does not tell rows apart`, {
    detail: isNull ? 'It is null in a row.' : 'Two rows have the same.',
    hint: 'Give columns in `key` that are unique and never null.',
  });
}
