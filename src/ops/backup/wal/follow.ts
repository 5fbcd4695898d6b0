import { type LogRange, partKey, type StoredLog, type StoredRange } from './ranges.ts';
import { segmentStart } from './segments.ts';
import type { TimelinePath } from './timelines.ts';

/** An end of the log. */
export interface Reach {
  timeline: number;
  /** The end of the last segment. */
  lsn: bigint;
  /** Of that segment. */
  lastKey: string;
  /** It is there in part: the log ends somewhere in it. */
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
    for (const { key, range } of pieces(stored, { timeline: part.timeline, from: begin, to: end })) {
      if (key === undefined) missing.push(range);
      else if (missing.length === 0) {
        reaches = { lsn: range.to, timeline: part.timeline, lastKey: key, isPart: false };
        segments += Number((range.to - range.from) / BigInt(segmentBytes));
      }
    }
    if (wanted !== undefined && end >= wanted) break;
  }
  const part = reaches && (wanted === undefined || wanted > reaches.lsn) ? partBehind(log, path, reaches) : undefined;
  if (!part) return { reaches, segments, missing };
  return { reaches: part, segments: segments + 1, missing: withoutFirst(missing, part.lsn) };
}

/** The segment that comes next, where it is there in part. */
function partBehind(
  { parts, segmentBytes }: StoredLog,
  path: TimelinePath,
  { timeline, lsn }: Reach,
): Reach | undefined {
  for (const part of path) {
    const key = part.timeline < timeline ? undefined : parts.get(partKey(part.timeline, lsn));
    if (key !== undefined) {
      return { timeline: part.timeline, lsn: lsn + BigInt(segmentBytes), lastKey: key, isPart: true };
    }
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

interface Piece {
  /** Of the last segment of what is stored; `undefined` for what is not. */
  key: string | undefined;
  range: LogRange;
}

/** Cuts a range into what is stored of it and what is not. */
function* pieces(stored: readonly StoredRange[], { timeline, from, to }: LogRange): Generator<Piece> {
  let at = from;
  for (const range of stored) {
    if (range.to <= at) continue;
    if (range.from >= to || at >= to) break;
    if (range.from > at) yield { key: undefined, range: { timeline, from: at, to: range.from } };
    const begin = range.from > at ? range.from : at;
    at = least(range.to, to);
    yield { key: range.lastKey, range: { timeline, from: begin, to: at } };
  }
  if (at < to) yield { key: undefined, range: { timeline, from: at, to } };
}
