import type { Duration } from '../../options.ts';

/** How long data of a kind is usually good for. */
export interface TtlPresets {
  /** Answers that move all the time: counts, availability, prices from elsewhere. 1 minute. */
  volatile: Duration;
  /** Searches and filtered lists, of which there are many and few are asked for again. 3 minutes. */
  search: Duration;
  /** Lists and results of queries. 5 minutes, the default of a cache. */
  list: Duration;
  /** One row, or what it is made into, found by its key and invalidated when it changes. 10 minutes. */
  record: Duration;
  /** What a signed-in user is and may do, loaded at sign-in. 30 minutes. */
  session: Duration;
  /** Sums over many rows: reports, figures of a dashboard. 30 minutes. */
  aggregate: Duration;
  /** What changes when somebody says so: settings, categories, countries, translations. 1 hour. */
  reference: Duration;
  /** What never changes once it is there: closed months, versions, uploads by their hash. 1 day. */
  immutable: Duration;
}

const usual: Readonly<TtlPresets> = {
  volatile: 60_000,
  search: 180_000,
  list: 300_000,
  record: 600_000,
  session: 1_800_000,
  aggregate: 1_800_000,
  reference: 3_600_000,
  immutable: 86_400_000,
};

/**
 * Times to live by kind of data, in ms; those that are given take the place of the usual ones.
 * @example
 * ```ts
 * const ttl = ttlPresets({ record: '15m' });
 * await cache.remember(key, ttl.record, load);
 * ```
 */
export function ttlPresets(own: Partial<TtlPresets> = {}): Readonly<TtlPresets> {
  return Object.freeze({ ...usual, ...own });
}
