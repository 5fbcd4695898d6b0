import type { DatabaseConnection } from '../../../../engine/postgres/index.ts';

/**
 * Since when a server has counted uses in this database. A crash takes the counters away and leaves no trace at the database,
 * but it begins all statistics of the server anew at once: so they are not older than the oldest of those.
 */
export async function readCountedSince(connection: DatabaseConnection): Promise<{ since: Date | null; now: Date }> {
  const [row] = await connection.run<{ since: Date | null; now: Date }>(
    `
    SELECT greatest(d.stats_reset, least(b.stats_reset, a.stats_reset, w.stats_reset)) AS "since",
           clock_timestamp()                                                           AS "now"
      FROM pg_stat_database d
     CROSS JOIN pg_stat_bgwriter b
     CROSS JOIN pg_stat_archiver a
     CROSS JOIN pg_stat_wal w
     WHERE d.datname = current_database()
    `,
  );
  return row ?? { since: null, now: new Date() };
}
