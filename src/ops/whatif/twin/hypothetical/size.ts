import type pg from 'pg';
import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import type { HypotheticalIndex } from '../../types.ts';
import { btreeSize } from '../../../sizes/index.ts';
import { blockSize } from '../files/page.ts';
import { type IndexColumn, indexColumns } from './columns.ts';
import { type Elements, elementsOf } from './elements.ts';
import { ginPages } from './gin-size.ts';
import { otherSize } from './other-sizes.ts';
import type { IndexedTable } from './tables.ts';

export interface IndexSize {
  pages: number;
  rows: number;
  /** Levels above the leaves of a B-tree; 0 for others. */
  height: number;
  /** Pages of the table, which a BRIN index summarises. */
  tablePages: number;
}

/** How large an index on one table would be just after CREATE INDEX. The index is on the twin already, without rows. */
export async function estimateSize(
  owner: pg.Client,
  index: HypotheticalIndex,
  oid: number,
  table: IndexedTable,
): Promise<IndexSize> {
  const rows =
    index.where === undefined && table.rows !== null ? table.rows : await rowsOf(owner, table, index.where ?? 'true');
  const columns = await indexColumns(owner, oid, rows);
  const size =
    index.method === 'btree'
      ? btreeSize({
          rows,
          keys: columns.filter(({ key }) => key),
          included: columns.filter(({ key }) => !key),
          joins: columns.every(({ key, equalImage }) => key && equalImage),
          together: await distinctTogether(owner, table, columns),
          blockSize,
          fillFactor: 90,
        })
      : {
          pages:
            index.method === 'gin'
              ? ginPages(await elementsIn(owner, oid, columns, rows), table.pages, columns.length)
              : otherSize(index, columns, rows, table.pages),
          height: 0,
        };
  return { ...size, rows, tablePages: table.pages };
}

async function elementsIn(
  owner: pg.Client,
  index: number,
  columns: readonly IndexColumn[],
  rows: number,
): Promise<Elements[]> {
  const elements: Elements[] = [];
  for (const [at, column] of columns.entries())
    elements.push(...(await elementsOf(owner, index, { position: at + 1, rows }, column)));
  return elements;
}

/** Rows that a predicate leaves, by the planner. */
async function rowsOf(owner: pg.Client, table: IndexedTable, predicate: string): Promise<number> {
  await owner.query('SET LOCAL max_parallel_workers_per_gather = 0');
  const { rows } = await owner.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `EXPLAIN (FORMAT JSON) SELECT FROM ONLY ${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)} WHERE ${predicate}`,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** How many combinations of the key columns there are, where CREATE STATISTICS was asked for just these. */
async function distinctTogether(
  owner: pg.Client,
  table: IndexedTable,
  columns: readonly IndexColumn[],
): Promise<number | undefined> {
  const keys = columns.filter(({ key }) => key).map(({ column }) => column);
  if (keys.length < 2 || keys.includes(null)) return undefined;
  const { rows } = await owner.query<{ distinct: number }>(
    `
    SELECT d.value::float8 AS "distinct"
      FROM pg_stats_ext s
     CROSS JOIN LATERAL json_each_text(s.n_distinct::text::json) AS d (columns, value)
     WHERE s.schemaname = $1
       AND s.tablename = $2
       AND (SELECT array_agg(a.attname ORDER BY a.attname)
              FROM pg_attribute a
             WHERE a.attrelid = $3
               AND a.attnum::text = ANY (string_to_array(d.columns, ', ')))
           = (SELECT array_agg(k ORDER BY k) FROM unnest($4::name[]) AS k)
     LIMIT 1
    `,
    [table.schema, table.name, table.oid, keys],
  );
  return rows[0]?.distinct;
}
