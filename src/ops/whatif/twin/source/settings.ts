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
 * Settings of the planner as a session of this role begins with them, not as our own session changed them, by name; with a
 * `role`, what ALTER ROLE and ALTER DATABASE say for that one goes before. Values are in the setting's base unit or carry their own.
 */
export async function readPlannerSettings(source: Source, role: string | undefined): Promise<Map<string, string>> {
  const own = await source.read<{ name: string; value: string }>(
    `
    SELECT name      AS "name",
           reset_val AS "value"
      FROM pg_settings
     WHERE (category LIKE 'Query Tuning%' OR name = ANY ($1))
       AND reset_val IS NOT NULL
    `,
    [`{${others.join(',')}}`],
  );
  const settings = new Map(own.map(({ name, value }) => [name, value]));
  if (role === undefined) return settings;
  // From the general to the particular, as a session takes them.
  const ofRole = await source.read<{ setting: string }>(
    `
    SELECT c.setting AS "setting"
      FROM pg_db_role_setting s
     CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
      LEFT JOIN pg_database d ON d.oid = s.setdatabase
      LEFT JOIN pg_roles r    ON r.oid = s.setrole
     WHERE (s.setdatabase = 0 OR d.datname = current_database())
       AND (s.setrole = 0 OR r.rolname = $1)
     ORDER BY (s.setrole <> 0)::int4 * 2 + (s.setdatabase <> 0)::int4
    `,
    [role],
  );
  for (const { setting } of ofRole) {
    const at = setting.indexOf('=');
    const name = setting.slice(0, at);
    if (settings.has(name)) settings.set(name, setting.slice(at + 1));
  }
  return settings;
}

/** Costs that ALTER TABLESPACE sets, by name: `random_page_cost=1.1`. */
export interface TablespaceCosts {
  name: string;
  /** Where tables go that name no other. */
  isDefault: boolean;
  options: string[];
}

export function readTablespaceCosts(source: Source): Promise<TablespaceCosts[]> {
  return source.read<TablespaceCosts>(`
    SELECT t.spcname                 AS "name",
           t.oid = d.dattablespace   AS "isDefault",
           t.spcoptions              AS "options"
      FROM pg_tablespace t
      JOIN pg_database d ON d.datname = current_database()
     WHERE t.spcoptions IS NOT NULL
       AND (t.oid = d.dattablespace OR EXISTS (SELECT FROM pg_class c WHERE c.reltablespace = t.oid))
  `);
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
