import { Groups, type GroupStats } from './groups.ts';
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
  invalidations: Record<Exclude<Invalidation['kind'], 'note'>, number>;
  tiers: TierStats[];
  /** By the first part of keys, those most asked for first; a hundred at most. Memory hits are sampled. */
  groups: GroupStats[];
}

export interface TierStats extends TierSize {
  name: string;
  /** It cannot be reached now. */
  isAway: boolean;
  /** Answers that it gave. */
  hits: number;
  /** Keys that were looked up in it, and those of which it had nothing fresh. Callers who wait for one lookup share it. */
  lookups: number;
  misses: number;
  /** How long looking into it takes; memory answers at once, and is not measured. */
  meanMs: number | undefined;
}

/**
 * Of memory hits one in so many is looked at more closely, and counts for all of them. At random: requests that ask for the same
 * eight keys one after another would else show one of them.
 */
const sampled = 8;
const untilNextSample = (): number => 1 + Math.floor(Math.random() * (2 * sampled - 1));

/** Counts what a cache does. */
export class CacheStatistics {
  readonly #groups = new Groups();
  /** The group that was counted last, and what its keys begin with. */
  #last: { start: string; group: GroupStats } = { start: '', group: { group: '', hits: 0, misses: 0 } };
  readonly #invalidations = { key: 0, tag: 0, prefix: 0, pattern: 0, all: 0 };
  readonly #observers = new Set<CacheObserver>();
  #untilSample = untilNextSample();
  #memoryHits = 0;
  /** By the tier's place among those beyond memory. */
  readonly #tierHits: number[] = [];
  #staleHits = 0;
  #misses = 0;
  #loads = 0;
  #loadErrors = 0;
  #loadMs = 0;
  #refused = 0;

  hit(key: string): void {
    this.#memoryHits += 1;
    this.#untilSample -= 1;
    if (this.#untilSample > 0) return;
    this.#untilSample = untilNextSample();
    this.#group(key).hits += sampled;
    this.#asked(key, sampled);
  }

  /** Something that memory did not have came from elsewhere. */
  recalled(key: string, source: 'tier' | 'loader' | 'stale', tier = 0): void {
    if (source === 'loader') {
      this.missed(key);
      return;
    }
    if (source === 'tier') this.#tierHits[tier] = (this.#tierHits[tier] ?? 0) + 1;
    else this.#staleHits += 1;
    this.#group(key).hits += 1;
    this.#asked(key, 1);
  }

  missed(key: string): void {
    this.#misses += 1;
    this.#group(key).misses += 1;
    this.#asked(key, 1);
  }

  invalidated(what: readonly Invalidation[]): void {
    for (const { kind } of what) if (kind !== 'note') this.#invalidations[kind] += 1;
  }

  /** Tells one more observer, until the function that it returns is called. */
  observe(observer: CacheObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** An observer that counts, and tells all others. */
  get observer(): CacheObserver {
    const others = this.#observers;
    return {
      loaded: (key, tookMs, error) => {
        this.#loads += 1;
        this.#loadMs += tookMs;
        if (error) this.#loadErrors += 1;
        for (const other of others) other.loaded?.(key, tookMs, error);
      },
      refused: (key) => {
        this.#refused += 1;
        for (const other of others) other.refused?.(key);
      },
      invalidated: (count, what) => {
        for (const other of others) other.invalidated?.(count, what);
      },
      tier: (name, error) => {
        for (const other of others) other.tier?.(name, error);
      },
    };
  }

  report(tiers: Tiers): CacheStats {
    const tierHits = this.#tierHits.reduce((sum, hits) => sum + hits, 0);
    const hits = this.#memoryHits + tierHits + this.#staleHits;
    const beyondMemory = tierHits + this.#staleHits + this.#misses;
    const memory = tiers.memoryStats();
    return {
      memoryHits: this.#memoryHits,
      tierHits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      hitRatio: hits / Math.max(1, hits + this.#misses),
      loads: this.#loads,
      loadErrors: this.#loadErrors,
      meanLoadMs: this.#loadMs / Math.max(1, this.#loads),
      refused: this.#refused,
      invalidations: { ...this.#invalidations },
      tiers: [
        ...(memory
          ? [
              {
                name: 'memory',
                isAway: false,
                hits: this.#memoryHits,
                lookups: this.#memoryHits + beyondMemory,
                misses: beyondMemory,
                meanMs: undefined,
                ...memory,
              },
            ]
          : []),
        ...tiers.shared.map((tier, index) => {
          const { count = 0, misses = 0, totalMs = 0 } = tiers.lookups[index] ?? {};
          return {
            name: tier.name,
            isAway: tier.isAway,
            hits: this.#tierHits[index] ?? 0,
            lookups: count,
            misses,
            meanMs: count > 0 ? totalMs / count : undefined,
            ...tier.stats(),
          };
        }),
      ],
      groups: this.#groups.report(),
    };
  }

  #asked(key: string, times: number): void {
    if (this.#observers.size === 0) return;
    for (const observer of this.#observers) observer.asked?.(key, times);
  }

  #group(key: string): GroupStats {
    // Keys that are asked for one after another are often of one group.
    const { start, group } = this.#last;
    if (start !== '' && key.startsWith(start)) return group;
    const end = key.indexOf(':');
    const found = this.#groups.of(end < 0 ? 'other' : key.slice(0, end));
    if (end > 0) this.#last = { start: key.slice(0, end + 1), group: found };
    return found;
  }
}
