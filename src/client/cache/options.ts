import { parseDuration } from '../../config/span.ts';
import { PitcrewError } from '../../errors.ts';
import type { Invalidation } from './invalidation.ts';
import type { MemoryOptions } from './memory/memory-tier.ts';
import type { CacheTier } from './tier.ts';

/** A span of time: ms, or a text such as `'90s'`, `'5m'`, `'1.5h'`, `'1d'`. */
export type Duration = number | string;

export interface CacheOptions extends EntryOptions {
  /** The tier in this process's memory: 1,000 entries by default; `false` for none. */
  memory?: MemoryOptions | false | undefined;
  /** Tiers beyond it, the quickest first: `redisTier(…)`, `fileTier(…)`, or your own. */
  tiers?: readonly CacheTier[] | undefined;
  /** How long entries are fresh where the call does not say; 5 minutes by default. */
  ttl?: Duration | undefined;
  /** Told of everything that happens, in the hot path; must neither throw nor wait. */
  observer?: CacheObserver | undefined;
}

/** How long an entry is fresh; a function is asked when the value is there, with its key behind all namespaces, and 0 keeps it not at all. */
export type Ttl<Value> = Duration | ((value: Value, key: string) => Duration);

/** What can be said of an entry, for a whole cache or with each call. */
export interface EntryOptions {
  /** How long after it has gone stale an entry is kept, to be served when its loader fails or takes too long; not at all by default. */
  grace?: Duration | undefined;
  /**
   * By how much the time to live is shortened at random, as a share, lest entries that were made together go stale together; 0.05
   * by default.
   */
  jitter?: number | undefined;
}

export interface SetOptions extends EntryOptions {
  ttl?: Duration | undefined;
  tags?: readonly string[] | undefined;
}

export interface RememberOptions<Value> extends EntryOptions {
  /** What the value is made of; invalidating one of them invalidates it. A function is asked when the value is there. */
  tags?: readonly string[] | ((value: Value) => readonly string[]) | undefined;
  /** How long `undefined` and `null` are kept: as long as other values by default, 0 for not at all. */
  negativeTtl?: Duration | undefined;
  /** Serve what is stale, within its `grace`, at once, and load anew beside; false by default. */
  staleWhileRevalidate?: boolean | undefined;
  /**
   * Load anew, beside, shortly before an entry goes stale: the longer its load takes, the earlier, with a random part so
   * that one process does it (A. Vattani et al., Optimal Probabilistic Cache Stampede Prevention, 2015). `true` is a factor of 1.
   */
  early?: boolean | number | undefined;
  /**
   * `soft`: what is stale is served when the load takes longer. `hard`: the load is given up, its signal aborts, and the
   * caller has `E_CACHE_TIMEOUT` where nothing stale is left; 30 s by default.
   */
  timeout?: { soft?: Duration | undefined; hard?: Duration | undefined } | undefined;
  /** The caller gives up; the load goes on for the others. */
  signal?: AbortSignal | undefined;
}

/** What a loader is given. */
export interface LoadContext {
  readonly key: string;
  /** Aborts when the load takes longer than its hard timeout, or the cache is closed. */
  readonly signal: AbortSignal;
}

export type Loader<Value> = (context: LoadContext) => Value | PromiseLike<Value>;

/** Told of what a cache does, with keys as they are behind all namespaces. Every method is optional. */
export interface CacheObserver {
  /** A key was asked for, and was there or not. Of hits in memory a few are told, of which each stands for `times`. */
  asked?(key: string, times: number): void;
  /** A load has ended, well or not. */
  loaded?(key: string, tookMs: number, error: Error | undefined): void;
  /** A value was not kept, because something that concerns it was invalidated while it was loaded. */
  refused?(key: string): void;
  invalidated?(count: number, what: readonly Invalidation[]): void;
  /** A tier cannot be reached (with the error), or can be again. */
  tier?(name: string, error: Error | undefined): void;
}

/** @throws `E_CONFIG` for what is no span of time */
export function durationMs(name: string, value: Duration): number {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  throw new PitcrewError('E_CONFIG', `${name} must be a span of time`, {
    detail: `Found ${String(value)}.`,
    hint: 'Give milliseconds, or a text such as "90s", "5m" or "1d".',
  });
}
