import type pg from 'pg';
import type { SourceExpressionData, SourceExtendedData } from '../source/extended.ts';
import type { SourceColumnStatistics } from '../source/statistics.ts';
import { withFrequencies } from './extended-bytes.ts';
import { restoreColumns } from './statistics.ts';

/** The object on the twin, and what it is about. */
export interface StatisticsTarget {
  oid: number;
  /** Quoted, with schema. */
  table: string;
  /** Quoted columns, in the order of their numbers. */
  columns: string[];
  /** In parentheses. */
  expressions: string[];
}

/**
 * The bytes of a list of most common combinations. How values are kept differs from type to type, so ANALYZE makes the list,
 * from a table that holds each combination once; the source's frequencies are put in after.
 */
export async function commonCombinations(
  owner: pg.Client,
  { table, columns, expressions }: StatisticsTarget,
  { values, frequencies, baseFrequencies }: SourceExtendedData,
): Promise<Buffer | null> {
  const items = values ?? [];
  const parts = [...columns, ...expressions];
  const names = parts.map((_, index) => `c${index}`);
  await owner.query('BEGIN');
  try {
    await owner.query(`
      CREATE TEMP TABLE pitcrew_combinations AS
      SELECT ${parts.map((part, index) => `${part} AS c${index}`).join(', ')} FROM ${table} WITH NO DATA
    `);
    const types = await columnTypes(owner, 'pitcrew_combinations');
    await owner.query(
      `
      INSERT INTO pg_temp.pitcrew_combinations
      SELECT ${names.map((_, index) => `(v ->> ${index})::${types[index]}`).join(', ')} FROM jsonb_array_elements($1) AS v
      `,
      [JSON.stringify(items)],
    );
    await owner.query(`
      SET LOCAL default_statistics_target = 10000;
      CREATE STATISTICS pg_temp.pitcrew_combinations (mcv) ON ${names.join(', ')} FROM pg_temp.pitcrew_combinations;
      ANALYZE pg_temp.pitcrew_combinations;
    `);
    const { rows } = await owner.query<{ list: Buffer; values: (string | null)[] }>(`
      SELECT d.stxdmcv::bytea AS "list",
             i.values         AS "values"
        FROM pitcrew_twin.extended_data('pg_temp.pitcrew_combinations'::regclass) AS d (stxdmcv),
             pg_mcv_list_items(d.stxdmcv) i
       ORDER BY i.index
    `);
    const known = new Map(
      items.map((item, index) => [
        JSON.stringify(item),
        { frequency: frequencies?.[index] ?? 0, base: baseFrequencies?.[index] ?? 0 },
      ]),
    );
    const found = rows.map((row) => known.get(JSON.stringify(row.values)));
    const [first] = rows;
    if (!first || found.length !== items.length || found.some((each) => each === undefined)) return null;
    return withFrequencies(
      first.list,
      parts.length,
      found.flatMap((each) => each ?? []),
    );
  } finally {
    await owner.query('ROLLBACK');
  }
}

/**
 * Gives the columns of a temporary table, one for each expression, the statistics of the expressions.
 * @returns its oid: its rows of `pg_statistic` are those of the expressions. It is to be dropped.
 */
export async function expressionStatistics(
  owner: pg.Client,
  { table, expressions }: StatisticsTarget,
  data: readonly SourceExpressionData[],
): Promise<number | null> {
  await owner.query(`
    CREATE TEMP TABLE pitcrew_expressions AS
    SELECT ${expressions.map((expression, index) => `${expression} AS e${index}`).join(', ')} FROM ${table} WITH NO DATA
  `);
  const { rows } = await owner.query<{ oid: number; schema: string }>(`
    SELECT c.oid     AS "oid",
           n.nspname AS "schema"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = 'pg_temp.pitcrew_expressions'::regclass
  `);
  const [scratch] = rows;
  if (!scratch) return null;
  const statistics = data.flatMap((each): SourceColumnStatistics[] => {
    const position = each.position - 1;
    if (each.null_frac === null || each.avg_width === null || each.n_distinct === null) return [];
    return [
      {
        ...each,
        schema: scratch.schema,
        relation: 'pitcrew_expressions',
        column: `e${position}`,
        inherited: false,
        null_frac: each.null_frac,
        avg_width: each.avg_width,
        n_distinct: each.n_distinct,
        range_length_histogram: null,
        range_empty_frac: null,
        range_bounds_histogram: null,
      },
    ];
  });
  await restoreColumns(owner, statistics);
  return scratch.oid;
}

async function columnTypes(owner: pg.Client, table: string): Promise<string[]> {
  const { rows } = await owner.query<{ type: string }>(
    `
    SELECT format_type(a.atttypid, a.atttypmod) AS "type"
      FROM pg_attribute a
     WHERE a.attrelid = ('pg_temp.' || $1)::regclass
       AND a.attnum > 0
     ORDER BY a.attnum
    `,
    [table],
  );
  return rows.map(({ type }) => type);
}
