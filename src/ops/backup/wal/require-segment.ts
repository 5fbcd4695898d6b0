import { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';
import { isPartial, nameOfPartial } from '../repository/index.ts';
import { segmentSizeIn } from './segment-header.ts';
import { segmentPosition } from './segments.ts';

/** Of the header of a segment's first page (PostgreSQL's `XLogLongPageHeaderData`, the same in all versions that are served). */
const headerBytes = 40;
const longHeader = 0x02;

/**
 * Hands a file of the log on, and makes sure that it is the segment of that name, and whole. PostgreSQL would take another one for the end of the log, and open with less than
 * there is. What is no segment, such as the history of a timeline, is handed on as it is.
 * @throws {PitcrewError} while iterating: `E_BACKUP_DAMAGED`
 */
export async function* requireSegment(
  content: AsyncIterable<Buffer>,
  name: string,
  systemId: string | undefined,
): AsyncGenerator<Buffer> {
  // Of a part it is not known how long it is.
  const isPart = isPartial(name);
  if (!segmentPosition(nameOfPartial(name), 1)) {
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
      expected = checkHeader(header, nameOfPartial(name), systemId);
      yield header;
      header = undefined;
    } else yield piece;
  }
  if (isPart ? header : bytes !== expected) throw wrong(name, `It has ${bytes} bytes.`);
}

/** @returns how long the segment has to be */
function checkHeader(header: Buffer, name: string, systemId: string | undefined): number {
  const segmentBytes = segmentSizeIn(header);
  const own = segmentBytes === undefined ? undefined : segmentPosition(name, segmentBytes);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  // As the server's machine writes numbers.
  const isLittle = header[0] !== 0xd1;
  if (segmentBytes === undefined || !own || (view.getUint16(2, isLittle) & longHeader) === 0) {
    throw wrong(name, 'It does not begin as one.');
  }
  // The first segment of a timeline begins as that of the one before.
  if (view.getBigUint64(8, isLittle) !== own.startLsn || view.getUint32(4, isLittle) > own.timeline) {
    throw wrong(name, 'It is another segment.');
  }
  if (systemId !== undefined && String(view.getBigUint64(24, isLittle)) !== systemId) {
    throw wrong(name, 'It is of another cluster.');
  }
  return segmentBytes;
}

function wrong(name: string, detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `${name} is not that segment of the log`, { detail });
}
