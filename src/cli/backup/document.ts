import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord, DrillRecord } from '../../ops/backup/index.ts';

/** A backup for `--json`: as its record, with positions as PostgreSQL writes them. */
export function backupDocument(record: BackupRecord): object {
  return { ...record, startLsn: lsnText(record.startLsn), endLsn: lsnText(record.endLsn) };
}

/** A drill for `--json`: as its record. */
export function drillDocument({ reached, ...record }: DrillRecord): object {
  return { ...record, reached: { ...reached, lsn: reached.lsn === null ? null : lsnText(reached.lsn) } };
}

/** What the last drill of a backup said; `null` when there was none. */
export function proofDocument(drill: DrillRecord | undefined): object | null {
  if (!drill) return null;
  const { proven, endedAt, fetchMs, recoveryMs } = drill;
  return { proven, endedAt, fetchMs, recoveryMs };
}
