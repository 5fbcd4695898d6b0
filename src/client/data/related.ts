import { PitcrewError } from '../../errors.ts';
import { type KeyedQuery, readByKeys } from './by-keys.ts';
import { type Database, isPool } from './database.ts';

/** Rows that belong to others, and how they are found. */
export interface RelatedRows extends Omit<KeyedQuery, 'database' | 'key'> {
  /** The property that they become. */
  name: string;
  /** The property, or properties, of a row by which its related rows are found; `null` in one of them finds none. */
  from: string | readonly string[];
  /** The column, or columns, of the table that have the same value. */
  to: string | readonly string[];
  /** An array, or one row (the first in `orderBy`, when there are more) and `null` without. */
  many: boolean;
  /** Rows for each, at most: each looks its own up, so `to` should have an index that begins with it. */
  limit?: number | undefined;
  /** What belongs to these in turn. */
  related?: RelatedRows | readonly RelatedRows[] | undefined;
}

/**
 * Gives rows what belongs to them: one statement for each relation, whatever the number of rows and however deep relations go. The rows
 * themselves stay as they are; rows that belong to several are the same objects in all of them.
 * @example
 * ```ts
 * const { rows } = await pool.query('SELECT id, name FROM customers');
 * const customers = await withRelated(pool, rows, {
 *   name: 'orders', table: 'orders', from: 'id', to: 'customer_id', many: true,
 *   orderBy: { column: 'created_at', direction: 'desc' }, limit: 3,
 *   related: { name: 'items', table: 'order_items', from: 'id', to: 'order_id', many: true },
 * });
 * ```
 * @throws `E_USAGE` when rows lack a property by which they are related, or the table a column
 */
export async function withRelated<Row extends object, Related extends object = Record<string, unknown>>(
  database: Database,
  rows: Iterable<Row>,
  related: RelatedRows | readonly RelatedRows[],
): Promise<(Row & Related)[]> {
  const relations = [related].flat() as RelatedRows[];
  const owners: Record<string, unknown>[] = Array.from(rows, (row) => ({ ...(row as object) }));
  const attach = (relation: RelatedRows): Promise<void> => attached(database, owners, relation);
  // A single connection would only queue them.
  if (isPool(database)) await Promise.all(relations.map(attach));
  else for (const relation of relations) await attach(relation);
  return owners as (Row & Related)[];
}

async function attached(
  database: Database,
  owners: readonly Record<string, unknown>[],
  { name, from, to, many, related, ...query }: RelatedRows,
): Promise<void> {
  const properties = [from].flat();
  if (properties.length !== [to].flat().length) {
    throw new PitcrewError('E_USAGE', `relation ${name} has not as many columns in \`to\` as properties in \`from\``);
  }
  const keys: unknown[][] = [];
  const positions = new Map<string, number>();
  const positionOf = owners.map((owner) => {
    const key = properties.map((property) => valueOf(owner, property, name));
    if (key.includes(null)) return undefined;
    const same = JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    const position = positions.get(same) ?? keys.push(key) - 1;
    positions.set(same, position);
    return position;
  });
  const found =
    keys.length > 0
      ? await readByKeys({ ...query, database, key: to, limit: many || !query.orderBy ? query.limit : 1 }, keys)
      : [];
  const complete = related ? await withNested(database, found, related) : found;
  for (const [i, owner] of owners.entries()) {
    const position = positionOf[i];
    const rows = position === undefined ? [] : (complete[position] ?? []);
    // An array of its own: whoever changes it changes no other.
    owner[name] = many ? [...rows] : (rows[0] ?? null);
  }
}

/** All rows of a level at once, and back to whom they belong. */
async function withNested(
  database: Database,
  found: readonly Record<string, unknown>[][],
  related: RelatedRows | readonly RelatedRows[],
): Promise<Record<string, unknown>[][]> {
  const all = await withRelated(database, found.flat(), related);
  let at = 0;
  return found.map(({ length }) => all.slice(at, (at += length)));
}

function valueOf(owner: Record<string, unknown>, property: string, relation: string): unknown {
  if (property in owner) return owner[property] ?? null;
  throw new PitcrewError('E_USAGE', `rows have no ${JSON.stringify(property)}, by which ${relation} are found`, {
    hint: 'Select that column, too.',
  });
}
