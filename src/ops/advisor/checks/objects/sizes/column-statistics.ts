import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';

/** What is known of the values of a column, or of an expression of an index, for what they take up. */
export interface ColumnStatistics {
  /** Table, or index for its expressions. */
  relation: number;
  number: number;
  name: string;
  /** Bytes of every value; -1 when they differ, -2 for a C string. */
  length: number;
  /** 1, 2, 4 or 8. */
  alignment: number;
  dropped: boolean;
  /** Added with a default that old rows do not hold themselves. */
  missing: boolean;
  /** False when the role may not see statistics of it. */
  readable: boolean;
  /** `null` without statistics, with all that follows. */
  nullShare: number | null;
  averageWidth: number | null;
  /** As in pg_stats: negative is a share of the rows. */
  distinct: number | null;
  commonShares: number[] | null;
  /** Bytes of sampled texts, without header; `null` for what is no text. */
  textLengths: number[] | null;
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
           CASE WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
                THEN (SELECT array_agg(octet_length(v))
                        FROM unnest(coalesce(s.histogram_bounds, s.most_common_vals)::text::text[]) v)
           END                                                AS "textLengths"
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

/** How many values of a column are different, of so many rows. */
export function distinctOf({ distinct, nullShare }: ColumnStatistics, rows: number): number {
  const filled = rows * (1 - (nullShare ?? 0));
  if (distinct === null || distinct === 0) return Math.max(filled, 1);
  return Math.max(1, Math.min(filled, distinct > 0 ? distinct : -distinct * rows));
}
