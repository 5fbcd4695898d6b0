import { type DatabaseConnection, type ServerProfile, textList } from '../../../../engine/postgres/index.ts';

/** One row of pg_stats, as text where the type depends on the column. */
export interface SourceColumnStatistics {
  schema: string;
  relation: string;
  column: string;
  inherited: boolean;
  null_frac: number;
  avg_width: number;
  n_distinct: number;
  most_common_vals: string | null;
  most_common_freqs: string | null;
  histogram_bounds: string | null;
  correlation: number | null;
  most_common_elems: string | null;
  most_common_elem_freqs: string | null;
  elem_count_histogram: string | null;
  range_length_histogram: string | null;
  range_empty_frac: number | null;
  range_bounds_histogram: string | null;
}

/** What is known of a column of a range type. */
export type RangeStatistics = Pick<
  SourceColumnStatistics,
  | 'schema'
  | 'relation'
  | 'column'
  | 'inherited'
  | 'range_length_histogram'
  | 'range_empty_frac'
  | 'range_bounds_histogram'
>;

/**
 * Before 17, pg_stats does not show statistics of ranges: only a superuser can read them.
 * @returns `null` when this role may not.
 */
export async function readRangeStatistics(
  connection: DatabaseConnection,
  { versionNumber, rights }: ServerProfile,
): Promise<RangeStatistics[] | null> {
  if (versionNumber >= 170_000) return [];
  if (!rights.superuser) return null;
  const slot = (kind: number, value: (slot: number) => string): string =>
    `CASE ${kind} ${[1, 2, 3, 4, 5].map((each) => `WHEN s.stakind${each} THEN ${value(each)}`).join(' ')} END`;
  return connection.run<RangeStatistics>(`
    SELECT n.nspname                                             AS "schema",
           c.relname                                             AS "relation",
           a.attname                                             AS "column",
           s.stainherit                                          AS "inherited",
           ${slot(6, (each) => `s.stavalues${each}::text`)}      AS "range_length_histogram",
           ${slot(6, (each) => `s.stanumbers${each}[1]`)}        AS "range_empty_frac",
           ${slot(7, (each) => `s.stavalues${each}::text`)}      AS "range_bounds_histogram"
      FROM pg_statistic s
      JOIN pg_class c     ON c.oid = s.starelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
     WHERE 6 IN (s.stakind1, s.stakind2, s.stakind3, s.stakind4, s.stakind5)
        OR 7 IN (s.stakind1, s.stakind2, s.stakind3, s.stakind4, s.stakind5)
  `);
}

const columnsSince17 = ['range_length_histogram', 'range_empty_frac', 'range_bounds_histogram'];

/**
 * Statistics of columns of the named relations (tables, and indexes with expressions), as far as this role may see them.
 * Names are not unique across schemas: more may come than was asked for.
 */
export function readColumnStatistics(
  connection: DatabaseConnection,
  known: ReadonlySet<string>,
  names: readonly string[],
): Promise<SourceColumnStatistics[]> {
  const newer = columnsSince17.map((column) =>
    known.has(column) ? `s.${column}${column === 'range_empty_frac' ? '' : '::text'}` : 'NULL',
  );
  // pg_stats is a security barrier: only what is known to leak nothing, as this comparison of names, gets inside.
  return connection.runPlanned<SourceColumnStatistics>(
    `
    SELECT s.schemaname                      AS "schema",
           s.tablename                       AS "relation",
           s.attname                         AS "column",
           s.inherited                       AS "inherited",
           s.null_frac                       AS "null_frac",
           s.avg_width                       AS "avg_width",
           s.n_distinct                      AS "n_distinct",
           s.most_common_vals::text          AS "most_common_vals",
           s.most_common_freqs::text         AS "most_common_freqs",
           s.histogram_bounds::text          AS "histogram_bounds",
           s.correlation                     AS "correlation",
           s.most_common_elems::text         AS "most_common_elems",
           s.most_common_elem_freqs::text    AS "most_common_elem_freqs",
           s.elem_count_histogram::text      AS "elem_count_histogram",
           ${newer[0]}                       AS "range_length_histogram",
           ${newer[1]}                       AS "range_empty_frac",
           ${newer[2]}                       AS "range_bounds_histogram"
      FROM pg_stats s
     WHERE s.tablename = ANY ($1::name[])
       AND s.schemaname <> 'pg_catalog'
    `,
    [textList(names)],
  );
}
