import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** Since when the server counts what it counts. One row. */
export interface CountersSinceRow {
  /** The server's clock. */
  now: Date;
  startedAt: Date;
  /**
   * Since when counters of this database and its tables are whole: its own last reset, else the oldest beginning of what is
   * counted for the whole server, which a crash or initdb sets.
   */
  since: Date;
}

/** When counting began: what a counter says is said of the time since then. */
export async function readCountersSince(connection: DatabaseConnection): Promise<Reading<CountersSinceRow>> {
  return read<CountersSinceRow>(
    connection,
    'beginning of statistics',
    `
    SELECT clock_timestamp()                                       AS "now",
           pg_postmaster_start_time()                              AS "startedAt",
           coalesce(d.stats_reset,
                    least(b.stats_reset, a.stats_reset, w.stats_reset),
                    pg_postmaster_start_time())                    AS "since"
      FROM pg_stat_database d
     CROSS JOIN pg_stat_bgwriter b
     CROSS JOIN pg_stat_archiver a
     CROSS JOIN pg_stat_wal w
     WHERE d.datname = current_database()
    `,
  );
}
