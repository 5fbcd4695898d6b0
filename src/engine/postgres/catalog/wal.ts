import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** WAL made by this server. One row. Writes and syncs moved to pg_stat_io (object `wal`) in 18. Times in ms. */
export interface WalRow {
  records: number;
  fullPageImages: number;
  bytes: number;
  buffersFull: number;
  writes: number | null;
  syncs: number | null;
  writeMs: number | null;
  syncMs: number | null;
  statsReset: Date | null;
}

export async function readWal(connection: DatabaseConnection, profile: ServerProfile): Promise<Reading<WalRow>> {
  const known = whereKnown(profile, 'pg_stat_wal');
  return read<WalRow>(
    connection,
    'wal',
    `
    SELECT wal_records                AS "records",
           wal_fpi                    AS "fullPageImages",
           wal_bytes                  AS "bytes",
           wal_buffers_full           AS "buffersFull",
           ${known('wal_write')}      AS "writes",
           ${known('wal_sync')}       AS "syncs",
           ${known('wal_write_time')} AS "writeMs",
           ${known('wal_sync_time')}  AS "syncMs",
           stats_reset                AS "statsReset"
      FROM pg_stat_wal
    `,
  );
}
