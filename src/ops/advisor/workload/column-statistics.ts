import { type DatabaseConnection, marked } from '../../../engine/postgres/index.ts';
import type { ColumnStatistics } from './sample-parameters.ts';

interface StatisticsRow {
  place: number;
  null_share: number;
  values: string[] | null;
  shares: number[] | null;
  bounds: string[] | null;
}

/** A column of a table; names not quoted. */
export interface ColumnName {
  schema: string;
  table: string;
  column: string;
}

/**
 * Reads what the planner knows of the values of columns: what ANALYZE sampled. Columns without statistics, and those that our role may
 * not read, are not among the answers.
 * @returns by place in `columns`.
 */
export async function readColumnStatistics(
  connection: DatabaseConnection,
  columns: readonly ColumnName[],
): Promise<Map<number, ColumnStatistics>> {
  const list = (of: (column: ColumnName) => string): string => JSON.stringify(columns.map(of));
  const rows = await connection.run<StatisticsRow>(
    marked(`
      SELECT wanted.place::int                  AS "place",
             s.null_frac                        AS "null_share",
             s.most_common_vals::text::text[]   AS "values",
             s.most_common_freqs::float8[]      AS "shares",
             s.histogram_bounds::text::text[]   AS "bounds"
        FROM ROWS FROM (json_array_elements_text($1::json),
                        json_array_elements_text($2::json),
                        json_array_elements_text($3::json))
             WITH ORDINALITY AS wanted (schema, "table", "column", place)
        JOIN LATERAL (
               SELECT   *
                 FROM   pg_catalog.pg_stats
                WHERE   schemaname = wanted.schema
                  AND   tablename  = wanted."table"
                  AND   attname    = wanted."column"
               -- Of a parent, the statistics with its children's rows.
               ORDER BY inherited DESC
               LIMIT    1
             ) s ON true`),
    [list(({ schema }) => schema), list(({ table }) => table), list(({ column }) => column)],
  );
  return new Map(
    rows.map(({ place, null_share: nullShare, values, shares, bounds }) => [
      place - 1,
      {
        nullShare,
        common: (values ?? []).map((value, index) => ({ value, share: shares?.[index] ?? 0 })),
        bounds: bounds ?? [],
      },
    ]),
  );
}
