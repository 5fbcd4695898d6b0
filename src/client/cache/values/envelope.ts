import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { Packr, Unpackr } from 'msgpackr';
import { PitcrewError } from '../../../errors.ts';
import type { Entry } from '../entry.ts';
import type { Position } from '../tier.ts';
import { decodeHead, type Head, writeHead } from './head.ts';
import { isPlain } from './inspect.ts';
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

const compress = promisify<Uint8Array, typeof compression, Buffer>(zstdCompress);
const decompress = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(zstdDecompress);

/**
 * An entry as bytes: a head (times, tags, position, checksums), then its value by msgpackr. Keeps Date, Map, Set, BigInt, Buffer and
 * typed arrays, `undefined`, NaN, −0 and infinities, RegExp, Error with its cause and properties, shared and cyclic references, and
 * instances of classes with a hook. What becomes of others: {@link ValueOptions.classes}; functions and symbols are left out,
 * or `undefined` where there is no leaving out. A promise for large values.
 *
 * @throws `E_UNSUPPORTED` for what cannot be stored: larger than `maxValueBytes`, nested too deeply, or a hook or getter has thrown
 */
export function encode(entry: Entry, position: Position, options: ValueOptions = {}): Uint8Array | Promise<Uint8Array> {
  const { isLowered, raw } = pack(entry.value, options);
  const limit = options.maxValueBytes ?? defaultMaxValueBytes;
  if (raw.length > limit) {
    throw cannotStore(`It has ${raw.length} bytes; the largest that is stored has ${limit}.`, undefined);
  }
  const finish = (compressed: Uint8Array | undefined): Uint8Array => {
    const isCompressed = compressed !== undefined && compressed.length <= raw.length * worthwhile;
    const stored = isCompressed ? compressed : raw;
    const body = { isCompressed, isLowered, crc: crc32(stored), bytes: stored.length, rawBytes: raw.length };
    return Buffer.concat([writeHead(entry, position, body), stored]);
  };
  if (raw.length < (options.compressAbove ?? defaultCompressAbove)) return finish(undefined);
  if (raw.length < otherThreadFrom) return finish(zstdCompressSync(raw, compression));
  return compress(raw, compression).then(finish);
}

/**
 * What `encode` made bytes of. `undefined` for what it did not make, what was damaged since, and instances of classes whose hook is
 * missing. Never throws, nor rejects. A promise for large values.
 */
export function decode(
  bytes: Uint8Array,
  options: ValueOptions = {},
): Decoded | undefined | Promise<Decoded | undefined> {
  const head = decodeHead(bytes);
  if (!head || head.bytes + head.body.bytes !== bytes.length) return undefined;
  const { rawBytes, crc, isCompressed } = head.body;
  if (rawBytes > (options.maxValueBytes ?? defaultMaxValueBytes)) return undefined;
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset + head.bytes, head.body.bytes);
  if (crc32(stored) !== crc) return undefined;
  if (!isCompressed) return finishDecoding(head, stored, options);
  // What claims to be small and is not, is given up when it has grown beyond that.
  const bound = { maxOutputLength: Math.max(rawBytes, 1) };
  if (rawBytes >= otherThreadFrom) {
    return decompress(stored, bound).then(
      (raw) => finishDecoding(head, raw, options),
      () => undefined,
    );
  }
  try {
    return finishDecoding(head, zstdDecompressSync(stored, bound), options);
  } catch {
    return undefined;
  }
}

function finishDecoding(head: Head, raw: Buffer, { classes = [] }: ValueOptions): Decoded | undefined {
  if (raw.length !== head.body.rawBytes) return undefined;
  try {
    const read: unknown = unpackr.unpack(raw);
    const value = head.body.isLowered ? raise(read, classes) : read;
    return { entry: { value, ...head.entry }, position: head.position };
  } catch {
    return undefined;
  }
}

function pack(value: unknown, { classes = [] }: ValueOptions): { isLowered: boolean; raw: Buffer } {
  try {
    const isLowered = !isPlain(value);
    return { isLowered, raw: packr.pack(isLowered ? lower(value, classes) : value) };
  } catch (error) {
    throw cannotStore(error instanceof Error ? error.message : String(error), error);
  }
}

function cannotStore(detail: string, cause: unknown): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'the value cannot be stored in a cache', { detail, cause });
}
