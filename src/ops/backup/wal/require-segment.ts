import { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';
import { segmentPosition } from './segments.ts';

/** Of the header of a segment's first page (PostgreSQL's `XLogLongPageHeaderData`, the same in all versions that are served). */
const headerBytes = 40;
const longHeader = 0x02;

export interface SegmentOptions {
  name: string;
  /** Of the cluster, as far as it is known. */
  systemId: string | undefined;
  /** What is there of one that is not complete: zeros follow it, as in a server's own segment that is not full. */
  isPart: boolean;
}

/**
 * Hands a file of the log on, and makes sure that it is the segment of that name, and whole. PostgreSQL would take another one for the end of the log, and open with less than
 * there is. What is no segment, such as the history of a timeline, is handed on as it is.
 * @throws {PitcrewError} while iterating: `E_BACKUP_DAMAGED`
 */
export async function* requireSegment(
  content: AsyncIterable<Buffer>,
  { name, systemId, isPart }: SegmentOptions,
): AsyncGenerator<Buffer> {
  if (!segmentPosition(name, 1)) {
    yield* content;
    return;
  }
  let header: Buffer | undefined = Buffer.alloc(0);
  let expected = headerBytes;
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (header) {
      header = Buffer.concat([header, piece]);
      if (header.length < headerBytes) continue;
      expected = checkHeader(header, name, systemId);
      yield header;
      header = undefined;
    } else yield piece;
  }
  if (header || bytes > expected || (bytes < expected && !isPart)) throw wrong(name, `It has ${bytes} bytes.`);
  const zeros = Buffer.alloc(64 * 1024);
  for (; bytes < expected; bytes += zeros.length) yield zeros.subarray(0, expected - bytes);
}

/** @returns how long the segment has to be */
function checkHeader(header: Buffer, name: string, systemId: string | undefined): number {
  // Numbers are as the server's machine writes them, which the first one shows: its higher byte is 0xd1 in all versions.
  const isBigEndian = header[0] === 0xd1;
  const number = (at: number): number => (isBigEndian ? header.readUInt32BE(at) : header.readUInt32LE(at));
  const long = (at: number): bigint => (isBigEndian ? header.readBigUInt64BE(at) : header.readBigUInt64LE(at));
  const info = isBigEndian ? header.readUInt16BE(2) : header.readUInt16LE(2);
  const segmentBytes = number(32);
  const own = segmentBytes > 0 ? segmentPosition(name, segmentBytes) : undefined;
  if ((info & longHeader) === 0 || !own) throw wrong(name, 'It does not begin as one.');
  // The first segment of a timeline begins as that of the one before.
  if (long(8) !== own.startLsn || number(4) > own.timeline) throw wrong(name, 'It is another segment.');
  if (systemId !== undefined && String(long(24)) !== systemId) throw wrong(name, 'It is of another cluster.');
  return segmentBytes;
}

function wrong(name: string, detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `${name} is not that segment of the log`, { detail });
}
