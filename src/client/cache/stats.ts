import type { Invalidation } from './invalidation.ts';
import type { CacheObserver } from './options.ts';
import type { TierSize } from './tier.ts';
import type { Tiers } from './tiers.ts';

/** What a cache has done since it was made. */
export interface CacheStats {
  /** Answers from this process's memory. */
  memoryHits: number;
  /** Answers from other tiers. */
  tierHits: number;
  /** Answers that had gone stale, while a load took too long or because it failed. */
  staleHits: number;
  /** Nothing was there: it was loaded, or the caller went without. */
  misses: number;
  /** Hits of all kinds among all that was asked for, from 0 to 1; 0 before anything was. */
  hitRatio: number;
  loads: number;
  loadErrors: number;
  meanLoadMs: number;
  /** Values that were not kept, because something that concerns them was invalidated while they were loaded. */
  refused: number;
  invalidations: Record<Invalidation['kind'], number>;
  tiers: TierStats[];
  /** By the first part of keys, those most asked for first; a hundred at most. Memory hits are sampled. */
  groups: GroupStats[];
}

export interface TierStats extends TierSize {
  name: string;
  /** It cannot be reached now. */
  isAway: boolean;
}

export interface GroupStats {
  group: string;
  hits: number;
  misses: number;
}

const mostGroups = 100;
/** Of memory hits one in so many is looked at more closely, and counts for all of them. */
const sampled = 8;

/** Counts what a cache does. */
export class CacheStatistics {
  readonly #groups = new Map<string, GroupStats>();
  readonly #invalidations = { key: 0, tag: 0, prefix: 0, pattern: 0, all: 0 };
  #memoryHits = 0;
  #tierHits = 0;
  #staleHits = 0;
  #misses = 0;
  #loads = 0;
  #loadErrors = 0;
  #loadMs = 0;
  #refused = 0;

  hit(key: string): void {
    this.#memoryHits += 1;
    if (this.#memoryHits % sampled === 0) this.#group(key).hits += sampled;
  }

  /** Something that memory did not have came from elsewhere. */
  recalled(key: string, source: 'tier' | 'loader' | 'stale'): void {
    if (source === 'loader') {
      this.missed(key);
      return;
    }
    if (source === 'tier') this.#tierHits += 1;
    else this.#staleHits += 1;
    this.#group(key).hits += 1;
  }

  missed(key: string): void {
    this.#misses += 1;
    this.#group(key).misses += 1;
  }

  invalidated(what: readonly Invalidation[]): void {
    for (const { kind } of what) this.#invalidations[kind] += 1;
  }

  /** An observer that counts, and tells another one. */
  watching(observer: CacheObserver): CacheObserver {
    return {
      ...observer,
      loaded: (key, tookMs, error) => {
        this.#loads += 1;
        this.#loadMs += tookMs;
        if (error) this.#loadErrors += 1;
        observer.loaded?.(key, tookMs, error);
      },
      refused: (key) => {
        this.#refused += 1;
        observer.refused?.(key);
      },
    };
  }

  report(tiers: Tiers): CacheStats {
    const hits = this.#memoryHits + this.#tierHits + this.#staleHits;
    const memory = tiers.memoryStats();
    return {
      memoryHits: this.#memoryHits,
      tierHits: this.#tierHits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      hitRatio: hits / Math.max(1, hits + this.#misses),
      loads: this.#loads,
      loadErrors: this.#loadErrors,
      meanLoadMs: this.#loadMs / Math.max(1, this.#loads),
      refused: this.#refused,
      invalidations: { ...this.#invalidations },
      tiers: [
        ...(memory ? [{ name: 'memory', isAway: false, ...memory }] : []),
        ...tiers.shared.map((tier) => ({ name: tier.name, isAway: tier.isAway, ...tier.stats() })),
      ],
      groups: [...this.#groups.values()]
        .map((group) => ({ ...group }))
        .toSorted((a, b) => b.hits + b.misses - a.hits - a.misses),
    };
  }

  /** Names come from keys, of which there may be any number: those that come too late are counted together. */
  #group(key: string): GroupStats {
    const end = key.indexOf(':');
    const name = end < 0 ? 'other' : key.slice(0, end);
    const known = this.#groups.get(name);
    if (known) return known;
    if (this.#groups.size >= mostGroups && name !== 'other') return this.#group('other');
    const group = { group: name, hits: 0, misses: 0 };
    this.#groups.set(name, group);
    return group;
  }
}
