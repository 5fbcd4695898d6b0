import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { errorCode } from '../../../errors.ts';
import { folderMode } from './layout.ts';

/** Works on all items, so many at a time. Rejects with the first error, when what was begun has ended. */
export async function eachOf<Item>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value);
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Does it again with its folder when that is missing. */
export async function withFolder(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true, mode: folderMode });
    await work();
  }
}

/** `undefined` when there is no such file. */
export async function openIfThere(path: string, flags = constants.O_RDONLY): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** So much is read of a file before its size is known: most entries are read by then. */
export const firstBytes = 16 * 1024;

export interface ReadFile {
  readonly size: number;
  readonly mtimeMs: number;
  /** All of it, or what it begins with. */
  readonly bytes: Buffer;
}

/** Reads a file of so many bytes at most, or only what a larger one begins with. `undefined` when there is none. */
export async function readIfThere(path: string, mostBytes: number): Promise<ReadFile | undefined> {
  const file = await openIfThere(path);
  if (!file) return undefined;
  try {
    const first = Buffer.allocUnsafe(firstBytes);
    // At once, as each waits for another thread.
    const [{ size, mtimeMs }, { bytesRead }] = await Promise.all([file.stat(), file.read(first, 0, firstBytes, 0)]);
    if (size <= bytesRead || size > mostBytes) return { size, mtimeMs, bytes: first.subarray(0, bytesRead) };
    const all = Buffer.allocUnsafe(size);
    const rest = await file.read(all, bytesRead, size - bytesRead, bytesRead);
    first.copy(all, 0, 0, bytesRead);
    return { size, mtimeMs, bytes: all.subarray(0, bytesRead + rest.bytesRead) };
  } catch (error) {
    // Not a file: none of ours.
    if (errorCode(error) === 'EISDIR') return { size: 0, mtimeMs: Date.now(), bytes: Buffer.alloc(0) };
    throw error;
  } finally {
    // Nobody waits for that.
    file.close().catch(() => {});
  }
}
