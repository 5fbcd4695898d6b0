import type { DatabaseConnection } from '../connection.ts';
import { textList } from '../text-list.ts';
import { type Reading, read } from './reading.ts';

/** Where the value of a setting comes from, as far as the role may see. */
export interface SettingOriginRow {
  name: string;
  /** The file that sets it; `null` when none does, or when that is hidden from us. */
  file: string | null;
  /** True when ALTER SYSTEM set it, `null` when that is hidden from us. */
  byAlterSystem: boolean | null;
  /** What it is outside of our own session, as ALTER SYSTEM takes it: in the setting's base unit. */
  value: string;
  /** True for a list such as shared_preload_libraries, whose elements ALTER SYSTEM takes one by one. */
  list: boolean;
}

/** Origins of settings by name. */
export async function readSettingOrigins(
  connection: DatabaseConnection,
  names: readonly string[],
): Promise<Reading<SettingOriginRow>> {
  return read<SettingOriginRow>(
    connection,
    'origins of settings',
    `
    SELECT s.name                                                  AS "name",
           s.sourcefile                                            AS "file",
           CASE WHEN s.source <> 'configuration file' THEN false
                WHEN s.sourcefile IS NULL THEN NULL
                ELSE s.sourcefile LIKE '%postgresql.auto.conf' END AS "byAlterSystem",
           coalesce(CASE s.source WHEN 'session' THEN s.reset_val ELSE s.setting END, '') AS "value",
           'GUC_LIST_INPUT' = ANY (pg_settings_get_flags(s.name))  AS "list"
      FROM pg_settings s
     WHERE s.name = ANY ($1::text[])
    `,
    [textList(names)],
  );
}
