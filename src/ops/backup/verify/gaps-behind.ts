import type { BackupRecord, Repository } from '../repository/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { type LogRange, missingIn, type StoredLog } from '../wal/ranges.ts';
import { segmentStart } from '../wal/segments.ts';
import { timelinePath } from '../wal/timelines.ts';
import { most } from './found.ts';

/**
 * Gaps that lie behind a backup: what was written in them is nowhere, and what comes after them leads on from a later backup only. Each timeline is looked at by
 * itself, because without a key nobody can tell how the server came from one to another.
 * @throws {PitcrewError} `E_STORAGE`
 */
export async function gapsBehind(
  repository: Repository,
  log: StoredLog,
  backups: readonly BackupRecord[],
): Promise<LogRange[]> {
  if (backups.length === 0) return [];
  const ends = await timelineEnds(repository, log);
  return [...log.ranges].flatMap(([timeline, own]) => {
    const first = backups
      .filter((backup) => backup.timeline === timeline)
      .reduce<bigint | undefined>(
        (least, { startLsn }) => (least === undefined || startLsn < least ? startLsn : least),
        undefined,
      );
    // Without a backup on it, what there is of a timeline begins where it left another.
    const from = segmentStart(first ?? own[0]?.from ?? 0n, log.segmentBytes);
    const to = [own.at(-1)?.to ?? 0n, ends.get(timeline) ?? 0n].reduce((a, b) => (a > b ? a : b));
    return missingIn(log, { timeline, from, to });
  });
}

/** Where timelines were left for others, as far as their histories can be read. */
async function timelineEnds(
  repository: Repository,
  { histories, segmentBytes }: StoredLog,
): Promise<Map<number, bigint>> {
  const ends = new Map<number, bigint>();
  for (const timeline of histories.slice(-most)) {
    const path = await timelinePath(repository, timeline).catch((error: unknown) => {
      // Without a key one that is encrypted cannot be; what is damaged is told where all files are read.
      if (error instanceof PitcrewError && error.code !== 'E_STORAGE') return undefined;
      throw error;
    });
    const left = path?.at(-2);
    if (left?.to === undefined) continue;
    // The segment in which it was left is there as the first of the new timeline.
    const at = segmentStart(left.to, segmentBytes);
    if (at > (ends.get(left.timeline) ?? 0n)) ends.set(left.timeline, at);
  }
  return ends;
}
