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
  /** As JSON in UTF-8, else by msgpackr. */
  readonly isJson: boolean;
  /** Whether what msgpackr gives has escapes in it. */
  readonly isLowered: boolean;
  /** As stored, and before compression. */
  readonly bytes: number;
  readonly rawBytes: number;
}

/**
 * The head of an entry, numbers little-endian:
 *
 *  0  magic `PCE`, version, 4 bytes     24  createdAt, freshUntil, keptUntil, loadMs,
 *  4  CRC-32 of the rest of the head        at of the position, f64 each
 *  8  length of the head, u32           64  names: epoch of the position; number of tags, u32; tags
 * 12  flags, u32
 * 16  length of the body as stored,     texts: u32, twice the length and 1 for UTF-16; bytes
 *     and before compression, u32 each
 */
const magic = Buffer.from('PCE\u0002', 'latin1').readUInt32LE();
const fixedBytes = 64;
const leastBytes = fixedBytes + 8;
const flags = { compressed: 1, lowered: 2, json: 4 };

/** A buffer with a head in it, and room before and after; and where the head ends. */
export function writeHead(
  entry: Omit<Entry, 'value'>,
  position: Position,
  body: BodyDescription,
  room: { before: number; after: number },
): { all: Buffer; end: number } {
  const texts = [position.epoch, ...entry.tags].map(encodeText);
  const length = texts.reduce((sum, text) => sum + 4 + text.bytes.length, fixedBytes + 4);
  const all = Buffer.allocUnsafe(room.before + length + room.after);
  const head = all.subarray(room.before, room.before + length);
  head.writeUInt32LE(magic);
  head.writeUInt32LE(length, 8);
  const set =
    (body.isCompressed ? flags.compressed : 0) | (body.isLowered ? flags.lowered : 0) | (body.isJson ? flags.json : 0);
  head.writeUInt32LE(set, 12);
  head.writeUInt32LE(body.bytes, 16);
  head.writeUInt32LE(body.rawBytes, 20);
  const numbers = [entry.createdAt, entry.freshUntil, entry.keptUntil, entry.loadMs, position.at];
  for (const [index, number] of numbers.entries()) head.writeDoubleLE(number, 24 + index * 8);
  let at = fixedBytes;
  for (const [index, text] of texts.entries()) {
    if (index === 1) at = head.writeUInt32LE(entry.tags.length, at);
    at = head.writeUInt32LE(text.bytes.length * 2 + (text.isWide ? 1 : 0), at);
    at += text.bytes.copy(head, at);
  }
  if (texts.length === 1) head.writeUInt32LE(0, at);
  head.writeUInt32LE(crc32(head.subarray(8)), 4);
  return { all, end: room.before + length };
}

/** The head that bytes begin with, by its own checksum; `undefined` when they do not begin with a whole one. Never throws. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  const all = bufferOf(bytes);
  const length = lengthOfHead(all, 0);
  if (length === undefined || all.readUInt32LE(4) !== crc32(all.subarray(8, length))) return undefined;
  const read = readHead(all, 0, length);
  return read && { ...read, body: readBody(all, 0), bytes: length };
}

/** How long the head that begins there says it is; `undefined` when none begins there, or not all of it is there. */
export function lengthOfHead(all: Buffer, start: number): number | undefined {
  if (start + leastBytes > all.length || all.readUInt32LE(start) !== magic) return undefined;
  const length = all.readUInt32LE(start + 8);
  return length < leastBytes || start + length > all.length ? undefined : length;
}

export function readBody(all: Buffer, start: number): BodyDescription {
  const set = all.readUInt32LE(start + 12);
  return {
    isCompressed: (set & flags.compressed) !== 0,
    isJson: (set & flags.json) !== 0,
    isLowered: (set & flags.lowered) !== 0,
    bytes: all.readUInt32LE(start + 16),
    rawBytes: all.readUInt32LE(start + 20),
  };
}

/** An entry whose value is still to be read. */
export interface ReadHead {
  readonly entry: Omit<Entry, 'value'> & { value: unknown };
  readonly position: Position;
}

/** What is in a head of that length; `undefined` for what cannot be, whatever its checksum says. */
export function readHead(all: Buffer, start: number, length: number): ReadHead | undefined {
  const createdAt = all.readDoubleLE(start + 24);
  const freshUntil = all.readDoubleLE(start + 32);
  const keptUntil = all.readDoubleLE(start + 40);
  const loadMs = all.readDoubleLE(start + 48);
  const at = all.readDoubleLE(start + 56);
  if (Number.isNaN(createdAt) || Number.isNaN(freshUntil) || Number.isNaN(keptUntil)) return undefined;
  if (Number.isNaN(loadMs) || Number.isNaN(at)) return undefined;
  const names = namesOf(all, start + fixedBytes, start + length);
  if (!names) return undefined;
  const { epoch, tags } = names;
  if (lastPosition.at !== at || lastPosition.epoch !== epoch) lastPosition = { epoch, at };
  return { entry: { value: undefined, createdAt, freshUntil, keptUntil, tags, loadMs }, position: lastPosition };
}

/** Epoch and tags. */
interface Names {
  readonly epoch: string;
  readonly tags: readonly string[];
}

/**
 * What was read last, and the bytes it was read of. Entries that are read one after another often have the same names, and to compare
 * bytes is a tenth of the work of reading them.
 */
const lastBytes = Buffer.alloc(256);
let lastLength = -1;
let lastNames: Names = { epoch: '', tags: [] };
let lastPosition: Position = { epoch: '', at: 0 };

function namesOf(all: Buffer, from: number, to: number): Names | undefined {
  if (isLast(all, from, to)) return lastNames;
  try {
    const names = readNames(all, from, to);
    if (to - from <= lastBytes.length) {
      lastLength = all.copy(lastBytes, 0, from, to);
      lastNames = names;
    }
    return names;
  } catch {
    // Something else wrote it, and gave it the right checksum.
    return undefined;
  }
}

function isLast(all: Buffer, from: number, to: number): boolean {
  if (to - from !== lastLength) return false;
  // From the end: that is where tags differ.
  for (let index = lastLength - 1; index >= 0; index -= 1) if (all[from + index] !== lastBytes[index]) return false;
  return true;
}

/** @throws `RangeError` when they end too early */
function readNames(all: Buffer, from: number, to: number): Names {
  let at = from;
  const text = () => {
    const length = all.readUInt32LE(at);
    const begin = at + 4;
    at = begin + Math.floor(length / 2);
    if (at > to) throw new RangeError('a text beyond the head');
    return all.toString(length % 2 === 1 ? 'utf16le' : 'utf8', begin, at);
  };
  const epoch = text();
  const count = all.readUInt32LE(at);
  at += 4;
  const tags: string[] = [];
  for (let index = 0; index < count; index += 1) tags.push(text());
  return { epoch, tags };
}

/** Texts must come back to the last character, lone surrogates too: entries are found by their tags. */
export function encodeText(text: string): { isWide: boolean; bytes: Buffer } {
  const isWide = !text.isWellFormed();
  return { isWide, bytes: Buffer.from(text, isWide ? 'utf16le' : 'utf8') };
}

/** The same bytes. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
