import { rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PitcrewError } from '../../../errors.ts';
import type { Entry } from '../entry.ts';
import type { Invalidation } from '../invalidation.ts';
import type { CacheTier, Heard, Position, TierSize } from '../tier.ts';
import { decode, decodeHead, defaultMaxValueBytes, encode, type ValueOptions } from '../values/index.ts';
import { tierFailure } from './failure.ts';
import { eachOf, firstBytes, readIfThere, withFolder } from './files.ts';
import { Journal } from './journal.ts';
import { Keeper } from './keeper.ts';
import { bytesOnDisk, entryPath, frame, type Layout, layoutOf, temporaryPath, unframe } from './layout.ts';
import { Usage } from './usage.ts';

export interface FileTierOptions extends ValueOptions {
  /** On a disk of this machine; made when it is missing, for this user only. Processes that share it see each other's entries and invalidations. */
  readonly folder: string;
  /** About how much of the disk it may take, for all processes together; 1 GiB by default. */
  readonly maxBytes?: number | undefined;
  /** How long at most until this process hears of what others invalidate, while it does not use the tier; 100 ms by default. */
  readonly pollMs?: number | undefined;
  /** When the journal of invalidations has so many bytes, it begins anew, and all entries are void; 16 MiB by default. */
  readonly maxJournalBytes?: number | undefined;
}

const filesAtOnce = 8;
/** Key and tags of an entry. */
const mostHeadBytes = 1024 ** 2;
/** An entry that is used is marked so again after this time, at the earliest. */
const markAfterMs = 60_000;
/** Nothing is added when there is so much more than the limit; deleting has to come first. */
const brim = 1.1;

/**
 * A tier in files, which outlives the process and is shared by all processes of a machine. Usable at once; a folder that
 * cannot be used is an error (`E_CACHE_TIER`) of the calls only, for as long as it cannot.
 *
 * Nothing waits for the disk (fsync): files are replaced whole, so that a process that is killed leaves the old entry or the new
 * one. What the machine loses when it goes down itself is noticed by checksums, and nothing of before is given after it was started
 * anew. Not for network file systems, where appending is not atomic.
 *
 * @throws `E_CONFIG` for options that make no sense
 */
export function fileTier(options: FileTierOptions): CacheTier {
  return new FileTier(options);
}

class FileTier implements CacheTier {
  readonly name = 'file';
  readonly #layout: Layout;
  readonly #values: ValueOptions;
  readonly #maxBytes: number;
  /** A file that is larger is none of ours. */
  readonly #mostBytes: number;
  readonly #pollMs: number;
  readonly #journal: Journal;
  readonly #usage: Usage;
  readonly #keeper: Keeper;
  readonly #listeners: ((heard: Heard) => void)[] = [];
  #polling: NodeJS.Timeout | undefined;
  #unreadable = 0;
  #refused = 0;

  constructor({
    folder,
    maxBytes = 1024 ** 3,
    pollMs = 100,
    maxJournalBytes = 16 * 1024 ** 2,
    ...values
  }: FileTierOptions) {
    if (typeof folder !== 'string' || folder === '') throw new PitcrewError('E_CONFIG', 'a file tier needs a folder');
    for (const [name, value] of Object.entries({ maxBytes, pollMs, maxJournalBytes })) {
      if (typeof value === 'number' && value > 0) continue;
      throw new PitcrewError('E_CONFIG', `${name} must be a number above 0`, { detail: `Found ${String(value)}.` });
    }
    this.#layout = layoutOf(resolve(folder));
    this.#values = values;
    this.#maxBytes = maxBytes;
    this.#mostBytes = (values.maxValueBytes ?? defaultMaxValueBytes) + mostHeadBytes;
    this.#pollMs = pollMs;
    this.#journal = new Journal(this.#layout, maxJournalBytes, (heard) => {
      for (const listener of this.#listeners) listener(heard);
    });
    this.#usage = new Usage(this.#layout, maxBytes);
    this.#keeper = new Keeper(this.#layout, this.#usage, maxBytes);
    this.#keeper.look();
  }

  position(): Position {
    return this.#journal.position();
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#try(async () => {
      // At once: an entry is held against the journal as it was after the call began, whenever the entry was read.
      const [, content] = await Promise.all([this.#journal.catchUp(), this.#read(key)]);
      return this.#check(key, content);
    });
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#try(async () => {
      const found = new Map<string, Entry>();
      const caughtUp = this.#journal.catchUp();
      const read = eachOf(keys, filesAtOnce, async (key) => {
        const content = await this.#read(key);
        await caughtUp;
        const entry = await this.#check(key, content);
        if (entry) found.set(key, entry);
      });
      await Promise.all([caughtUp, read]);
      return found;
    });
  }

  set(key: string, entry: Entry, position: Position): Promise<boolean> {
    return this.#try(async () => {
      await this.#journal.catchUp();
      return this.#keep(key, entry, position);
    });
  }

  setMany(entries: ReadonlyMap<string, Entry>, position: Position): Promise<void> {
    return this.#try(async () => {
      await this.#journal.catchUp();
      await eachOf(entries, filesAtOnce, async ([key, entry]) => {
        await this.#keep(key, entry, position);
      });
    });
  }

  invalidate(what: readonly Invalidation[]): Promise<Position | void> {
    return this.#try(() => this.#journal.append(what));
  }

  onHeard(listener: (heard: Heard) => void): void {
    this.#listeners.push(listener);
    this.#polling ??= setInterval(() => {
      // Whoever uses the tier learns that it cannot be used.
      this.#journal.catchUp().catch(() => {});
    }, this.#pollMs).unref();
  }

  stats(): TierSize {
    const { isCounted, entries, bytes } = this.#usage;
    return {
      entries: isCounted ? entries : undefined,
      bytes: isCounted ? bytes : undefined,
      evictions: this.#keeper.evictions,
      unreadable: this.#unreadable,
      refused: this.#refused,
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#polling);
    await this.#keeper.close();
    // What is not told is counted one day.
    await this.#usage.tell().catch(() => {});
    await this.#journal.close();
  }

  /** Keeps an entry unless it is void, as far as the journal was read. Its position keeps it from being given if it is later. */
  async #keep(key: string, entry: Entry, position: Position): Promise<boolean> {
    if (this.#journal.isVoid(key, entry.tags, position)) {
      this.#refused += 1;
      return false;
    }
    let content: Buffer;
    try {
      content = frame(key, await encode(entry, position, this.#values));
    } catch (error) {
      // Nothing was invalidated; it is just not kept here.
      if (error instanceof PitcrewError && error.code === 'E_UNSUPPORTED') return true;
      throw error;
    }
    const bytes = bytesOnDisk(content.length);
    if (bytes > this.#maxBytes || this.#usage.bytes + bytes > this.#maxBytes * brim) {
      this.#keeper.look();
      return true;
    }
    const path = entryPath(this.#layout, key);
    const there = await this.#lookAt(key, path);
    // Between this look and the renaming another process may still put a newer one there: then the older of two true ones stays.
    if (there?.entry && isNewer(there.entry, { entry, position })) {
      if (!this.#journal.isVoid(key, there.entry.entry.tags, there.entry.position)) return false;
    }
    await this.#replace(path, content);
    this.#keeper.changed(path, bytes - (there ? bytesOnDisk(there.size) : 0), there ? 0 : 1);
    this.#keeper.look();
    return true;
  }

  async #replace(path: string, content: Buffer): Promise<void> {
    const temporary = temporaryPath(this.#layout);
    try {
      await withFolder(dirname(temporary), () => writeFile(temporary, content, { flag: 'wx' }));
      await withFolder(dirname(path), () => rename(temporary, path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** An entry that is there, by its head alone; a head that is larger than what is read of it may be replaced by an older one. */
  async #lookAt(key: string, path: string) {
    const there = await readIfThere(path, firstBytes);
    const value = there && unframe(key, there.bytes);
    return there && { size: there.size, entry: value && decodeHead(value) };
  }

  /** The value of a key's file, as `encode` made it; `unreadable` when the file is something else. */
  async #read(key: string): Promise<Buffer | 'unreadable' | undefined> {
    const path = entryPath(this.#layout, key);
    const there = await readIfThere(path, this.#mostBytes);
    if (!there) return undefined;
    const now = Date.now();
    // What was used least recently is deleted first; a mark that fails is missed by nobody.
    if (now - there.mtimeMs > markAfterMs) utimes(path, now / 1000, now / 1000).catch(() => {});
    return unframe(key, there.bytes) ?? 'unreadable';
  }

  async #check(key: string, content: Buffer | 'unreadable' | undefined): Promise<Entry | undefined> {
    if (content === undefined) return undefined;
    const head = content === 'unreadable' ? undefined : decodeHead(content);
    if (content === 'unreadable' || !head) {
      this.#unreadable += 1;
      return undefined;
    }
    if (this.#journal.isVoid(key, head.entry.tags, head.position)) return undefined;
    if (head.entry.keptUntil <= Date.now()) {
      await this.#delete(key, content.length);
      return undefined;
    }
    const decoded = await decode(content, this.#values);
    if (!decoded) this.#unreadable += 1;
    return decoded?.entry;
  }

  /** Of what is over. If it was replaced just now, that costs a load. */
  async #delete(key: string, size: number): Promise<void> {
    const path = entryPath(this.#layout, key);
    try {
      await unlink(path);
      this.#keeper.changed(path, -bytesOnDisk(size), -1);
    } catch {
      // It is deleted when there is need.
    }
  }

  async #try<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw tierFailure(this.#layout.folder, error);
    }
  }
}

/** Whether an entry that is there knows more, or was made later. */
function isNewer(
  there: { entry: Omit<Entry, 'value'>; position: Position },
  { entry, position }: { entry: Entry; position: Position },
): boolean {
  if (there.position.epoch !== position.epoch || there.entry.keptUntil <= Date.now()) return false;
  if (there.position.at !== position.at) return there.position.at > position.at;
  return there.entry.createdAt > entry.createdAt;
}
