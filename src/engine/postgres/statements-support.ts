import type { DatabaseConnection } from './connection.ts';
import { quoteIdentifier } from './identifiers.ts';
import { changeSetting, type Flavour } from './remedies.ts';
import type { Skipped } from './skipped.ts';

/** pg_stat_statements, as far as it is there. */
export interface StatementsSupport {
  usable: boolean;
  /** Extension version in this database: `1.11`. */
  version: string | null;
  schema: string;
  /** Output columns of the function. */
  columns: ReadonlySet<string>;
  /** pg_stat_statements_info exists. */
  hasInfo: boolean;
  max: number | null;
  track: string | null;
  trackPlanning: boolean | null;
  /** The statement that brings the extension up to date; `null` when it is. */
  update: string | null;
  /** Why it is not usable, or not in full. */
  skipped: Skipped[];
}

interface Found {
  version: string | null;
  newest: string | null;
  schema: string | null;
  columns: string[];
  hasInfo: boolean;
  allowed: boolean;
  max: number | null;
  track: string | null;
  trackPlanning: boolean | null;
  preloaded: string | null;
}

const subject = 'pg_stat_statements';

/** Looks for pg_stat_statements: loaded into the server, installed in this database, where, which version, allowed. */
export async function probeStatements(
  connection: DatabaseConnection,
  flavour: Flavour,
  user: string,
): Promise<StatementsSupport> {
  const [found] = await connection.run<Found>(
    `
    SELECT e.extversion                                                 AS "version",
           (SELECT default_version FROM pg_available_extensions
             WHERE name = 'pg_stat_statements')                         AS "newest",
           n.nspname                                                    AS "schema",
           coalesce(p.columns, '{}')                                    AS "columns",
           EXISTS (SELECT FROM pg_proc i
                    WHERE i.pronamespace = n.oid
                      AND i.proname = 'pg_stat_statements_info')        AS "hasInfo",
           coalesce(has_schema_privilege(n.oid, 'USAGE')
             AND has_function_privilege(p.oid, 'EXECUTE'), false)       AS "allowed",
           s.max                                                        AS "max",
           current_setting('pg_stat_statements.track', true)            AS "track",
           current_setting('pg_stat_statements.track_planning', true)::bool AS "trackPlanning",
           s.preloaded                                                  AS "preloaded"
      -- Loaded: a setting of its own, and not only a line in postgresql.conf that nobody claims.
      FROM (SELECT max(setting) FILTER (WHERE name = 'pg_stat_statements.max' AND context = 'postmaster')::int4 AS max,
                   max(setting) FILTER (WHERE name = 'shared_preload_libraries') AS preloaded
              FROM pg_settings) s
      LEFT JOIN pg_extension e ON e.extname = 'pg_stat_statements'
      LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
      LEFT JOIN LATERAL (
             SELECT f.oid,
                    ARRAY(SELECT a.name
                            FROM unnest(f.proargnames, f.proargmodes) a(name, mode)
                           WHERE a.mode = 'o') AS columns
               FROM pg_proc f
              WHERE f.pronamespace = n.oid AND f.proname = 'pg_stat_statements') p ON true
    `,
  );
  const columns = new Set(found?.columns);
  const version = found?.version ?? null;
  const outdated = version !== null && found?.newest !== null && found?.newest !== version;
  const update = outdated ? 'ALTER EXTENSION pg_stat_statements UPDATE' : null;
  const problem = problemOf(found, columns, flavour, user, update);
  const limits: Skipped[] =
    found?.track === 'none'
      ? [
          {
            subject,
            reason: 'pg_stat_statements.track is none, so nothing is counted',
            fix: changeSetting(flavour, 'pg_stat_statements.track', 'top', 'reload'),
          },
        ]
      : [];
  return {
    usable: problem === undefined,
    version,
    schema: found?.schema ?? 'public',
    columns,
    hasInfo: found?.hasInfo ?? false,
    max: found?.max ?? null,
    track: found?.track ?? null,
    trackPlanning: found?.trackPlanning ?? null,
    update,
    skipped: problem ? [problem] : limits,
  };
}

function problemOf(
  found: Found | undefined,
  columns: ReadonlySet<string>,
  flavour: Flavour,
  user: string,
  update: string | null,
): Skipped | undefined {
  const create = 'CREATE EXTENSION pg_stat_statements';
  if (!found || found.max === null) {
    const already = found?.preloaded?.split(',').map((name) => name.trim()) ?? [];
    const libraries = [...already.filter(Boolean), 'pg_stat_statements'].join(', ');
    const load = changeSetting(flavour, 'shared_preload_libraries', libraries, 'restart');
    return {
      subject,
      reason: 'it is not loaded into the server (shared_preload_libraries)',
      fix: found?.version ? load : `${load}, then ${create}`,
    };
  }
  if (found.version === null) {
    const allow = flavour === 'azure' ? 'add it to azure.extensions, then ' : '';
    return { subject, reason: 'the extension is not installed in this database', fix: allow + create };
  }
  if (!columns.has('total_exec_time')) {
    return { subject, reason: `extension version 1.8 or newer is needed, found ${found.version}`, fix: update };
  }
  if (!found.allowed) {
    const schema = quoteIdentifier(found.schema ?? 'public');
    return {
      subject,
      reason: `this role may not use it in schema ${schema}`,
      fix: `GRANT USAGE ON SCHEMA ${schema} TO ${quoteIdentifier(user)}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${quoteIdentifier(user)}`,
    };
  }
  return undefined;
}
