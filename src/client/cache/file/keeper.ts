import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './failure.ts';
import { eachOf } from './files.ts';
import { bytesOnDisk, type Layout, shardPath, shards } from './layout.ts';
import type { Usage } from './usage.ts';

/** Entries are deleted until so much of the limit is used. */
const goal = 0.95;
/** So many entries are looked at to find those used least recently; when there are fewer, all are. */
const sampledEntries = 5000;
/** Of a sample, at most so much is deleted, as a share of its bytes: the rest is about as recently used as all others. */
const mostOfSample = 0.25;
const filesAtOnce = 8;
const abandonedAfterMs = 60 * 60 * 1000;

interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
}

/**
 * Keeps a folder in order, beside the calls: counts what it holds, deletes what was used least recently when that is too much,
 * and files that somebody did not finish. Several processes may do so at once.
 */
export class Keeper {
  readonly #layout: Layout;
  readonly #usage: Usage;
  readonly #maxBytes: number;
  #running: Promise<void> | undefined;
  #closed = false;
  evictions = 0;

  constructor(layout: Layout, usage: Usage, maxBytes: number) {
    this.#layout = layout;
    this.#usage = usage;
    this.#maxBytes = maxBytes;
  }

  /** Begins, if there is something to do. What fails is left to the next time. */
  look(): void {
    if (this.#running || this.#closed || (this.#usage.isCounted && this.#usage.bytes <= this.#maxBytes)) return;
    this.#running = this.#keep()
      .catch(() => {})
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when it is done with what it has begun. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #keep(): Promise<void> {
    // Also when the process begins.
    if (!this.#usage.isCounted) await this.#deleteAbandoned();
    await this.#usage.tell();
    if (!this.#usage.isCounted) await this.#count();
    for (let pass = 0; pass < 10 && this.#isTooMuch(); pass += 1) await this.#evict();
    await this.#usage.tell();
  }

  #isTooMuch(): boolean {
    return !this.#closed && this.#usage.bytes > this.#maxBytes;
  }

  async #count(): Promise<void> {
    let bytes = 0;
    let entries = 0;
    for (const shard of shards) {
      if (this.#closed) return;
      for (const file of await this.#list([shard])) {
        bytes += file.bytes;
        entries += 1;
      }
    }
    await this.#usage.replace(bytes, entries);
  }

  /** One pass over all shards at most; other processes begin elsewhere. */
  async #evict(): Promise<void> {
    const enough = this.#maxBytes * goal;
    const perSample = Math.ceil((shards.length * sampledEntries) / Math.max(1, this.#usage.entries));
    const first = Math.floor(Math.random() * shards.length);
    const order = [...shards.slice(first), ...shards.slice(0, first)];
    for (let start = 0; start < order.length && !this.#closed && this.#usage.bytes > enough; start += perSample) {
      const files = await this.#list(order.slice(start, start + perSample));
      const isAll = files.length > 0 && perSample >= order.length;
      const sampled = files.reduce((sum, file) => sum + file.bytes, 0);
      if (isAll) await this.#usage.replace(sampled, files.length);
      let left = isAll ? sampled : sampled * mostOfSample;
      for (const file of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
        if (left <= 0 || this.#usage.bytes <= enough) break;
        left -= file.bytes;
        await this.#delete(file);
      }
    }
  }

  async #delete({ path, bytes }: StoredFile): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      // Another process was quicker.
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    this.evictions += 1;
    this.#usage.note(-bytes, -1);
  }

  async #list(of: readonly string[]): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    for (const shard of of) {
      const folder = shardPath(this.#layout, shard);
      await eachOf(await namesIn(folder), filesAtOnce, async (name) => {
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        if (found?.isFile()) files.push({ path, bytes: bytesOnDisk(found.size), usedAt: found.mtimeMs });
      });
    }
    return files;
  }

  /** Of processes that were killed while they wrote. */
  async #deleteAbandoned(): Promise<void> {
    const before = Date.now() - abandonedAfterMs;
    await eachOf(await namesIn(this.#layout.temporary), filesAtOnce, async (name) => {
      const path = join(this.#layout.temporary, name);
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < before) await rm(path, { force: true, recursive: true });
    });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
