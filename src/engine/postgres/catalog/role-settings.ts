import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** A setting that a role or a database brings along (ALTER ROLE … SET, ALTER DATABASE … SET). */
export interface RoleSettingRow {
  /** `null`: for every role in the database. */
  role: string | null;
  /** `null`: in every database. */
  database: string | null;
  name: string;
  value: string;
}

/** Settings of roles and databases, over the whole server. Everyone may read them. */
export async function readRoleSettings(connection: DatabaseConnection): Promise<Reading<RoleSettingRow>> {
  return read<RoleSettingRow>(
    connection,
    'settings of roles',
    `
    SELECT r.rolname                                    AS "role",
           d.datname                                    AS "database",
           lower(split_part(c.line, '=', 1))            AS "name",
           substr(c.line, strpos(c.line, '=') + 1)      AS "value"
      FROM pg_db_role_setting s
     CROSS JOIN unnest(s.setconfig) c (line)
      LEFT JOIN pg_roles r    ON r.oid = s.setrole
      LEFT JOIN pg_database d ON d.oid = s.setdatabase
    `,
  );
}
