import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import { boundsSql, type SizedColumn, widthsSql } from '../../../../sizes/index.ts';

/** A column of a table, or an expression of an index, with what is known of its values. */
export interface ColumnStatistics extends SizedColumn {
  /** Table, or index for its expressions. */
  relation: number;
  number: number;
  name: string;
  dropped: boolean;
  /** Added with a default that old rows do not hold themselves. */
  missing: boolean;
  /** False when the role may not see statistics of it. */
  readable: boolean;
}

/** Statistics of all columns of some tables and indexes, by relation, in the order of columns. */
export async function readColumnStatistics(
  connection: DatabaseConnection,
  relations: readonly number[],
): Promise<ReadonlyMap<number, ColumnStatistics[]>> {
  if (relations.length === 0) return new Map();
  const rows = await connection.runPlanned<ColumnStatistics>(
    `
    SELECT a.attrelid                                         AS "relation",
           a.attnum                                           AS "number",
           a.attname                                          AS "name",
           a.attlen                                           AS "length",
           CASE a.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END AS "alignment",
           a.attisdropped                                     AS "dropped",
           a.atthasmissing                                    AS "missing",
           has_column_privilege(a.attrelid, a.attnum, 'SELECT') IS TRUE AS "readable",
           s.null_frac                                        AS "nullShare",
           s.avg_width                                        AS "averageWidth",
           s.n_distinct                                       AS "distinct",
           s.most_common_freqs::float8[]                      AS "commonShares",
           ${boundsSql('a.atttypid', 's.histogram_bounds')} AS "bounds",
           ${widthsSql('a.atttypid', 'coalesce(s.histogram_bounds, s.most_common_vals)')} AS "widths"
      FROM pg_attribute a
      JOIN pg_class c     ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      -- Row by row, because the planner cannot tell how few rows a join by names would leave.
      LEFT JOIN LATERAL (
           SELECT p.*
             FROM pg_stats p
            WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.attname = a.attname AND NOT p.inherited
            LIMIT 1) s ON true
     WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0
     ORDER BY a.attrelid, a.attnum
    `,
    [`{${relations.join(',')}}`],
  );
  return Map.groupBy(rows, ({ relation }) => relation);
}
