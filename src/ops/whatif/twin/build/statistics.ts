import pg from 'pg';
import type { SourceColumnStatistics } from '../source/statistics.ts';

/** What `pg_class` says of a table or an index. */
export interface RelationStatistics {
  schema: string;
  name: string;
  pages: number;
  rows: number;
  allVisible: number;
}

const batchSize = 1000;

/** Sets pages and rows of tables and indexes that exist on the twin. */
export async function restoreRelations(admin: pg.Client, relations: readonly RelationStatistics[]): Promise<void> {
  for (let start = 0; start < relations.length; start += batchSize) {
    // Not pg_restore_relation_stats, which locks each relation until the transaction ends.
    await admin.query(
      `
      UPDATE pg_class c
         SET relpages      = s.pages,
             reltuples     = s.rows,
             relallvisible = s."allVisible"
        FROM jsonb_to_recordset($1) AS s (schema name, name name, pages int4, rows float4, "allVisible" int4)
        JOIN pg_namespace n ON n.nspname = s.schema
       WHERE c.relname = s.name
         AND c.relnamespace = n.oid
      `,
      [JSON.stringify(relations.slice(start, start + batchSize))],
    );
  }
}

/**
 * Gives columns the statistics of the source. Those of relations that could not be carried over are passed by.
 * @returns those that PostgreSQL would not take.
 */
export async function restoreColumns(
  owner: pg.Client,
  statistics: readonly SourceColumnStatistics[],
): Promise<SourceColumnStatistics[]> {
  if (statistics.length === 0) return [];
  try {
    return await restoreTogether(owner, statistics);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (statistics.length === 1) return [...statistics];
  }
  const middle = Math.ceil(statistics.length / 2);
  return [
    ...(await restoreColumns(owner, statistics.slice(0, middle))),
    ...(await restoreColumns(owner, statistics.slice(middle))),
  ];
}

async function restoreTogether(
  owner: pg.Client,
  statistics: readonly SourceColumnStatistics[],
): Promise<SourceColumnStatistics[]> {
  const { rows } = await owner.query<{ position: string; restored: boolean }>(
    `
    SELECT s.position - 1 AS position,
           pg_restore_attribute_stats(
             'schemaname', s.value ->> 'schema',
             'relname', s.value ->> 'relation',
             'attname', s.value ->> 'column',
             'inherited', (s.value ->> 'inherited')::bool,
             'null_frac', (s.value ->> 'null_frac')::real,
             'avg_width', (s.value ->> 'avg_width')::int,
             'n_distinct', (s.value ->> 'n_distinct')::real,
             'most_common_vals', s.value ->> 'most_common_vals',
             'most_common_freqs', (s.value ->> 'most_common_freqs')::real[],
             'histogram_bounds', s.value ->> 'histogram_bounds',
             'correlation', (s.value ->> 'correlation')::real,
             'most_common_elems', s.value ->> 'most_common_elems',
             'most_common_elem_freqs', (s.value ->> 'most_common_elem_freqs')::real[],
             'elem_count_histogram', (s.value ->> 'elem_count_histogram')::real[],
             'range_length_histogram', s.value ->> 'range_length_histogram',
             'range_empty_frac', (s.value ->> 'range_empty_frac')::real,
             'range_bounds_histogram', s.value ->> 'range_bounds_histogram') AS restored
      FROM jsonb_array_elements($1) WITH ORDINALITY AS s (value, position)
      JOIN pg_namespace n ON n.nspname = s.value ->> 'schema'
      JOIN pg_class c     ON c.relnamespace = n.oid AND c.relname = s.value ->> 'relation'
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.value ->> 'column' AND a.attnum > 0
    `,
    [JSON.stringify(statistics)],
  );
  return rows.flatMap(({ position, restored }) => (restored ? [] : (statistics[Number(position)] ?? [])));
}
