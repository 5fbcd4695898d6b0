import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** Archiving of WAL. One row. */
export interface ArchiverRow {
  /** archive_mode: `off`, `on`, `always`. */
  mode: string;
  archived: number;
  lastArchivedWal: string | null;
  lastArchivedAt: Date | null;
  failed: number;
  lastFailedWal: string | null;
  lastFailedAt: Date | null;
  statsReset: Date | null;
}

export async function readArchiver(connection: DatabaseConnection): Promise<Reading<ArchiverRow>> {
  return read<ArchiverRow>(
    connection,
    'archiver',
    `
    SELECT current_setting('archive_mode') AS "mode",
           archived_count                  AS "archived",
           last_archived_wal               AS "lastArchivedWal",
           last_archived_time              AS "lastArchivedAt",
           failed_count                    AS "failed",
           last_failed_wal                 AS "lastFailedWal",
           last_failed_time                AS "lastFailedAt",
           stats_reset                     AS "statsReset"
      FROM pg_stat_archiver
    `,
  );
}
