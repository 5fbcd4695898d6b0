import type { GapRecord, Repository } from '../repository/index.ts';
import { segmentName, segmentNames } from '../wal/segments.ts';
import type { Position } from './timelines.ts';

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
  const names = segmentNames(from.timeline, from.lsn, to.lsn, segmentBytes);
  const missing = new Set(names);
  for await (const { name } of repository.wal()) missing.delete(name);
  const runs: GapRecord[] = [];
  let lsn = from.lsn;
  for (const name of names) {
    const run = runs.at(-1);
    if (missing.has(name)) {
      if (run?.toLsn === lsn) Object.assign(run, { last: name, segments: run.segments + 1, toLsn: lsn + size });
      else {
        const { timeline } = from;
        runs.push({ ...all, timeline, first: name, last: name, segments: 1, fromLsn: lsn, toLsn: lsn + size });
      }
    }
    lsn += size;
  }
  return runs;
}
