import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, skip } from './reading.ts';

/**
 * I/O of one kind of process, object and context (pg_stat_io, 16+). Counters that cannot occur for the combination are
 * `null`. Times in ms, 0 unless track_io_timing (for WAL: track_wal_io_timing) is on.
 */
export interface IoRow {
  backendType: string;
  /** `relation`, `temp relation`, `wal` (18+). */
  object: string;
  /** `normal`, `vacuum`, `bulkread`, `bulkwrite`, `init` (18+). */
  context: string;
  reads: number | null;
  readBytes: number | null;
  readMs: number | null;
  writes: number | null;
  writeBytes: number | null;
  writeMs: number | null;
  extends: number | null;
  extendBytes: number | null;
  extendMs: number | null;
  hits: number | null;
  evictions: number | null;
  reuses: number | null;
  fsyncs: number | null;
  fsyncMs: number | null;
  statsReset: Date | null;
}

export async function readIo(connection: DatabaseConnection, profile: ServerProfile): Promise<Reading<IoRow>> {
  const columns = profile.columns.get('pg_stat_io');
  if (!columns) return skip('io', `pg_stat_io needs PostgreSQL 16, this is ${profile.version}`, null);
  // Up to 17 every operation is of op_bytes.
  const bytes = (operation: string, column: string) => (columns.has(column) ? column : `${operation} * op_bytes`);
  return read<IoRow>(
    connection,
    'io',
    `
    SELECT backend_type                        AS "backendType",
           object                              AS "object",
           context                             AS "context",
           reads                               AS "reads",
           ${bytes('reads', 'read_bytes')}     AS "readBytes",
           read_time                           AS "readMs",
           writes                              AS "writes",
           ${bytes('writes', 'write_bytes')}   AS "writeBytes",
           write_time                          AS "writeMs",
           extends                             AS "extends",
           ${bytes('extends', 'extend_bytes')} AS "extendBytes",
           extend_time                         AS "extendMs",
           hits                                AS "hits",
           evictions                           AS "evictions",
           reuses                              AS "reuses",
           fsyncs                              AS "fsyncs",
           fsync_time                          AS "fsyncMs",
           stats_reset                         AS "statsReset"
      FROM pg_stat_io
    `,
  );
}
