import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** One of the small caches of transaction state (SLRU). Names differ before and from 17 (`Xact`, `transaction`). */
export interface SlruRow {
  name: string;
  blocksZeroed: number;
  blocksHit: number;
  blocksRead: number;
  blocksWritten: number;
  flushes: number;
  truncates: number;
  statsReset: Date | null;
}

export async function readSlru(connection: DatabaseConnection): Promise<Reading<SlruRow>> {
  return read<SlruRow>(
    connection,
    'slru',
    `
    SELECT name         AS "name",
           blks_zeroed  AS "blocksZeroed",
           blks_hit     AS "blocksHit",
           blks_read    AS "blocksRead",
           blks_written AS "blocksWritten",
           flushes      AS "flushes",
           truncates    AS "truncates",
           stats_reset  AS "statsReset"
      FROM pg_stat_slru
    `,
  );
}
