import type { WalPiece } from '../../../engine/postgres/replication/physical/index.ts';

/** Log is kept in files of `segmentBytes`, a setting of initdb: 16 MiB unless it was asked for otherwise. */

/** Where the segment begins that has a position. */
export const segmentStart = (lsn: bigint, segmentBytes: number): bigint => lsn - (lsn % BigInt(segmentBytes));

/** PostgreSQL's name of the segment that has a position: timeline and number in hexadecimal. */
export function segmentName(timeline: number, lsn: bigint, segmentBytes: number): string {
  const number = lsn / BigInt(segmentBytes);
  const perId = 0x1_0000_0000n / BigInt(segmentBytes);
  return [BigInt(timeline), number / perId, number % perId]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** Names of all segments from one position up to before another. */
export function segmentNames(timeline: number, from: bigint, to: bigint, segmentBytes: number): string[] {
  const names: string[] = [];
  for (let at = segmentStart(from, segmentBytes); at < to; at += BigInt(segmentBytes)) {
    names.push(segmentName(timeline, at, segmentBytes));
  }
  return names;
}

/** Cuts log where a segment ends. The server sends pieces that reach from one into the next. */
export function* bySegments({ startLsn, bytes }: WalPiece, segmentBytes: number): Generator<WalPiece> {
  for (let at = 0; at < bytes.length;) {
    const start = startLsn + BigInt(at);
    const room = segmentBytes - Number(start % BigInt(segmentBytes));
    yield { startLsn: start, bytes: bytes.subarray(at, at + room) };
    at += room;
  }
}

/** Where the segment of that name begins; `undefined` for a name that is none, as that of a history. */
export function segmentPosition(
  name: string,
  segmentBytes: number,
): { timeline: number; startLsn: bigint } | undefined {
  const [, timeline, id, number] = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(name) ?? [];
  if (timeline === undefined) return undefined;
  const startLsn = (BigInt(`0x${id}`) << 32n) + BigInt(`0x${number}`) * BigInt(segmentBytes);
  return { timeline: Number.parseInt(timeline, 16), startLsn };
}

/** Names of the segments that follow one on its timeline. */
export function segmentsAfter(name: string, segmentBytes: number, count: number): string[] {
  const at = segmentPosition(name, segmentBytes);
  if (!at) return [];
  const from = at.startLsn + BigInt(segmentBytes);
  return segmentNames(at.timeline, from, from + BigInt(count * segmentBytes), segmentBytes);
}
