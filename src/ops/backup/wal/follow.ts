import { type LogRange, partKey, piecesOf, type StoredLog, type StoredPart } from './ranges.ts';
import { segmentStart } from './segments.ts';
import type { TimelinePath } from './timelines.ts';

/** An end of the log. */
export interface Reach {
  timeline: number;
  /** The end of the last segment, or up to where it is there at least. */
  lsn: bigint;
  /** Of that segment. */
  lastKey: string;
  /** It is there in part, and nobody knows how much of it: the log ends somewhere before the end. */
  isPart: boolean;
}

/** The log from a position on, along a way. */
export interface FollowedLog {
  /** Up to where it is there without a gap; `undefined` when the first segment is missing. */
  reaches: Reach | undefined;
  /** Segments up to there. */
  segments: number;
  /** What is missing of what was asked for; without an end, what is missing before something that is stored. */
  missing: LogRange[];
}

/**
 * Follows the log from a position on a timeline along a way, up to before a position or to the end of what is stored. At a promotion the new
 * timeline's segment begins with what the old one had in it, so that the old one's last segment is not needed.
 */
export function followLog(
  log: StoredLog,
  path: TimelinePath,
  { timeline, from, to }: { timeline: number; from: bigint; to?: bigint | undefined },
): FollowedLog {
  const { ranges, segmentBytes } = log;
  const missing: LogRange[] = [];
  let reaches: Reach | undefined;
  let segments = 0;
  const first = path.findIndex((part) => part.timeline === timeline);
  const wanted = to === undefined ? undefined : segmentEnd(to, segmentBytes);
  for (const part of first < 0 ? [] : path.slice(first)) {
    const stored = ranges.get(part.timeline) ?? [];
    const begin = segmentStart(part.timeline === timeline ? from : part.from, segmentBytes);
    const branch = part.to === undefined ? undefined : segmentStart(part.to, segmentBytes);
    const end = least(branch ?? wanted ?? stored.at(-1)?.to ?? begin, wanted);
    for (const { key, range } of piecesOf(log, { timeline: part.timeline, from: begin, to: end })) {
      if (key === undefined) missing.push(range);
      else if (missing.length === 0) {
        reaches = { lsn: range.to, timeline: part.timeline, lastKey: key, isPart: false };
        segments += Number((range.to - range.from) / BigInt(segmentBytes));
      }
    }
    if (wanted !== undefined && end >= wanted) break;
  }
  // A backup of a standby can begin and end in a segment that is there in part.
  const at = reaches ?? { timeline, lsn: segmentStart(from, segmentBytes) };
  const next = first < 0 || (wanted !== undefined && wanted <= at.lsn) ? undefined : partBehind(log, path, at);
  if (!next) return { reaches, segments, missing };
  const { key, end } = next.part;
  const segmentTo = at.lsn + BigInt(segmentBytes);
  return {
    reaches: { timeline: next.timeline, lsn: end ?? segmentTo, lastKey: key, isPart: end === undefined },
    segments: segments + 1,
    missing: withoutFirst(missing, segmentTo),
  };
}

/** The segment that begins at a position, where it is there in part. */
function partBehind(
  { parts }: StoredLog,
  path: TimelinePath,
  { timeline, lsn }: Pick<Reach, 'timeline' | 'lsn'>,
): { timeline: number; part: StoredPart } | undefined {
  for (const each of path) {
    const part = each.timeline < timeline ? undefined : parts.get(partKey(each.timeline, lsn));
    if (part) return { timeline: each.timeline, part };
  }
  return undefined;
}

/** What is missing, from a position on. */
function withoutFirst(missing: readonly LogRange[], from: bigint): LogRange[] {
  return missing.flatMap((range) => {
    if (range.from >= from) return [range];
    return range.to > from ? [{ ...range, from }] : [];
  });
}

/** Where the segment ends in which the byte before a position is. */
const segmentEnd = (lsn: bigint, segmentBytes: number): bigint =>
  segmentStart(lsn - 1n, segmentBytes) + BigInt(segmentBytes);

const least = (a: bigint, b: bigint | undefined): bigint => (b !== undefined && b < a ? b : a);
