import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { type Reading, read } from './reading.ts';

/** A setting of the server, as it is outside our own session. */
export interface SettingRow {
  name: string;
  /** As in postgresql.conf, without the unit. */
  value: string;
  unit: string | null;
  category: string;
  description: string;
  /** Where it comes from: `default`, `configuration file`, `database`, `command line`, … */
  source: string;
  /** `postmaster` needs a restart, `sighup` a reload, … */
  context: string;
  isDefault: boolean;
  /** Changed in the file, waits for a restart. */
  pendingRestart: boolean;
}

/** All settings that the role may see. */
export async function readSettings(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<SettingRow>> {
  // What our own session set (statement_timeout, …) is shown with the value that a new session gets.
  const reading = await read<SettingRow>(
    connection,
    'settings',
    `
    SELECT name                                                        AS "name",
           coalesce(CASE source WHEN 'session' THEN reset_val ELSE setting END, '') AS "value",
           unit                                                        AS "unit",
           category                                                    AS "category",
           short_desc                                                  AS "description",
           CASE WHEN source <> 'session' THEN source
                WHEN reset_val IS NOT DISTINCT FROM boot_val THEN 'default'
                ELSE 'configuration' END                               AS "source",
           context                                                     AS "context",
           CASE source WHEN 'session' THEN reset_val ELSE setting END
             IS NOT DISTINCT FROM boot_val                             AS "isDefault",
           pending_restart                                             AS "pendingRestart"
      FROM pg_settings
     ORDER BY name
    `,
  );
  if (!profile.rights.readAllSettings) {
    reading.skipped.push({
      subject: 'settings',
      reason: 'some settings are shown to members of pg_read_all_settings only',
      fix: grantRole('pg_read_all_settings', profile.user),
    });
  }
  return reading;
}
