import type { BackupRecord, Repository } from '../repository/index.ts';
import { segmentPosition } from '../wal/segments.ts';
import { type Decision, decide, type RetentionPolicy } from './decide.ts';

/** What would be removed, and was unless it was only looked at. */
export interface Pruned {
  /** All backups, newest first. */
  decisions: Decision[];
  /** Segments of log that no kept backup needs. */
  segments: string[];
  /** Of what is removed, as it is stored. */
  freedBytes: number;
  /** What killed backups had left. */
  leftovers: string[];
}

/** Nobody is at work on an object for so long without a byte of it being stored. */
const unfinishedMs = 86_400_000;

/**
 * Removes the backups that a policy does not keep, the log that no kept one needs, and what is left of backups that died. Whoever dies in between leaves
 * something that the next prune removes. A backup that is being made is not touched.
 */
export async function prune(
  repository: Repository,
  { policy, dryRun }: { policy: RetentionPolicy; dryRun: boolean },
): Promise<Pruned> {
  const decisions = decide(await repository.backups(), policy);
  const kept = decisions.flatMap(({ backup, keep }) => (keep ? [backup] : []));
  const removed = decisions.flatMap(({ backup, keep }) => (keep ? [] : [backup]));
  let freedBytes = removed.flatMap(({ files }) => files).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const segments: string[] = [];
  for await (const { name, bytes, key } of repository.wal()) {
    if (!isSpare(name, kept)) continue;
    segments.push(name);
    freedBytes += bytes;
    if (!dryRun) await repository.storage.delete(key);
  }
  const leftovers = await repository.leftovers();
  if (!dryRun) {
    // The oldest last: what others build on goes after them.
    for (const { id } of removed) await repository.remove(id);
    for (const id of leftovers) await repository.discard(id);
    await repository.storage.sweep(new Date(Date.now() - unfinishedMs));
  }
  return { decisions, segments, freedBytes, leftovers };
}

/** Whether a segment lies before everything that is kept. Histories of timelines are small, and always kept. */
function isSpare(name: string, kept: readonly BackupRecord[]): boolean {
  const [first] = kept;
  if (!first) return false;
  const { segmentBytes } = first;
  const at = segmentPosition(name, segmentBytes);
  if (!at) return false;
  const end = at.startLsn + BigInt(segmentBytes);
  return kept.every(({ timeline, startLsn }) => at.timeline <= timeline && end <= startLsn);
}
