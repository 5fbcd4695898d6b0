import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, opendir, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import { isRunning } from '../is-running.ts';
import { makeFolders } from '../make-folders.ts';
import { writeFile } from '../write-file.ts';
import { checkKey } from './keys.ts';
import { storageError } from './local-errors.ts';
import { stoppable } from './stoppable.ts';
import type { Storage, StoredObject } from './types.ts';

/** Below the folder: what is being written. A key cannot begin with a dot. */
const unfinished = '.unfinished';
const blockBytes = 256 * 1024;

/** Reads into the same memory again and again: left to the collector, a hundred times as much would be in use. */
async function* inOneBlock(path: string, from: number, to: number): AsyncGenerator<Buffer> {
  await using file = await open(path, 'r');
  const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, to - from));
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, to - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/**
 * Keeps objects as files below a folder, which is made when it is missing, for its owner only. Files are written beside, brought to disk and then
 * moved into place.
 */
export function localStorage(folder: string): Storage {
  const root = resolve(folder);
  const pathOf = (key: string): string => join(root, ...checkKey(key).split('/'));

  async function* walk(path: string, key: string, prefix: string): AsyncGenerator<StoredObject> {
    // Names only, one by one: a folder of log has a hundred thousand of them.
    const names: string[] = [];
    try {
      for await (const entry of await opendir(path, { bufferSize: 512 })) {
        if (key === '' && entry.name === unfinished) continue;
        // A folder's keys go on with a slash, which has its place among the other characters.
        if (entry.isDirectory()) names.push(`${entry.name}/`);
        else if (entry.isFile()) names.push(entry.name);
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    for (const name of names.toSorted()) {
      const found = key + name;
      if (name.endsWith('/')) {
        if (found.startsWith(prefix) || prefix.startsWith(found)) yield* walk(join(path, name), found, prefix);
      } else if (found.startsWith(prefix)) {
        const object = await look(join(path, name), found);
        if (object) yield object;
      }
    }
  }

  return {
    name: root,
    async put(key, source, { signal, onlyNew = false } = {}) {
      const path = pathOf(key);
      const part = join(root, unfinished, `${writer()}${randomBytes(8).toString('hex')}.part`);
      try {
        await makeFolders(dirname(part));
        const bytes = await writeFile(part, stoppable(source, signal));
        await moveIntoPlace(part, path, onlyNew);
        return bytes;
      } catch (error) {
        await rm(part, { force: true }).catch(() => {});
        if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the writing was stopped', { cause: error });
        if (onlyNew && errorCode(error) === 'EEXIST') throw exists(key, root);
        throw storageError(error, root);
      }
    },
    async *get(key, { from, to = Infinity, reuse = false } = { from: 0 }) {
      const path = pathOf(key);
      if (to <= from) return;
      try {
        if (reuse) yield* inOneBlock(path, from, to);
        else yield* createReadStream(path, { start: from, end: to - 1, highWaterMark: blockBytes });
      } catch (error) {
        if (errorCode(error) === 'ENOENT') throw missing(key, root);
        throw storageError(error, root);
      }
    },
    async head(key) {
      return look(pathOf(key), key).catch((error: unknown) => {
        throw storageError(error, root);
      });
    },
    async *list(prefix) {
      try {
        yield* walk(root, '', prefix);
      } catch (error) {
        throw storageError(error, root);
      }
    },
    async delete(key) {
      try {
        await rm(pathOf(key), { force: true });
        // Empty folders go too, as far as there are any.
        for (let path = dirname(pathOf(key)); path !== root; path = dirname(path)) await rmdir(path);
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw storageError(error, root);
      }
    },
    async sweep(before) {
      let swept = 0;
      try {
        for (const name of await readdir(join(root, unfinished))) {
          const path = join(root, unfinished, name);
          const object = await look(path, name);
          if (!object || (object.modifiedAt >= before && !isOrphan(name))) continue;
          await rm(path, { force: true });
          swept += 1;
        }
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw storageError(error, root);
      }
      return swept;
    },
    async close() {},
  };
}

/** Of this machine, whatever its name has in it. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** How the names of what this process writes begin. */
const writer = (): string => `${host}-${process.pid}-`;

/** Whether the process that wrote a part is known to be gone. */
function isOrphan(name: string): boolean {
  const [, writtenOn, pid] = /^([0-9a-f]{8})-(\d+)-/.exec(name) ?? [];
  return writtenOn === host && !isRunning(Number(pid));
}

async function look(path: string, key: string): Promise<StoredObject | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? { key, bytes: found.size, modifiedAt: found.mtime } : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** Another process may remove a folder, as an empty one, at the moment when it is needed. */
const attempts = 5;

async function moveIntoPlace(part: string, path: string, onlyNew: boolean): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeFolders(dirname(path));
      if (onlyNew) {
        await link(part, path);
        await unlink(part);
      } else {
        await rename(part, path);
      }
      await flushFolder(dirname(path));
      return;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || attempt === attempts) throw error;
    }
  }
}

function exists(key: string, root: string): PitcrewError {
  return new PitcrewError('E_CONFLICT', 'there is such an object already', { detail: `${key} in ${root}.` });
}

function missing(key: string, root: string): PitcrewError {
  return new PitcrewError('E_NOT_FOUND', 'a stored object is missing', { detail: `${key} in ${root}.` });
}
