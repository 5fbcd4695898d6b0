import { PitcrewError } from '../../../errors.ts';
import type { Database } from '../database.ts';
import { bracketed, quoted, quotedColumn, type TableReference } from '../names.ts';
import { type Order, type OrderBy, orderTerms } from '../order.ts';
import { columnsNamed, keyOf, fromRelation, type Relation } from '../relation.ts';

interface Listed {
  /** Default: all. */
  columns?: readonly string[] | undefined;
  /** The parameters of `where` or `query`, from `$1` on. */
  values?: readonly unknown[] | undefined;
  /** Default: the key. It is added where it is not part of the order, so that no two rows are in the same place. */
  orderBy?: OrderBy | undefined;
}

/** Rows of a table. */
export interface TableRows extends Listed {
  table: TableReference;
  /** A condition of SQL. */
  where?: string | undefined;
  /** Columns of a unique index without nulls. Default: the primary key. */
  key?: string | readonly string[] | undefined;
  query?: undefined;
}

/** Rows of any query, by the columns that it gives. */
export interface QueryRows extends Listed {
  /** A SELECT without ORDER BY and LIMIT. */
  query: string;
  /** Columns that no two of its rows have in common, and that are never null. */
  key: string | readonly string[];
  /** Columns of the order that are never null either: then an index can be used where nulls would come last. */
  notNull?: readonly string[] | undefined;
  table?: undefined;
  where?: undefined;
}

export type PageRows = TableRows | QueryRows;

/** What pages are cut from. */
export interface PageSource {
  /** `FROM … [WHERE …]` with the rows as `page`. */
  from: string;
  where: string | undefined;
  /** What is read of a row. */
  select: string;
  values: readonly unknown[];
  /** With the key at its end. */
  order: Order[];
  key: ReadonlySet<string>;
  notNull: ReadonlySet<string>;
  /** Types of columns, where they are known. */
  types: ReadonlyMap<string, string>;
}

export interface PageSize {
  /** Rows of a page. Default 50. */
  limit?: number | undefined;
  /** The most that `limit` may be, since it often comes from outside. Default 500. */
  maxLimit?: number | undefined;
}

/** @throws `E_BAD_REQUEST` for more rows than are allowed, or no number of rows */
export function pageLimit({ limit = 50, maxLimit = 500 }: PageSize): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= maxLimit) return limit;
  throw new PitcrewError('E_BAD_REQUEST', `a page cannot have ${String(limit)} rows`, {
    hint: `Ask for 1 to ${maxLimit}.`,
  });
}

/**
 * Makes of options what pages are cut from.
 * @throws `E_USAGE` for columns that the table does not have, and for a key that is not known to be unique
 */
export async function pageSource(database: Database, rows: PageRows): Promise<PageSource> {
  if (rows.table === undefined) return fromQuery(rows);
  return fromRelation(database, rows.table, (relation) => fromTable(relation, rows));
}

function fromTable(relation: Relation, { key: named, where, ...rows }: TableRows): PageSource {
  const key = keyOf(relation, named);
  const names = new Set(key.map(({ name }) => name));
  const notNull = new Set(relation.columns.filter(({ nullable }) => !nullable).map(({ name }) => name));
  if (!relation.keys.some(({ columns }) => columns.every((name) => names.has(name) && notNull.has(name)))) {
    throw new PitcrewError(
      'E_USAGE',
      `${relation.name} has no unique index without nulls on ${[...names].join(', ')}`,
      {
        detail: 'Rows in the same place would be lost between two pages.',
        hint: 'Give the columns of one in `key`; of a view, use `query`.',
      },
    );
  }
  const types = new Map(relation.columns.map(({ name, type }) => [name, type]));
  const order = withKey(rows.orderBy, names);
  columnsNamed(relation, [...(rows.columns ?? []), ...order.map(({ column }) => column)]);
  return { ...common(rows), from: `${relation.sql} AS page`, where, order, key: names, notNull, types };
}

function fromQuery({ query, key: named, notNull = [], ...rows }: QueryRows): PageSource {
  const key = new Set([named].flat());
  if (key.size === 0) throw new PitcrewError('E_USAGE', 'key names no column');
  return {
    ...common(rows),
    from: `${bracketed(query)} AS page`,
    where: undefined,
    order: withKey(rows.orderBy, key),
    key,
    notNull: new Set([...key, ...notNull]),
    types: new Map(),
  };
}

function common({ columns, values = [] }: Listed): Pick<PageSource, 'select' | 'values'> {
  return { select: columns?.map((name) => quotedColumn('page', name)).join(', ') ?? 'page.*', values };
}

/** The key follows the direction of what is before it: an index on both then serves, read one way or the other. */
function withKey(orderBy: OrderBy | undefined, key: ReadonlySet<string>): Order[] {
  const order = orderTerms(orderBy);
  const names = order.map(({ column }) => column);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new PitcrewError('E_USAGE', `the order names ${quoted(twice)} twice`);
  const descending = order.at(-1)?.descending ?? false;
  const missing = [...key].filter((name) => !names.includes(name));
  return [...order, ...missing.map((column) => ({ column, descending, nullsFirst: descending }))];
}

/** What of an order is not null needs no word on nulls, which would only keep indexes from being used. */
export function plainOrder({ order, notNull }: PageSource): Order[] {
  return order.map((term) => (notNull.has(term.column) ? { ...term, nullsFirst: term.descending } : term));
}
