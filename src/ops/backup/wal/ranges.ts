import { isPartial, nameOfPartial, type Repository } from '../repository/index.ts';
import { segmentName, segmentPosition } from './segments.ts';

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

/** What is stored of the log: ranges and not names, of which there can be a hundred thousand. */
export interface StoredLog {
  segmentBytes: number;
  /** By timeline, and in order. */
  ranges: Map<number, StoredRange[]>;
  /** Keys of segments that are there in part, by `partKey`: those that a stream is receiving. */
  parts: Map<string, string>;
  /** Timelines whose history is stored. */
  histories: number[];
}

/** Lists the log of a repository, without reading any of it. */
export async function storedLog(repository: Pick<Repository, 'wal'>, segmentBytes: number): Promise<StoredLog> {
  const ranges = new Map<number, StoredRange[]>();
  const histories: number[] = [];
  const parts = new Map<string, string>();
  for await (const { name, key, bytes } of repository.wal()) {
    const history = /^([0-9A-F]{8})\.history$/.exec(name)?.[1];
    if (history !== undefined) histories.push(Number.parseInt(history, 16));
    const at = segmentPosition(nameOfPartial(name), segmentBytes);
    if (!at) continue;
    if (isPartial(name)) {
      parts.set(partKey(at.timeline, at.startLsn), key);
      continue;
    }
    const ofTimeline = ranges.get(at.timeline) ?? [];
    ranges.set(at.timeline, ofTimeline);
    const last = ofTimeline.at(-1);
    const to = at.startLsn + BigInt(segmentBytes);
    // The same segment can be there twice, encrypted and not.
    if (last && at.startLsn < last.to && at.startLsn >= last.from) continue;
    if (last?.to === at.startLsn) {
      last.to = to;
      last.storedBytes += bytes;
      last.lastKey = key;
    } else ofTimeline.push({ timeline: at.timeline, from: at.startLsn, to, storedBytes: bytes, lastKey: key });
  }
  return { segmentBytes, ranges, parts, histories };
}

/** Names a segment that is there in part, by where it begins. */
export const partKey = (timeline: number, lsn: bigint): string => `${timeline}/${lsn}`;

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
