import type { GapRecord, Repository } from '../repository/index.ts';
import { missingIn, segmentsOf, storedLog } from '../wal/ranges.ts';
import { segmentName } from '../wal/segments.ts';
import type { Position } from './position.ts';

/**
 * What a repository lacks between two positions, in runs of segments: some in between may have been stored with a backup.
 * @throws {PitcrewError} `E_STORAGE`
 */
export async function missingBetween(
  repository: Repository,
  from: Position,
  to: Position,
  { segmentBytes, reason }: { segmentBytes: number; reason: string },
): Promise<GapRecord[]> {
  const all = { format: 1, noticedAt: new Date(), reason } as const;
  const size = BigInt(segmentBytes);
  if (from.timeline !== to.timeline) {
    // Which of them there were on which timeline, nobody can tell any more.
    return [
      {
        ...all,
        timeline: from.timeline,
        first: segmentName(from.timeline, from.lsn, segmentBytes),
        last: segmentName(to.timeline, to.lsn > 0n ? to.lsn - 1n : 0n, segmentBytes),
        segments: Math.max(1, Number((to.lsn - from.lsn) / size)),
        fromLsn: from.lsn,
        toLsn: to.lsn,
      },
    ];
  }
  const { timeline } = from;
  const log = await storedLog(repository, segmentBytes);
  return missingIn(log, { timeline, from: from.lsn, to: to.lsn }).map((range): GapRecord => {
    const { first, last, count } = segmentsOf(range, segmentBytes);
    return { ...all, timeline, first, last, segments: count, fromLsn: range.from, toLsn: range.to };
  });
}
