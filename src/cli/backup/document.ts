import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord } from '../../ops/backup/index.ts';

/** A backup for `--json`: as its record, with positions as PostgreSQL writes them. */
export function backupDocument(record: BackupRecord): object {
  return { ...record, startLsn: lsnText(record.startLsn), endLsn: lsnText(record.endLsn) };
}
