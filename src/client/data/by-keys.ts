import { PitcrewError } from '../../errors.ts';
import type { Database } from './database.ts';
import { bracketed, quoted, quotedColumn, type TableReference } from './names.ts';
import { type OrderBy, orderSql, orderTerms } from './order.ts';
import { type Column, columnsNamed, forgetRelations, fromRelation, type Relation } from './relation.ts';
import { arraysOf, textOf, unnested } from './values.ts';

export interface KeyedQuery {
  database: Database;
  table: TableReference;
  /** The column, or columns, by which rows are found. */
  key: string | readonly string[];
  /** Default: all. */
  columns?: readonly string[] | undefined;
  /** A condition of SQL on the rows, with parameters from `$1` on. */
  where?: string | undefined;
  values?: readonly unknown[] | undefined;
  /** Of the rows for one key. */
  orderBy?: OrderBy | undefined;
  /** Rows per key, at most. */
  limit?: number | undefined;
}

type Row = Record<string, unknown>;

/** Where a row says which key it is for. */
const position = 'pitcrew key';

/**
 * Reads the rows for many keys with one statement, for each key its own. The server decides which rows belong to which key, by the
 * column's own `=`: keys need not look like the values of rows.
 */
export async function readByKeys(query: KeyedQuery, keys: readonly (readonly unknown[])[]): Promise<Row[][]> {
  const { database, table, values = [] } = query;
  try {
    const { key, text } = await fromRelation(database, table, (relation) => {
      const columns = columnsNamed(relation, [query.key].flat());
      return { key: columns, text: statement(query, relation, columns) };
    });
    const texts = keys.map((each) => key.map(({ form }, i) => textOf(each[i], form)));
    const { rows } = await database.query(text, [...values, ...arraysOf(key, texts)]);
    const found: Row[][] = keys.map(() => []);
    for (const { [position]: at, ...row } of rows) found[Number(at) - 1]?.push(row);
    return found;
  } catch (error) {
    // Perhaps the table is not what it was.
    forgetRelations(database);
    throw error;
  }
}

function statement(query: KeyedQuery, relation: Relation, key: readonly Column[]): string {
  const { columns, where, values = [], orderBy, limit } = query;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new PitcrewError('E_USAGE', `limit cannot be ${String(limit)}`, { hint: 'Give a whole number from 1.' });
  }
  const { from, select } = unnested(key, values.length + 1);
  const order = orderTerms(orderBy);
  columnsNamed(relation, [...(columns ?? []), ...order.map(({ column }) => column)]);
  const inner = columns && new Set([...columns, ...order.map(({ column }) => column)]);
  const ordered = (of: string): string[] => order.map((term) => orderSql(term, of));
  const conditions = key.map(({ name }, i) => `${quotedColumn('source', name)} = ${select[i]}`);
  if (where !== undefined) conditions.push(bracketed(where));
  // Without a limit the planner makes a plain join of it.
  return `SELECT given.n AS ${quoted(position)}, ${columns?.map((name) => quotedColumn('found', name)).join(', ') ?? 'found.*'}
  FROM ${from}
 CROSS JOIN LATERAL (
       SELECT ${inner ? [...inner].map((name) => quotedColumn('source', name)).join(', ') : 'source.*'}
         FROM ${relation.sql} AS source
        WHERE ${conditions.join(' AND ')}${
          limit === undefined
            ? ''
            : `${order.length > 0 ? `\n        ORDER BY ${ordered('source').join(', ')}` : ''}\n        LIMIT ${limit}`
        }
       ) AS found
 ORDER BY ${['given.n', ...ordered('found')].join(', ')}`;
}
