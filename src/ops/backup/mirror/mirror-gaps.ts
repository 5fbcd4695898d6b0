import type { BackupRecord, GapRecord, Repository } from '../repository/index.ts';
import { missingIn, segmentsOf, storedLog } from '../wal/ranges.ts';
import { isWanted } from './mirror-log.ts';

export interface MirrorGapsOptions {
  from: Repository;
  to: Repository;
  /** What the target has, or is to have: of log from before all of them nothing is said. */
  backups: readonly BackupRecord[];
}

/**
 * Copies what is known of log that is lost, as far as the target lacks it too: it may have some of it by a stream of its own.
 * @returns how many records were written
 * @throws {PitcrewError} `E_STORAGE`, `E_BACKUP_DAMAGED`
 */
export async function mirrorGaps({ from, to, backups }: MirrorGapsOptions): Promise<number> {
  const [first] = backups;
  const gaps = first ? (await from.gaps()).filter(({ last }) => isWanted(last, backups)) : [];
  if (!first || gaps.length === 0) return 0;
  const there = await to.gaps();
  const log = await storedLog(to, first.segmentBytes);
  const lacked = gaps.flatMap((gap) => lackedOf(gap, first.segmentBytes, (range) => missingIn(log, range)));
  const unknown = lacked.filter((gap) => !there.some((known) => known.first <= gap.first && gap.last <= known.last));
  for (const gap of unknown) await to.putGap(gap);
  return unknown.length;
}

/** A gap in runs of segments that are missing; one from a timeline into another as it is. */
function lackedOf(gap: GapRecord, segmentBytes: number, missing: (range: Range) => Range[]): GapRecord[] {
  const { timeline, first, last, fromLsn, toLsn } = gap;
  if (first.slice(0, 8) !== last.slice(0, 8)) return [gap];
  return missing({ timeline, from: fromLsn, to: toLsn }).map((range) => {
    const { count, ...names } = segmentsOf(range, segmentBytes);
    return { ...gap, ...names, segments: count, fromLsn: range.from, toLsn: range.to };
  });
}

type Range = Parameters<typeof missingIn>[1];
