import type { BackupRecord } from './records.ts';

/** Orders backups by where they are in the server's log, the oldest first: no clock has a say. */
export function byLog(a: BackupRecord, b: BackupRecord): number {
  if (a.timeline !== b.timeline) return a.timeline - b.timeline;
  if (a.endLsn === b.endLsn) return a.id < b.id ? -1 : 1;
  return a.endLsn < b.endLsn ? -1 : 1;
}
