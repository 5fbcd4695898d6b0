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
 *  0  magic `PCE`, version, 4 bytes     24  createdAt, freshUntil, at of the position, f64 each
 *  4  CRC-32 of the rest of the head        keptUntil, f64, unless it is freshUntil
 *  8  length of the head, u32               loadMs, f64, unless it is 0
 * 12  flags, u32                            names: epoch of the position; number of tags, u32; tags
 * 16  length of the body as stored,
 *     and before compression, u32 each  texts: u32, twice the length and 1 for UTF-16; bytes
 */
const magic = Buffer.from('PCE\u0002', 'latin1').readUInt32LE();
const numbersAt = 24;
/** Of an empty epoch, and the number of no tags. */
const leastNames = 8;
const leastBytes = numbersAt + 3 * 8 + leastNames;
const flags = { compressed: 1, lowered: 2, json: 4, hasGrace: 8, wasLoaded: 16 };

/** A buffer with a head in it, and room before and after; and where the head ends. */
export function writeHead(
  entry: Omit<Entry, 'value'>,
  position: Position,
  body: BodyDescription,
  room: { before: number; after: number },
): { all: Buffer; end: number } {
  const texts = [position.epoch, ...entry.tags].map(encodeText);
  const hasGrace = !Object.is(entry.keptUntil, entry.freshUntil);
  const wasLoaded = !Object.is(entry.loadMs, 0);
  const numbers = [entry.createdAt, entry.freshUntil, position.at];
  if (hasGrace) numbers.push(entry.keptUntil);
  if (wasLoaded) numbers.push(entry.loadMs);
  const namesAt = numbersAt + numbers.length * 8;
  const length = texts.reduce((sum, text) => sum + 4 + text.bytes.length, namesAt + 4);
  const all = Buffer.allocUnsafe(room.before + length + room.after);
  const head = all.subarray(room.before, room.before + length);
  head.writeUInt32LE(magic);
  head.writeUInt32LE(length, 8);
  const set =
    (body.isCompressed ? flags.compressed : 0) |
    (body.isLowered ? flags.lowered : 0) |
    (body.isJson ? flags.json : 0) |
    (hasGrace ? flags.hasGrace : 0) |
    (wasLoaded ? flags.wasLoaded : 0);
  head.writeUInt32LE(set, 12);
  head.writeUInt32LE(body.bytes, 16);
  head.writeUInt32LE(body.rawBytes, 20);
  for (const [index, number] of numbers.entries()) head.writeDoubleLE(number, numbersAt + index * 8);
  let at = namesAt;
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
  const set = all.readUInt32LE(start + 12);
  const hasGrace = (set & flags.hasGrace) !== 0;
  const wasLoaded = (set & flags.wasLoaded) !== 0;
  const numbers = start + numbersAt;
  const namesAt = numbers + 24 + (hasGrace ? 8 : 0) + (wasLoaded ? 8 : 0);
  if (namesAt + leastNames > start + length) return undefined;
  const createdAt = all.readDoubleLE(numbers);
  const freshUntil = all.readDoubleLE(numbers + 8);
  const at = all.readDoubleLE(numbers + 16);
  const keptUntil = hasGrace ? all.readDoubleLE(numbers + 24) : freshUntil;
  const loadMs = wasLoaded ? all.readDoubleLE(namesAt - 8) : 0;
  if (Number.isNaN(createdAt) || Number.isNaN(freshUntil) || Number.isNaN(keptUntil)) return undefined;
  if (Number.isNaN(loadMs) || Number.isNaN(at)) return undefined;
  const names = namesOf(all, namesAt, start + length);
  if (!names) return undefined;
  const { epoch, tags } = names;
  if (!Object.is(lastPosition.at, at) || lastPosition.epoch !== epoch) lastPosition = { epoch, at };
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
let lastLength = 0;
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
