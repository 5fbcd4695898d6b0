import { type FileHandle, open } from 'node:fs/promises';
import { errorCode, PitcrewError } from '../../../errors.ts';

/** Before the name of a file of which an incremental backup has only some blocks. */
const prefix = 'INCREMENTAL.';
/** First of all in such a file (PostgreSQL's `INCREMENTAL_MAGIC`). */
const magic = 0xd3_ae_1f_0d;
/** Blocks in a segment of a relation: no file has more. */
const mostBlocks = 131_072;

/** The path of the file that an incremental file changes; `undefined` for one that is whole. */
export function changedPath(path: string): string | undefined {
  const at = path.lastIndexOf('/') + 1;
  return path.startsWith(prefix, at) ? path.slice(0, at) + path.slice(at + prefix.length) : undefined;
}

/**
 * Changes a file of the backup before into that of an incremental one, in place: it is cut to the shortest length that it has had since, and the changed
 * blocks are written. What lies between, and was never written, is zero.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` for what is no such file, and when there is nothing that it could change
 */
export async function applyIncremental(
  content: AsyncIterable<Buffer>,
  path: string,
  { blockBytes, name }: { blockBytes: number; name: string },
): Promise<void> {
  const reader = new Pieces(content);
  const header = await reader.take(12, name);
  const count = header.readUInt32LE(4);
  // Of a relation of several files that was cut, servers before 17.8 and 18.2 tell the length of them all.
  const shortest = Math.min(header.readUInt32LE(8), mostBlocks);
  if (header.readUInt32LE(0) !== magic || count > mostBlocks) throw damaged(name, 'Its header is none.');
  const numbers = await reader.take(count * 4, name);
  // Blocks begin where a block of a file would.
  const headerBytes = 12 + count * 4;
  if (count > 0) await reader.take((blockBytes - (headerBytes % blockBytes)) % blockBytes, name);
  const file = await openExisting(path, name);
  try {
    await file.truncate(shortest * blockBytes);
    for (let place = 0; place < count; place += 1) {
      const number = numbers.readUInt32LE(place * 4);
      if (number >= mostBlocks) throw damaged(name, `It has a block ${number}.`);
      await writeAll(file, await reader.take(blockBytes, name), number * blockBytes);
    }
    if (!(await reader.isAtEnd())) throw damaged(name, 'It goes on behind its last block.');
    await file.sync();
  } finally {
    await file.close();
  }
}

async function openExisting(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw damaged(name, 'The backup before it has no such file.');
    }
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Bytes in the lengths that are asked for. */
class Pieces {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number, name: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) throw damaged(name, 'It ends too early.');
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#rest = value;
      return true;
    }
  }
}

function damaged(name: string, detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', 'a file of an incremental backup is damaged', {
    detail: `${name}: ${detail}`,
  });
}
