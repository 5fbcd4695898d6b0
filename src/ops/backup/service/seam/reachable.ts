import { type BackupRecord, byLog, type Repository } from '../../repository/index.ts';
import { segmentPosition } from '../../wal/segments.ts';

/** A moment, by the log and by a clock. */
export interface Moment {
  timeline: number;
  lsn: bigint;
  at: Date;
}

/** A stretch of time of which every moment can be restored. */
export interface ReachableWindow {
  /** Those from which it can be reached, oldest first. */
  backups: string[];
  from: Moment;
  to: Moment;
}

/** What can be restored. */
export interface Reachable {
  windows: ReachableWindow[];
  log: { segments: number; storedBytes: number };
}

/** What can be restored from a repository, by what is listed. */
export async function reachableWindows(repository: Repository, backups: readonly BackupRecord[]): Promise<Reachable> {
  const segmentBytes = backups[0]?.segmentBytes;
  const log = { segments: 0, storedBytes: 0 };
  if (segmentBytes === undefined) return { windows: [], log };
  const there = new Map<string, string>();
  for await (const { name, key, bytes } of repository.wal()) {
    const at = segmentPosition(name, segmentBytes);
    if (!at) continue;
    log.segments += 1;
    log.storedBytes += bytes;
    there.set(`${at.timeline}/${at.startLsn}`, key);
  }
  const windows: ReachableWindow[] = [];
  for (const backup of backups.toSorted(byLog)) {
    const { timeline, endLsn } = backup;
    const last = windows.at(-1);
    if (last && last.to.timeline === timeline && last.to.lsn >= endLsn) {
      last.backups.push(backup.id);
      continue;
    }
    let lsn = endLsn - (endLsn % BigInt(segmentBytes));
    let key: string | undefined;
    for (;;) {
      const next = there.get(`${timeline}/${lsn}`);
      if (next === undefined) break;
      key = next;
      lsn += BigInt(segmentBytes);
    }
    const stored = key === undefined ? undefined : (await repository.storage.head(key))?.modifiedAt;
    const at = stored && stored > backup.endedAt ? stored : backup.endedAt;
    const to = lsn > endLsn ? lsn : endLsn;
    windows.push({
      backups: [backup.id],
      from: { timeline, lsn: endLsn, at: backup.endedAt },
      to: { timeline, lsn: to, at },
    });
  }
  return { windows, log };
}
