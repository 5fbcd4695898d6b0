import { PitcrewError } from '../../../errors.ts';
import type { DatabaseConnection } from '../connection.ts';
import { quoteIdentifier } from '../identifiers.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read } from './reading.ts';

export interface DatabaseSizeRow {
  database: string;
  bytes: number;
  /** `pages`: from relpages, as of the last VACUUM or ANALYZE. `files`: from the file system. */
  source: 'pages' | 'files';
}

/**
 * Sizes of databases. The current one is summed up from `relpages`; for the others the server looks at every file, which
 * takes long with many, so ask seldom. One that takes longer than statement_timeout is skipped.
 */
export async function readDatabaseSizes(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<DatabaseSizeRow>> {
  const { rows, skipped } = await read<DatabaseSizeRow>(
    connection,
    'database sizes',
    `
    SELECT current_database()                          AS "database",
           sum(relpages::int8) * ${profile.blockSize}  AS "bytes",
           'pages'                                     AS "source"
      FROM pg_class
     WHERE relkind IN ('r', 'i', 't', 'm', 'S')
    `,
  );
  const others = await connection.run<{ database: string; allowed: boolean }>(
    `
    SELECT datname                                            AS "database",
           has_database_privilege(oid, 'CONNECT')
             OR pg_has_role('pg_read_all_stats', 'MEMBER')    AS "allowed"
      FROM pg_database
     WHERE datallowconn
       AND datname <> current_database()
    `,
  );
  for (const { database, allowed } of others) {
    const subject = `size of database ${database}`;
    if (!allowed) {
      skipped.push({
        subject,
        reason: 'this role may not connect to it',
        fix: `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(profile.user)}`,
      });
      continue;
    }
    try {
      const one = await read<DatabaseSizeRow>(
        connection,
        subject,
        `SELECT d.datname AS "database", pg_database_size(d.oid) AS "bytes", 'files' AS "source" FROM pg_database d WHERE d.datname = $1`,
        [database],
      );
      rows.push(...one.rows);
      skipped.push(...one.skipped);
    } catch (error) {
      if (!(error instanceof PitcrewError) || error.sqlState !== '57014') throw error;
      skipped.push({ subject, reason: 'it took longer than statement_timeout', fix: null });
    }
  }
  return { rows, skipped };
}
