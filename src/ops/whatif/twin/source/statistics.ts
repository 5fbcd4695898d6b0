import type { DatabaseConnection } from '../../../../engine/postgres/index.ts';

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
    [nameList(names)],
  );
}

function nameList(names: readonly string[]): string {
  return `{${names.map((name) => `"${name.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
