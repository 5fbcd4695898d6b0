import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { Packr, Unpackr } from 'msgpackr';
import { PitcrewError } from '../../../errors.ts';
import type { Entry } from '../entry.ts';
import type { Position } from '../tier.ts';
import {
  type BodyDescription,
  bufferOf,
  decodeHead,
  type Head,
  lengthOfHead,
  readBody,
  readHead,
  type ReadHead,
  writeHead,
} from './head.ts';
import { formOf } from './inspect.ts';
import { lower } from './lower.ts';
import { defaultMaxValueBytes, type ValueOptions } from './options.ts';
import { raise } from './raise.ts';

export { decodeHead, type Head };

export interface Decoded {
  readonly entry: Entry;
  readonly position: Position;
}

/**
 * From how many bytes on (before compression) zstd works on another thread. Measured with rows of JSON-like text, compressing and
 * decompressing on this thread: 19 and 13 µs for 1 kB, 30 and 25 µs for 10 kB, 130 and 80 µs for 100 kB, 340 and 200 µs for 256 kB,
 * 1.7 and 0.9 ms for 1 MB. Another thread costs 100 to 150 µs more, and 2 to 4 times as long to decompress; it pays where the event
 * loop would be held up for longer than that.
 */
const otherThreadFrom = 256 * 1024;
/** Level 1 is as small as 3 for what caches hold, and a fifth quicker. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const defaultCompressAbove = 1024;
/** What compression must leave at most, as a share. */
const worthwhile = 0.9;

/**
 * Records: rows name their columns once, which halves what is stored and the time to read it. Their readers are compiled by
 * msgpackr, which quotes the names; nothing that is read runs.
 */
const shared = { useRecords: true, mapsAsObjects: false, moreTypes: true, structuredClone: true } as const;
const packr = new Packr(shared);
// Bytes are copied, lest a small buffer keeps all that it came with.
const unpackr = new Unpackr({ ...shared, copyBuffers: true });

/** Of bytes that end with their own CRC-32, least byte first, this is the CRC-32. */
const intact = 0x2144df1c;
const crcBytes = 4;

const compress = promisify<Uint8Array, typeof compression, Buffer>(zstdCompress);
const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zstdDecompress);

/**
 * An entry as bytes: a head (times, tags, position), its value, and a checksum of everything. Values are kept by msgpackr; small ones
 * that are JSON as JSON, which is read in half the time. Keeps Date, Map, Set, BigInt, Buffer and typed arrays, `undefined`, NaN, −0
 * and infinities, RegExp, Error with its cause and properties, shared and cyclic references, and instances of classes with a hook.
 * What becomes of others: {@link ValueOptions.classes}; functions and symbols are left out, or `undefined` where there is no
 * leaving out. A promise for large values.
 *
 * @param prefix ASCII that is put in front, within the checksum
 * @throws `E_UNSUPPORTED` for what cannot be stored: larger than `maxValueBytes`, nested too deeply, or a hook or getter has thrown
 */
export function encode(
  entry: Entry,
  position: Position,
  options: ValueOptions = {},
  prefix = '',
): Buffer | Promise<Buffer> {
  const { raw, ...form } = pack(entry.value, options);
  const limit = options.maxValueBytes ?? defaultMaxValueBytes;
  if (raw.length > limit) {
    throw cannotStore(`It has ${raw.length} bytes; the largest that is stored has ${limit}.`, undefined);
  }
  const finish = (compressed: Uint8Array | undefined): Buffer => {
    const isCompressed = compressed !== undefined && compressed.length <= raw.length * worthwhile;
    const body = { ...form, isCompressed, rawBytes: raw.length };
    return writeEntry(entry, position, body, isCompressed ? compressed : raw, prefix);
  };
  if (raw.length < (options.compressAbove ?? defaultCompressAbove)) return finish(undefined);
  if (raw.length < otherThreadFrom) return finish(zstdCompressSync(raw, compression));
  return compress(raw, compression).then(finish);
}

/** What `encode` gives, of a body that is made already. */
export function writeEntry(
  entry: Omit<Entry, 'value'>,
  position: Position,
  body: Omit<BodyDescription, 'bytes'>,
  stored: Uint8Array,
  prefix = '',
): Buffer {
  const room = { before: prefix.length, after: stored.length + crcBytes };
  const { all, end } = writeHead(entry, position, { ...body, bytes: stored.length }, room);
  all.write(prefix, 0, 'latin1');
  all.set(stored, end);
  const crcAt = end + stored.length;
  all.writeUInt32LE(crc32(all.subarray(0, crcAt)), crcAt);
  return all;
}

/**
 * What `encode` made bytes of. `undefined` for what it did not make, what was damaged since, and instances of classes whose hook is
 * missing. Never throws, nor rejects. A promise for large values.
 *
 * @param start where the entry begins, after its prefix
 */
export function decode(
  bytes: Uint8Array,
  options: ValueOptions = {},
  start = 0,
): Decoded | undefined | Promise<Decoded | undefined> {
  const all = bufferOf(bytes);
  const headLength = lengthOfHead(all, start);
  if (headLength === undefined || crc32(all) !== intact) return undefined;
  const body = readBody(all, start);
  const from = start + headLength;
  const to = from + body.bytes;
  if (to + crcBytes !== all.length) return undefined;
  if (body.rawBytes > (options.maxValueBytes ?? defaultMaxValueBytes)) return undefined;
  const head = readHead(all, start, headLength);
  if (!head) return undefined;
  if (!body.isCompressed) return finishDecoding(head, body, all, from, to, options);
  const stored = all.subarray(from, to);
  // What claims to be small and is not, is given up when it has grown beyond that.
  const bound = { maxOutputLength: Math.max(body.rawBytes, 1) };
  if (body.rawBytes >= otherThreadFrom) {
    return decompress(stored, bound).then(
      (raw) => finishDecoding(head, body, raw, 0, raw.length, options),
      () => undefined,
    );
  }
  try {
    const raw = zstdDecompressSync(stored, bound);
    return finishDecoding(head, body, raw, 0, raw.length, options);
  } catch {
    return undefined;
  }
}

/** Reads the value at its place: to cut it out first would cost a fifth of reading a small one. */
function finishDecoding(
  head: ReadHead,
  { rawBytes, isJson, isLowered }: BodyDescription,
  bytes: Buffer,
  start: number,
  end: number,
  options: ValueOptions,
): Decoded | undefined {
  if (end - start !== rawBytes || rawBytes === 0) return undefined;
  try {
    if (isJson) {
      head.entry.value = JSON.parse(bytes.toString('utf8', start, end));
    } else {
      const read: unknown = unpackr.unpack(bytes, { start, end });
      head.entry.value = isLowered ? raise(read, options.classes ?? []) : read;
    }
    return head;
  } catch {
    return undefined;
  }
}

function pack(value: unknown, { classes = [] }: ValueOptions): { isJson: boolean; isLowered: boolean; raw: Buffer } {
  try {
    const form = formOf(value);
    if (form === 'json') return { isJson: true, isLowered: false, raw: Buffer.from(JSON.stringify(value)) };
    const isLowered = form === 'other';
    return { isJson: false, isLowered, raw: packr.pack(isLowered ? lower(value, classes) : value) };
  } catch (error) {
    throw cannotStore(error instanceof Error ? error.message : String(error), error);
  }
}

function cannotStore(detail: string, cause: unknown): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'the value cannot be stored in a cache', { detail, cause });
}
