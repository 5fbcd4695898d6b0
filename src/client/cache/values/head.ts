import { crc32 } from 'node:zlib';
import type { Entry } from '../entry.ts';
import type { Position } from '../tier.ts';

/** All of an entry but its value, and where that is. */
export interface Head {
  readonly entry: Omit<Entry, 'value'>;
  readonly position: Position;
  readonly body: BodyDescription;
  /** Where the body begins. */
  readonly bytes: number;
}

export interface BodyDescription {
  /** By zstd. */
  readonly isCompressed: boolean;
  /** Whether what msgpackr gives has escapes in it. */
  readonly isLowered: boolean;
  readonly crc: number;
  /** As stored, and before compression. */
  readonly bytes: number;
  readonly rawBytes: number;
}

/**
 * The head of an entry, numbers little-endian:
 *
 *  0  magic `PCE`, version, 4 bytes      28  createdAt, freshUntil, keptUntil, loadMs,
 *  4  length of the head, u32                at of the position, f64 each
 *  8  CRC-32 of the head without it      68  epoch of the position; number of tags, u32; tags
 * 12  flags, u32
 * 16  CRC-32 of the body as stored       texts: u32, twice the length and 1 for UTF-16; bytes
 * 20  its length, and before compression, u32 each
 */
const magic = Buffer.from('PCE\u0001', 'latin1');
const fixedBytes = 68;
const flags = { compressed: 1, lowered: 2 };

export function writeHead(entry: Omit<Entry, 'value'>, position: Position, body: BodyDescription): Buffer {
  const texts = [position.epoch, ...entry.tags].map(encodeText);
  const length = texts.reduce((sum, text) => sum + 4 + text.bytes.length, fixedBytes + 4);
  const head = Buffer.alloc(length);
  head.set(magic);
  head.writeUInt32LE(length, 4);
  head.writeUInt32LE((body.isCompressed ? flags.compressed : 0) | (body.isLowered ? flags.lowered : 0), 12);
  head.writeUInt32LE(body.crc, 16);
  head.writeUInt32LE(body.bytes, 20);
  head.writeUInt32LE(body.rawBytes, 24);
  const numbers = [entry.createdAt, entry.freshUntil, entry.keptUntil, entry.loadMs, position.at];
  for (const [index, number] of numbers.entries()) head.writeDoubleLE(number, 28 + index * 8);
  let at = fixedBytes;
  for (const [index, text] of texts.entries()) {
    if (index === 1) at = head.writeUInt32LE(entry.tags.length, at);
    at = head.writeUInt32LE(text.bytes.length * 2 + (text.isWide ? 1 : 0), at);
    at += text.bytes.copy(head, at);
  }
  if (texts.length === 1) head.writeUInt32LE(0, at);
  head.writeUInt32LE(headCrc(head), 8);
  return head;
}

/** The head that bytes begin with; `undefined` when they do not begin with a whole one. Never throws. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  if (bytes.length < fixedBytes + 8) return undefined;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!all.subarray(0, 4).equals(magic)) return undefined;
  const length = all.readUInt32LE(4);
  if (length < fixedBytes + 8 || length > all.length) return undefined;
  const head = all.subarray(0, length);
  if (head.readUInt32LE(8) !== headCrc(head)) return undefined;
  try {
    return readHead(head);
  } catch {
    // Something else wrote it, and gave it the right checksum.
    return undefined;
  }
}

/** @throws `RangeError` when it ends too early */
function readHead(head: Buffer): Head | undefined {
  const [createdAt, freshUntil, keptUntil, loadMs, positionAt] = [28, 36, 44, 52, 60].map((at) =>
    head.readDoubleLE(at),
  ) as [number, number, number, number, number];
  if ([createdAt, freshUntil, keptUntil, loadMs, positionAt].some((number) => Number.isNaN(number))) return undefined;
  let at = fixedBytes;
  const text = () => {
    const length = head.readUInt32LE(at);
    const end = at + 4 + Math.floor(length / 2);
    if (end > head.length) throw new RangeError('a text beyond the head');
    const bytes = head.subarray(at + 4, end);
    at = end;
    return bytes.toString(length % 2 === 1 ? 'utf16le' : 'utf8');
  };
  const epoch = text();
  const count = head.readUInt32LE(at);
  at += 4;
  const tags: string[] = [];
  for (let index = 0; index < count; index += 1) tags.push(text());
  const set = head.readUInt32LE(12);
  return {
    entry: { createdAt, freshUntil, keptUntil, loadMs, tags },
    position: { epoch, at: positionAt },
    body: {
      isCompressed: (set & flags.compressed) !== 0,
      isLowered: (set & flags.lowered) !== 0,
      crc: head.readUInt32LE(16),
      bytes: head.readUInt32LE(20),
      rawBytes: head.readUInt32LE(24),
    },
    bytes: head.length,
  };
}

/** Texts must come back to the last character, lone surrogates too: entries are found by their tags. */
export function encodeText(text: string): { isWide: boolean; bytes: Buffer } {
  const isWide = !text.isWellFormed();
  return { isWide, bytes: Buffer.from(text, isWide ? 'utf16le' : 'utf8') };
}

function headCrc(head: Buffer): number {
  return crc32(head.subarray(12), crc32(head.subarray(0, 8)));
}
