import { type CatalogReader, readRows, textIn } from './catalog/index.ts';
import { resultSettings } from './builtins.ts';

/** What of a session the meaning of a statement and its result depend on. */
export interface Session {
  /** Cluster and database: two databases never share results. */
  readonly database: string;
  /** Who asks now (`current_user`). */
  readonly role: string;
  readonly sessionUser: string;
  /** As it is set: `"$user", public`. */
  readonly searchPath: string;
  /** Where names are looked for, first to last, as `current_schemas(true)` gives them: pg_temp and pg_catalog too. */
  readonly schemas: readonly string[];
  /** Names of the session's own temporary tables, views and types: they hide others. */
  readonly temporary: readonly string[];
  /** The settings that results depend on (`resultSettings`), by name. */
  readonly settings: Readonly<Record<string, string>>;
}

interface SessionJson {
  schemas: string[];
  temporary: string[] | null;
  settings: Record<string, string> | null;
}

/** Reads it over the session itself. True until the session sets something or makes something temporary, and until schemas change. */
export async function readSession(reader: CatalogReader): Promise<Session> {
  const [row = {}] = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           (SELECT system_identifier FROM pg_control_system())
             || '/' || (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AS "database",
           current_user                                                 AS "role",
           session_user                                                 AS "sessionUser",
           current_setting('search_path')                               AS "searchPath",
           json_build_object(
             'schemas',   current_schemas(true),
             'temporary', (SELECT json_agg(name)
                             FROM (SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = pg_my_temp_schema()
                                    UNION
                                   SELECT typname FROM pg_catalog.pg_type WHERE typnamespace = pg_my_temp_schema()) AS own (name)),
             'settings',  (SELECT json_object_agg(name, setting)
                             FROM pg_catalog.pg_settings
                            WHERE name = ANY ($1::text[])))             AS "rest"
    `,
    [`{${resultSettings.join(',')}}`],
  );
  const rest = JSON.parse(textIn(row, 'rest')) as SessionJson;
  return {
    database: textIn(row, 'database'),
    role: textIn(row, 'role'),
    sessionUser: textIn(row, 'sessionUser'),
    searchPath: textIn(row, 'searchPath'),
    schemas: rest.schemas,
    temporary: rest.temporary ?? [],
    settings: rest.settings ?? {},
  };
}
