import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** An extension of the current database. */
export interface ExtensionRow {
  name: string;
  version: string;
  /** The version that the server's files bring; `null` when they are gone. */
  available: string | null;
  /** There is a way of scripts from the one to the other, and back. */
  canUpdate: boolean;
  canGoBack: boolean;
  /** It may be changed by who owns it, without being superuser. */
  owned: boolean;
}

export async function readExtensions(connection: DatabaseConnection): Promise<Reading<ExtensionRow>> {
  return read<ExtensionRow>(
    connection,
    'extensions',
    `
    SELECT e.extname                                    AS "name",
           e.extversion                                 AS "version",
           a.default_version                            AS "available",
           coalesce(forth.path, false)                  AS "canUpdate",
           coalesce(back.path, false)                   AS "canGoBack",
           pg_has_role(e.extowner, 'USAGE')             AS "owned"
      FROM pg_extension e
      LEFT JOIN pg_available_extensions a ON a.name = e.extname
      -- Only for those that differ: every file of the extension is looked at, and one without files is an error.
     CROSS JOIN LATERAL (
             SELECT CASE WHEN a.default_version <> e.extversion THEN e.extname END AS extname
           ) differing
      LEFT JOIN LATERAL (
             SELECT bool_or(p.path IS NOT NULL) AS path
               FROM pg_extension_update_paths(differing.extname) p
              WHERE p.source = e.extversion AND p.target = a.default_version
           ) forth ON true
      LEFT JOIN LATERAL (
             SELECT bool_or(p.path IS NOT NULL) AS path
               FROM pg_extension_update_paths(differing.extname) p
              WHERE p.source = a.default_version AND p.target = e.extversion
           ) back ON true
     ORDER BY e.extname
    `,
  );
}
