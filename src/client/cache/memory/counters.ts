import { LRUCache } from 'lru-cache';

const mostCounters = 10_000;

/** Counters of this process alone, for when no tier can count. */
export class Counters {
  readonly #counters = new LRUCache<string, { value: number; until: number }>({ max: mostCounters });

  add(key: string, by: number, ttlMs: number): number {
    const now = Date.now();
    const known = this.#counters.get(key);
    if (known && known.until > now) {
      known.value += by;
      return known.value;
    }
    this.#counters.set(key, { value: by, until: now + ttlMs });
    return by;
  }

  delete(key: string): void {
    this.#counters.delete(key);
  }
}
