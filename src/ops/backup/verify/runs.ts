import type { BackupRecord } from '../repository/index.ts';
import { segmentName, segmentStart } from '../wal/segments.ts';
import type { Gap } from './found.ts';

/** Log without a gap: of one timeline, from a position up to before another. */
export interface Run {
  timeline: number;
  from: bigint;
  to: bigint;
}

/** Adds a segment to those before it: they come by timeline, and in their order. */
export function addSegment(runs: Run[], timeline: number, startLsn: bigint, segmentBytes: number): void {
  const to = startLsn + BigInt(segmentBytes);
  const last = runs.at(-1);
  if (last?.timeline === timeline && startLsn <= last.to) last.to = to > last.to ? to : last.to;
  else runs.push({ timeline, from: startLsn, to });
}

/** What is missing of the log from one position up to before another. */
export function missingIn(runs: readonly Run[], wanted: Run, segmentBytes: number): Gap[] {
  const gaps: Gap[] = [];
  let at = segmentStart(wanted.from, segmentBytes);
  for (const { timeline, from, to } of runs) {
    if (timeline !== wanted.timeline || to <= at) continue;
    if (from >= wanted.to) break;
    if (from > at) gaps.push(gapOf(wanted.timeline, at, from, segmentBytes));
    at = to;
  }
  if (at < wanted.to) gaps.push(gapOf(wanted.timeline, at, wanted.to, segmentBytes));
  return gaps;
}

/** Gaps that lie behind a backup: what was written in them is nowhere, and what comes after them leads on from a later backup only. */
export function gapsBehind(
  runs: readonly Run[],
  backups: readonly BackupRecord[],
  ends: ReadonlyMap<number, bigint>,
  segmentBytes: number,
): Gap[] {
  return [...new Set(runs.map(({ timeline }) => timeline))].flatMap((timeline) => {
    const first = backups
      .filter((backup) => backup.timeline === timeline)
      .reduce<bigint | undefined>(
        (least, { startLsn }) => (least === undefined || startLsn < least ? startLsn : least),
        undefined,
      );
    const own = runs.filter((run) => run.timeline === timeline);
    // Without a backup on it, what there is of a timeline begins where it left another.
    const from = first ?? own[0]?.from ?? 0n;
    const to = [own.at(-1)?.to ?? 0n, ends.get(timeline) ?? 0n].reduce((a, b) => (a > b ? a : b));
    return missingIn(runs, { timeline, from, to }, segmentBytes);
  });
}

function gapOf(timeline: number, from: bigint, to: bigint, segmentBytes: number): Gap {
  const size = BigInt(segmentBytes);
  const segments = Number((to - from + size - 1n) / size);
  return {
    timeline,
    first: segmentName(timeline, from, segmentBytes),
    last: segmentName(timeline, to - 1n, segmentBytes),
    segments,
  };
}
