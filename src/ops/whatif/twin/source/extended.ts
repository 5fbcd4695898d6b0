import { notOfExtension, type Source, userNamespace } from './source.ts';

/** An object of CREATE STATISTICS. */
export interface SourceStatisticsObject {
  table: number;
  schema: string;
  name: string;
  definition: string;
}

/** What ANALYZE found for it, as text. */
export interface SourceExtendedData {
  schema: string;
  name: string;
  inherited: boolean;
  /** `{"1, 2": 10}`: columns by number, expressions by negative numbers. */
  distinct: string | null;
  /** `{"1 => 2": 1.0}` */
  dependencies: string | null;
  /** Most common combinations: values as a two-dimensional array of text. */
  values: (string | null)[][] | null;
  frequencies: number[] | null;
  baseFrequencies: number[] | null;
}

/** Statistics of one expression of such an object, with the names of pg_stats. */
export interface SourceExpressionData {
  schema: string;
  name: string;
  inherited: boolean;
  position: number;
  expression: string;
  null_frac: number | null;
  avg_width: number | null;
  n_distinct: number | null;
  most_common_vals: string | null;
  most_common_freqs: string | null;
  histogram_bounds: string | null;
  correlation: number | null;
  most_common_elems: string | null;
  most_common_elem_freqs: string | null;
  elem_count_histogram: string | null;
}

export function readStatisticsObjects(source: Source): Promise<SourceStatisticsObject[]> {
  return source.readUnlocked<SourceStatisticsObject>(`
    SELECT s.stxrelid                          AS "table",
           n.nspname                           AS "schema",
           s.stxname                           AS "name",
           pg_get_statisticsobjdef(s.oid)      AS "definition"
      FROM pg_statistic_ext s
      JOIN pg_namespace n ON n.oid = s.stxnamespace
     WHERE s.stxrelid <> ALL ($1::oid[])
       AND ${userNamespace}
       AND ${notOfExtension('pg_statistic_ext', 's.oid')}
     ORDER BY s.oid
  `);
}

export function readExtendedData(source: Source): Promise<SourceExtendedData[]> {
  return source.read<SourceExtendedData>(`
    SELECT s.statistics_schemaname              AS "schema",
           s.statistics_name                    AS "name",
           s.inherited                          AS "inherited",
           s.n_distinct::text                   AS "distinct",
           s.dependencies::text                 AS "dependencies",
           s.most_common_vals                   AS "values",
           s.most_common_freqs                  AS "frequencies",
           s.most_common_base_freqs             AS "baseFrequencies"
      FROM pg_stats_ext s
  `);
}

export function readExpressionData(source: Source): Promise<SourceExpressionData[]> {
  return source.read<SourceExpressionData>(`
    SELECT s.statistics_schemaname              AS "schema",
           s.statistics_name                    AS "name",
           s.inherited                          AS "inherited",
           row_number() OVER (PARTITION BY s.statistics_schemaname, s.statistics_name, s.inherited)::int4 AS "position",
           s.expr                               AS "expression",
           s.null_frac                          AS "null_frac",
           s.avg_width                          AS "avg_width",
           s.n_distinct                         AS "n_distinct",
           s.most_common_vals::text             AS "most_common_vals",
           s.most_common_freqs::text            AS "most_common_freqs",
           s.histogram_bounds::text             AS "histogram_bounds",
           s.correlation                        AS "correlation",
           s.most_common_elems::text            AS "most_common_elems",
           s.most_common_elem_freqs::text       AS "most_common_elem_freqs",
           s.elem_count_histogram::text         AS "elem_count_histogram"
      FROM pg_stats_ext_exprs s
  `);
}
