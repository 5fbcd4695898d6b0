import { PitcrewError } from '../../../errors.ts';
import type { Database } from '../database.ts';
import { bracketed } from '../names.ts';
import { orderSql } from '../order.ts';
import { forgetRelations } from '../relation.ts';
import { pageLimit, type PageRows, type PageSize, type PageSource, pageSource, plainOrder } from './source.ts';

export type OffsetPageOptions = PageRows &
  PageSize & {
    /** Rows to pass over. Default 0. */
    offset?: number | undefined;
    /** The most that may be passed over, since the server reads them all. Default 10,000. */
    maxOffset?: number | undefined;
    /** `exact` counts all rows; `estimate` asks the planner, which reads none. Default: neither. */
    total?: 'exact' | 'estimate' | undefined;
  };

export interface OffsetPage<Row> {
  rows: Row[];
  offset: number;
  /** There are rows behind this page. */
  more: boolean;
  /** All rows, where that was asked for. What is estimated says so, and can be far off. */
  total: { rows: number; estimated: boolean } | null;
}

/**
 * Reads a page by its distance from the first row, for lists in which one jumps to a page by its number. Rows that are inserted or
 * deleted meanwhile shift those behind them; `keysetPage` does not have that, nor a limit to how far it goes.
 * @throws `E_BAD_REQUEST` for an offset above `maxOffset` and a limit above `maxLimit`; `E_USAGE` as `keysetPage`
 */
export async function offsetPage<Row extends object = Record<string, unknown>>(
  database: Database,
  options: OffsetPageOptions,
): Promise<OffsetPage<Row>> {
  const limit = pageLimit(options);
  const { offset = 0, maxOffset = 10_000, total } = options;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > maxOffset) {
    throw new PitcrewError('E_BAD_REQUEST', `a page cannot begin ${String(offset)} rows from the first`, {
      hint: `Ask for 0 to ${maxOffset}, or narrow the search.`,
    });
  }
  const source = await pageSource(database, options);
  const where = source.where === undefined ? '' : `\n WHERE ${bracketed(source.where)}`;
  const text = `SELECT ${source.select}
  FROM ${source.from}${where}
 ORDER BY ${plainOrder(source)
   .map((term) => orderSql(term, 'page'))
   .join(', ')}
 LIMIT ${limit + 1} OFFSET ${offset}`;
  try {
    const { rows } = await database.query(text, [...source.values]);
    const more = rows.length > limit;
    if (more) rows.length = limit;
    // Whoever has seen the end has counted.
    const counted =
      !more && (rows.length > 0 || offset === 0) ? { rows: offset + rows.length, estimated: false } : undefined;
    const all = total === undefined ? null : (counted ?? (await count(database, source, where, total)));
    return { rows: rows as Row[], offset, more, total: all };
  } catch (error) {
    forgetRelations(database);
    throw error;
  }
}

async function count(
  database: Database,
  { from, values }: PageSource,
  where: string,
  how: 'exact' | 'estimate',
): Promise<{ rows: number; estimated: boolean }> {
  if (how === 'exact') {
    const { rows } = await database.query(`SELECT count(*)::text AS rows FROM ${from}${where}`, [...values]);
    return { rows: Number(rows[0]?.['rows']), estimated: false };
  }
  const { rows } = await database.query(`EXPLAIN (FORMAT JSON) SELECT FROM ${from}${where}`, [...values]);
  const plan = rows[0]?.['QUERY PLAN'];
  // The application may have its own parser for JSON, or none.
  const [top] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as { Plan: { 'Plan Rows': number } }[];
  return { rows: top?.Plan['Plan Rows'] ?? 0, estimated: true };
}
