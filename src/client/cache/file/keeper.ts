import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '../../../errors.ts';
import { eachOf } from './files.ts';
import { bytesOnDisk, type Layout, shardPath, shards } from './layout.ts';
import type { Usage } from './usage.ts';

/** Entries are deleted until so much of the limit is used. */
const goal = 0.95;
/** So many entries are looked at to find those used least recently; when there are fewer, all are. */
const sampledEntries = 1000;
/** Of a sample, at most so much is deleted, as a share of its bytes: the rest is about as recently used as all others. */
const mostOfSample = 0.25;
/** What processes think is held may be wrong by so much of the limit; then it is counted. */
const tolerance = 0.1;
/** Of the four threads that a process has for files, lookups and cryptography by default. */
const filesAtOnce = 3;
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
  /** Folders that were looked at since counting began. */
  #counted: Set<string> | undefined;
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

  /** An entry was put there, replaced or deleted. */
  changed(path: string, bytes: number, entries: number): void {
    // What is not looked at yet will be counted as it is then.
    if (!this.#counted || this.#counted.has(dirname(path))) this.#usage.note(bytes, entries);
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
    this.#counted = new Set();
    this.#usage.beginCount();
    try {
      for (const shard of shards) {
        if (this.#closed) return;
        const files = await this.#list([shard]);
        this.#counted.add(shardPath(this.#layout, shard));
        bytes += totalOf(files);
        entries += files.length;
      }
      await this.#usage.replace(bytes, entries);
    } finally {
      this.#counted = undefined;
    }
  }

  /** Deletes what was used least recently of all, or, where there are many entries, of a sample at a time. */
  async #evict(): Promise<void> {
    const perSample = Math.ceil((shards.length * sampledEntries) / Math.max(1, this.#usage.entries));
    if (perSample >= shards.length) {
      const files = await this.#list(shards);
      const isWrong = Math.abs(totalOf(files) - this.#usage.bytes) > this.#maxBytes * tolerance;
      if (isWrong) await this.#count();
      await this.#deleteOldest(files, 1);
      return;
    }
    // Other processes begin elsewhere.
    const first = Math.floor(Math.random() * shards.length);
    const order = [...shards.slice(first), ...shards.slice(0, first)];
    for (let start = 0; start < order.length && this.#isAboveGoal(); start += perSample) {
      await this.#deleteOldest(await this.#list(order.slice(start, start + perSample)), mostOfSample);
    }
  }

  #isAboveGoal(): boolean {
    return !this.#closed && this.#usage.bytes > this.#maxBytes * goal;
  }

  async #deleteOldest(files: readonly StoredFile[], share: number): Promise<void> {
    const tooMuch = this.#usage.bytes - this.#maxBytes * goal;
    let left = Math.min(tooMuch, totalOf(files) * share);
    const oldest: StoredFile[] = [];
    for (const file of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (left <= 0) break;
      left -= file.bytes;
      oldest.push(file);
    }
    await eachOf(oldest, filesAtOnce, (file) => this.#delete(file));
  }

  async #delete({ path, bytes }: StoredFile): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      // Another process was quicker.
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    this.evictions += 1;
    this.changed(path, -bytes, -1);
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

function totalOf(files: readonly StoredFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
