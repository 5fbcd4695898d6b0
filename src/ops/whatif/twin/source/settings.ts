import type { Source } from './source.ts';

/** What of a setting's name tells that plans depend on it, apart from those that PostgreSQL files under query tuning. */
const others = [
  'work_mem',
  'hash_mem_multiplier',
  'maintenance_work_mem',
  'max_parallel_workers',
  'max_parallel_workers_per_gather',
  'parallel_leader_participation',
  'default_text_search_config',
  'default_statistics_target',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'bytea_output',
  'extra_float_digits',
  'search_path',
  'transform_null_equals',
  'standard_conforming_strings',
  'backslash_quote',
  'array_nulls',
  'xmloption',
  'row_security',
];

/**
 * Settings of the planner as a session of this role begins with them, not as our own session changed them, by name. Values
 * are in the setting's base unit.
 */
export async function readPlannerSettings(source: Source): Promise<Map<string, string>> {
  const rows = await source.read<{ name: string; value: string }>(
    `
    SELECT name      AS "name",
           reset_val AS "value"
      FROM pg_settings
     WHERE (category LIKE 'Query Tuning%' OR name = ANY ($1))
       AND reset_val IS NOT NULL
    `,
    [`{${others.join(',')}}`],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

export interface SourceLocale {
  /** `c` the operating system's, `i` ICU, `b` built in. */
  provider: 'c' | 'i' | 'b';
  locale: string;
  encoding: string;
  version: string | null;
}

export async function readLocale(source: Source): Promise<SourceLocale | undefined> {
  const [found] = await source.read<SourceLocale>(`
    SELECT d.datlocprovider               AS "provider",
           -- The column's name changed with 17.
           CASE d.datlocprovider
             WHEN 'c' THEN d.datcollate
             ELSE coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
           END                            AS "locale",
           pg_encoding_to_char(d.encoding) AS "encoding",
           d.datcollversion               AS "version"
      FROM pg_database d
     WHERE d.datname = current_database()
  `);
  return found;
}
