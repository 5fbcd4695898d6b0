import { LRUCache } from 'lru-cache';
import type { Entry } from '../entry.ts';
import type { Fence } from '../fences/fence.ts';
import type { TierSize } from '../tier.ts';
import { sizeOf } from './size-of.ts';

/** Options of the tier in this process's memory. */
export interface MemoryOptions {
  /** Most entries; 1,000 by default. */
  maxEntries?: number | undefined;
  /** Most bytes, as far as they can be estimated; no limit by default. */
  maxBytes?: number | undefined;
}

interface Held {
  readonly entry: Entry;
  /** Where the fence was when its load began, and later when it was last held against it. */
  since: number;
}

/** A key, and what is beside the value. */
const overheadBytes = 200;

/** The tier that answers at once. What it gives is the very object that was put in. */
export class MemoryTier {
  readonly #held: LRUCache<string, Held>;
  readonly #fence: Fence;
  #evictions = 0;
  #refused = 0;

  constructor({ maxEntries = 1000, maxBytes }: MemoryOptions, fence: Fence) {
    this.#fence = fence;
    this.#held = new LRUCache<string, Held>({
      max: maxEntries,
      ...(maxBytes === undefined
        ? {}
        : {
            maxSize: maxBytes,
            sizeCalculation: ({ entry }: Held, key: string) => sizeOf(entry.value) + key.length * 2 + overheadBytes,
          }),
      dispose: (_held, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  /** What is kept under a key and was not invalidated, fresh or not. */
  get(key: string, now: number): Entry | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    const { entry } = held;
    if (entry.keptUntil > now) {
      const position = this.#fence.now;
      // Nothing was invalidated since it was last looked at: the usual case.
      if (held.since === position) return entry;
      if (!this.#fence.isVoid(key, entry.tags, held.since)) {
        held.since = position;
        return entry;
      }
    }
    this.#held.delete(key);
    return undefined;
  }

  /** @param since where the fence was when its load began. @returns false when it was invalidated meanwhile */
  set(key: string, entry: Entry, since: number): boolean {
    if (this.#fence.isVoid(key, entry.tags, since)) {
      this.#refused += 1;
      return false;
    }
    this.#held.set(key, { entry, since: this.#fence.now });
    return true;
  }

  delete(key: string): void {
    this.#held.delete(key);
  }

  /** Lets everything go; the fence sees to it that nothing that is being loaded comes in. */
  clear(): void {
    this.#held.clear();
  }

  stats(): TierSize {
    const { size, calculatedSize, maxSize } = this.#held;
    const bytes = maxSize > 0 ? calculatedSize : undefined;
    return { entries: size, bytes, evictions: this.#evictions, unreadable: 0, refused: this.#refused };
  }
}
