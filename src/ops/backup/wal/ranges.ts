import { isPartial, nameOfPartial, type Repository } from '../repository/index.ts';
import { segmentName, segmentPosition, segmentStart } from './segments.ts';

/** Log of one timeline without a gap, in whole segments. */
export interface LogRange {
  timeline: number;
  /** Where its first segment begins. */
  from: bigint;
  /** Behind its last segment. */
  to: bigint;
}

/** A range of the log that is stored. */
export interface StoredRange extends LogRange {
  /** As it is stored. */
  storedBytes: number;
  /** Of its last segment. */
  lastKey: string;
}

/** A segment that is there in part: a stream is receiving it, or a standby's backup ends in it. */
export interface StoredPart {
  key: string;
  /** Up to where it goes at least, by what the stream has written down; `undefined` when nobody knows. */
  end: bigint | undefined;
}

/** What is stored of the log: ranges and not names, of which there can be a hundred thousand. */
export interface StoredLog {
  segmentBytes: number;
  /** By timeline, and in order. */
  ranges: Map<number, StoredRange[]>;
  /** Segments that are there in part, by `partKey`. */
  parts: Map<string, StoredPart>;
  /** Timelines whose history is stored. */
  histories: number[];
}

/** Lists the log of a repository, without reading any of it. */
export async function storedLog(
  repository: Pick<Repository, 'wal' | 'stream'>,
  segmentBytes: number,
): Promise<StoredLog> {
  const log = noLog(segmentBytes);
  for await (const file of repository.wal()) addFile(log, file);
  // Without it, or when it cannot be read, a part ends somewhere in its segment.
  const stream = log.parts.size > 0 ? await repository.stream().catch(() => undefined) : undefined;
  if (!stream) return log;
  const { timeline, storedLsn } = stream;
  const part = log.parts.get(partKey(timeline, segmentStart(storedLsn, segmentBytes)));
  if (part && storedLsn % BigInt(segmentBytes) !== 0n) part.end = storedLsn;
  return log;
}

/** What a listing begins with. */
export const noLog = (segmentBytes: number): StoredLog => ({
  segmentBytes,
  ranges: new Map(),
  parts: new Map(),
  histories: [],
});

/** Adds a file of the log, in the order in which a storage lists them. */
export function addFile(
  { segmentBytes, ranges, parts, histories }: StoredLog,
  { name, key, bytes }: { name: string; key: string; bytes: number },
): void {
  const history = /^([0-9A-F]{8})\.history$/.exec(name)?.[1];
  if (history !== undefined) histories.push(Number.parseInt(history, 16));
  const at = segmentPosition(nameOfPartial(name), segmentBytes);
  if (!at) return;
  if (isPartial(name)) {
    parts.set(partKey(at.timeline, at.startLsn), { key, end: undefined });
    return;
  }
  const ofTimeline = ranges.get(at.timeline) ?? [];
  ranges.set(at.timeline, ofTimeline);
  const last = ofTimeline.at(-1);
  const to = at.startLsn + BigInt(segmentBytes);
  // The same segment can be there twice, encrypted and not.
  if (last && at.startLsn < last.to && at.startLsn >= last.from) return;
  if (last?.to === at.startLsn) {
    last.to = to;
    last.storedBytes += bytes;
    last.lastKey = key;
  } else ofTimeline.push({ timeline: at.timeline, from: at.startLsn, to, storedBytes: bytes, lastKey: key });
}

/** Names a segment that is there in part, by where it begins. */
export const partKey = (timeline: number, lsn: bigint): string => `${timeline}/${lsn}`;

/** A piece of the log that is stored, or is not. */
export interface LogPiece {
  /** Of the last segment of what is stored; `undefined` for what is not. */
  key: string | undefined;
  range: LogRange;
}

/** Cuts a range of whole segments into what is stored of it and what is not. */
export function* piecesOf({ ranges }: StoredLog, { timeline, from, to }: LogRange): Generator<LogPiece> {
  let at = from;
  for (const range of ranges.get(timeline) ?? []) {
    if (range.to <= at) continue;
    if (range.from >= to || at >= to) break;
    if (range.from > at) yield { key: undefined, range: { timeline, from: at, to: range.from } };
    const begin = range.from > at ? range.from : at;
    at = range.to < to ? range.to : to;
    yield { key: range.lastKey, range: { timeline, from: begin, to: at } };
  }
  if (at < to) yield { key: undefined, range: { timeline, from: at, to } };
}

/** What is not stored of a range of whole segments. */
export const missingIn = (log: StoredLog, range: LogRange): LogRange[] =>
  [...piecesOf(log, range)].flatMap((piece) => (piece.key === undefined ? [piece.range] : []));

/** The names of the first and the last segment of a range, and how many there are. */
export function segmentsOf(
  { timeline, from, to }: LogRange,
  segmentBytes: number,
): { first: string; last: string; count: number } {
  return {
    first: segmentName(timeline, from, segmentBytes),
    last: segmentName(timeline, to - 1n, segmentBytes),
    count: Number((to - from) / BigInt(segmentBytes)),
  };
}
