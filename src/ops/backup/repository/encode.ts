import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';
import { seal, unseal } from '../age/index.ts';
import type { Storage } from '../storage/index.ts';
import { release } from '../release.ts';
import { byFrames } from './by-frames.ts';
import { compress, type CompressOptions } from './compress.ts';
import { passedOn } from './compressed.ts';
import type { StoredFile } from './records.ts';

/** What is decompressed comes in pieces of so much. */
const pieceBytes = 256 * 1024;

interface EncodeOptions extends CompressOptions {
  /** What comes is compressed with zstd already, and is stored as it comes. */
  isCompressed?: boolean;
  /** `age1…`; none: not encrypted. */
  recipients: readonly string[];
}

/** What has gone through, while and after it is read. */
interface Encoding {
  stored: AsyncIterable<Buffer>;
  /** Known when `stored` has been read to its end. */
  result(): { bytes: number; storedBytes: number; sha256: string };
}

/** Stores a file. @throws {PitcrewError} `E_CONFLICT` when `onlyNew`, and it is there; `E_STORAGE`; `E_ABORTED` */
export async function storeEncoded(
  storage: Storage,
  file: { key: string; name: string },
  source: AsyncIterable<Uint8Array>,
  { onlyNew = false, signal, ...how }: EncodeOptions & { onlyNew?: boolean; signal?: AbortSignal | undefined },
): Promise<StoredFile> {
  const { stored, result } = encode(source, how);
  await storage.put(file.key, stored, { onlyNew, signal });
  return { ...file, ...result() };
}

/** Turns a file into what is stored of it. zstd's own checksum is in what we compress, so that `zstd -t` tells too. */
function encode(
  source: AsyncIterable<Uint8Array>,
  { recipients, isCompressed = false, ...how }: EncodeOptions,
): Encoding {
  let bytes = 0;
  let storedBytes = 0;
  const hash = createHash('sha256');
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      bytes += piece.length;
      yield piece;
    }
  }
  async function* stored(): AsyncGenerator<Buffer> {
    const compressed = isCompressed ? passedOn(source, (length) => (bytes += length)) : compress(counted(), how);
    for await (const block of recipients.length > 0 ? seal(compressed, recipients) : compressed) {
      hash.update(block);
      storedBytes += block.length;
      yield block;
    }
  }
  return { stored: stored(), result: () => ({ bytes, storedBytes, sha256: hash.copy().digest('hex') }) };
}

/**
 * The file of what is stored of it. `encrypted`: by how it was stored, never by how it looks. `reuse`: a piece is the reader's only until the next is asked for, which
 * spares memory.
 * @throws {PitcrewError} while iterating: `E_BACKUP_KEY`, `E_BACKUP_DAMAGED`, and what reading throws
 */
export async function* decode(
  stored: AsyncIterable<Buffer>,
  {
    encrypted,
    identities,
    reuse = false,
  }: { encrypted: boolean; identities: () => Promise<Identities>; reuse?: boolean },
): AsyncGenerator<Buffer> {
  // Asked for only where they are needed: a passphrase may have to be stretched.
  const secrets = encrypted ? await identities() : [];
  const decompress = createZstdDecompress({ chunkSize: pieceBytes });
  const source = Readable.from(byFrames(encrypted ? unseal(stored, secrets) : stored));
  source.on('error', (error) => decompress.destroy(error));
  try {
    for await (const bytes of source.pipe(decompress)) {
      const piece = bytes as Buffer;
      yield piece;
      if (reuse && isLastOf(piece)) release(piece);
    }
  } catch (error) {
    if (error instanceof PitcrewError || !isOfZstd(error)) throw error;
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a compressed file is damaged', {
      detail: messageOf(error),
      cause: error,
    });
  } finally {
    source.destroy();
  }
}

/** Whether a piece is the last of memory that was zstd's, which goes on in other then. What is small shares memory with anything. */
function isLastOf({ buffer, byteOffset, length }: Buffer): boolean {
  return buffer.byteLength === pieceBytes && byteOffset + length === pieceBytes;
}

/**
 * Makes sure that nothing is missing: a file that breaks off between two frames is a file to zstd.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` after what there is
 */
export async function* whole(content: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let seen = 0;
  for await (const piece of content) {
    seen += piece.length;
    yield piece;
  }
  if (seen === bytes) return;
  throw new PitcrewError('E_BACKUP_DAMAGED', 'a compressed file is damaged', {
    detail: `It has ${seen} of ${bytes} bytes.`,
  });
}

function isOfZstd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ZSTD_|Z_|ERR_ZSTD|ERR_ZLIB)/.test(String(error.code));
}
