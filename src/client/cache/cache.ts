import { turnTime } from './clock.ts';
import type { Entry } from './entry.ts';
import { type Invalidation, ofPattern } from './invalidation.ts';
import { abortable } from './loads/within.ts';
import { Recall, type Recalled, type Recipe } from './loads/recall.ts';
import { Counters } from './memory/counters.ts';
import {
  type CacheObserver,
  type CacheOptions,
  type Duration,
  type EntryOptions,
  durationMs,
  type Loader,
  type RememberOptions,
  type SetOptions,
  type Ttl,
} from './options.ts';
import { CacheStatistics, type CacheStats } from './stats.ts';
import { Tiers } from './tiers.ts';
import { Times } from './times.ts';

/** What caches of one family of names share. */
interface Shared {
  readonly tiers: Tiers;
  readonly recall: Recall;
  readonly times: Times;
  readonly counters: Counters;
  readonly statistics: CacheStatistics;
}

/** How long a load may take where nobody says. */
const hardMs = 30_000;
const none: EntryOptions = {};

/**
 * A cache of several tiers, of which any may be away. Keys are texts whose parts are parted by colons: `orders:42:lines`.
 * What was loaded before an invalidation, of a key, tag, prefix or pattern, is never kept after it, in any tier and process.
 */
export class Cache {
  readonly #prefix: string;
  readonly #shared: Shared;

  private constructor(shared: Shared, prefix: string) {
    this.#shared = shared;
    this.#prefix = prefix;
  }

  /** See `createCache`. */
  static create(options: CacheOptions = {}): Cache {
    const statistics = new CacheStatistics();
    if (options.observer) statistics.observe(options.observer);
    const { observer } = statistics;
    const tiers = new Tiers({ ...options, observer });
    const recall = new Recall(tiers, observer);
    return new Cache({ tiers, recall, times: new Times(options), counters: new Counters(), statistics }, '');
  }

  /** The same cache, with a part in front of all keys; `clear` of it clears just these. Tags are common to all. */
  namespace(name: string): Cache {
    return new Cache(this.#shared, `${this.#prefix}${name}:`);
  }

  /** A key of this namespace as it is behind all of them: as loaders, observers and tiers see it. */
  fullKey(key: string): string {
    return this.#key(key);
  }

  /** What this process's memory has, at once: nothing is loaded, no other tier is asked. */
  peek<Value>(key: string): Value | undefined {
    const now = turnTime();
    const entry = this.#shared.tiers.peek(this.#key(key), now);
    return entry !== undefined && entry.freshUntil > now ? (entry.value as Value) : undefined;
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.#fetch(this.#key(key)))?.value as Value | undefined;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#fetch(this.#key(key))) !== undefined;
  }

  /** Those that are there, in one round trip per tier. */
  async getMany<Value>(keys: readonly string[]): Promise<Map<string, Value>> {
    const entries = await this.#fetchMany(this.#prefix === '' ? keys : keys.map((key) => this.#key(key)));
    const values = new Map<string, Value>();
    let index = 0;
    for (const key of keys) {
      const entry = entries[index++];
      if (entry) values.set(key, entry.value as Value);
    }
    return values;
  }

  /** Puts a value in the place of what is there, or is being loaded, here and in other processes. */
  set(key: string, value: unknown, options: SetOptions = none): Promise<void> {
    return this.setMany([[key, value]], options);
  }

  async setMany(values: Iterable<readonly [key: string, value: unknown]>, options: SetOptions = none): Promise<void> {
    const { times, tiers } = this.#shared;
    const entries = [...values].map(
      ([key, value]) => [this.#key(key), times.entry(value, options.ttl, options, options.tags ?? [], 0)] as const,
    );
    await tiers.replace(new Map(entries));
  }

  /**
   * The value of a key; what is not there is loaded, once for all who ask for it at the same time.
   * @example
   * ```ts
   * const order = await cache.remember(`orders:${id}`, '5m', () => loadOrder(id), { tags: ['orders'] });
   * ```
   * @throws what the loader throws where nothing stale is left to serve; `E_CACHE_TIMEOUT` when it takes too long
   */
  remember<Value>(
    key: string,
    ttl: Ttl<Value>,
    loader: Loader<Value>,
    options: RememberOptions<Value> = none,
  ): Promise<Value> {
    const { tiers, statistics } = this.#shared;
    const full = this.#key(key);
    const now = turnTime();
    const entry = tiers.peek(full, now);
    if (entry === undefined || entry.freshUntil <= now) return this.#recall(full, ttl, loader, options, entry);
    statistics.hit(full);
    if (options.early && this.#shared.times.isDue(entry, now, options.early)) {
      void this.#shared.recall.refresh(full, this.#recipe(ttl, loader, options));
    }
    return Promise.resolve(entry.value as Value);
  }

  /**
   * Loads the value of a key anew and puts it in the place of what is there, which is served until then; a load of it that is
   * under way is waited for instead.
   * @throws what the loader throws; `E_CACHE_TIMEOUT` when it takes too long
   */
  async refresh<Value>(
    key: string,
    ttl: Ttl<Value>,
    loader: Loader<Value>,
    options: RememberOptions<Value> = none,
  ): Promise<Value> {
    const refreshed = this.#shared.recall.refresh(this.#key(key), this.#recipe(ttl, loader, options));
    const { value } = await (options.signal ? abortable(refreshed, options.signal) : refreshed);
    return value as Value;
  }

  /**
   * The values of many keys; those that are not there are loaded by one call, which gives them by key. What it leaves out is
   * `undefined`, kept as such, and left out of the answer. Keys that another process loads already are waited for, and loaded by a call of
   * their own where it fails. All options are as with `remember`, each for each key.
   * @throws what the loader throws where nothing stale is left to serve for a key; `E_CACHE_TIMEOUT` when it takes too long
   */
  async rememberMany<Value>(
    keys: readonly string[],
    ttl: Ttl<Value | undefined>,
    loader: (missing: readonly string[]) => PromiseLike<ReadonlyMap<string, Value>> | ReadonlyMap<string, Value>,
    options: RememberOptions<Value | undefined> = none,
  ): Promise<Map<string, Value>> {
    const { recall, times } = this.#shared;
    const all = [...new Set(keys)];
    const stale = new Map<string, Entry>();
    const entries = await this.#fetchMany(
      all.map((key) => this.#key(key)),
      stale,
    );
    const values = new Map<string, Value>();
    const missing: string[] = [];
    const due: string[] = [];
    for (const [index, key] of all.entries()) {
      const full = this.#key(key);
      const entry = entries[index];
      if (!entry) missing.push(full);
      else if (entry.value !== undefined) values.set(key, entry.value as Value);
      if (entry && options.early && times.isDue(entry, Date.now(), options.early)) due.push(full);
    }
    const recipe = this.#recipe<Value | undefined>(ttl, () => undefined, options);
    const loadMany = async (fullKeys: readonly string[]): Promise<ReadonlyMap<string, unknown>> => {
      const loaded = await loader(fullKeys.map((full) => full.slice(this.#prefix.length)));
      return new Map([...loaded].map(([key, value]) => [this.#key(key), value]));
    };
    if (due.length > 0) {
      const renewed = recall.many(due, new Map(), recipe, loadMany);
      // What is kept is served meanwhile, and nobody hears of failures.
      for (const each of renewed.values()) each.catch(() => {});
    }
    if (missing.length === 0) return values;
    const recalled = this.#all(recall.many(missing, stale, recipe, loadMany), values);
    await (options.signal ? abortable(recalled, options.signal) : recalled);
    return values;
  }

  async #all(recalled: ReadonlyMap<string, Promise<Recalled>>, values: Map<string, unknown>): Promise<void> {
    const { statistics } = this.#shared;
    await Promise.all(
      [...recalled].map(async ([full, each]) => {
        const { value, source, tier } = await each;
        // That it was not there has been counted.
        if (source !== 'loader') statistics.recalled(full, source, tier);
        if (value !== undefined) values.set(full.slice(this.#prefix.length), value);
      }),
    );
  }

  /**
   * Adds to a counter, atomically among all processes that share a tier which can count; among this one's callers without. A new one
   * begins at 0, and ends `ttl` after that however often it is added to. Adding 0 reads it: counters are apart from values, so `get`
   * does not give them, and of all that invalidates only `delete` of their key ends them.
   */
  async increment(key: string, by = 1, options: { ttl?: Duration | undefined } = {}): Promise<number> {
    const { tiers, counters, times } = this.#shared;
    const full = this.#key(key);
    const ttlMs = times.ttlMs(options.ttl);
    const counted = await tiers.shared.find(({ canCount }) => canCount)?.increment(full, by, ttlMs);
    return counted ?? counters.add(full, by, ttlMs);
  }

  decrement(key: string, by = 1, options: { ttl?: Duration | undefined } = {}): Promise<number> {
    return this.increment(key, -by, options);
  }

  /** Invalidates keys, and ends the counters of that name. */
  async delete(...keys: readonly string[]): Promise<void> {
    const { tiers, counters } = this.#shared;
    const full = keys.map((key) => this.#key(key));
    for (const key of full) counters.delete(key);
    const counting = tiers.shared.find(({ canCount }) => canCount);
    await Promise.all([this.#invalidate(full.map((key) => ({ kind: 'key', key }))), counting?.endCounters(full)]);
  }

  /** Takes the same time however many entries bear the tags. */
  invalidateTags(...tags: readonly string[]): Promise<void> {
    return this.#invalidate(tags.map((tag) => ({ kind: 'tag', tag })));
  }

  /**
   * Invalidates all keys that match; `*` stands for any characters. Cheapest is a pattern with its only star at the end, behind a
   * colon: `orders:42:*`.
   */
  invalidatePattern(...patterns: readonly string[]): Promise<void> {
    return this.#invalidate(patterns.map((pattern) => ofPattern(this.#key(pattern))));
  }

  clear(): Promise<void> {
    return this.#invalidate([this.#prefix === '' ? { kind: 'all' } : { kind: 'prefix', prefix: this.#prefix }]);
  }

  stats(): CacheStats {
    const { tiers, statistics } = this.#shared;
    return statistics.report(tiers);
  }

  /** Tells one more observer of what this cache and all its namespaces do, until the function that it returns is called. */
  observe(observer: CacheObserver): () => void {
    return this.#shared.statistics.observe(observer);
  }

  /** Resolves when all that was loaded so far is stored in all tiers. */
  settled(): Promise<void> {
    return this.#shared.recall.settled();
  }

  /** Ends what is under way, and closes its tiers. */
  async close(): Promise<void> {
    await this.#shared.recall.close();
    await this.#shared.tiers.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #key(key: string): string {
    return this.#prefix === '' ? key : this.#prefix + key;
  }

  #invalidate(what: readonly Invalidation[]): Promise<void> {
    const { tiers, statistics } = this.#shared;
    statistics.invalidated(what);
    return what.length === 0 ? Promise.resolve() : tiers.invalidate(what);
  }

  async #fetch(full: string): Promise<Entry | undefined> {
    const { tiers, statistics } = this.#shared;
    const now = turnTime();
    const held = tiers.peek(full, now);
    if (held && held.freshUntil > now) {
      statistics.hit(full);
      return held;
    }
    const departure = tiers.depart(full);
    try {
      const found = await tiers.fetch(departure);
      const fresh = found && found.entry.freshUntil > Date.now() ? found : undefined;
      if (fresh) statistics.recalled(full, 'tier', fresh.tier);
      else statistics.missed(full);
      return fresh?.entry;
    } finally {
      tiers.arrived(departure);
    }
  }

  /**
   * What is fresh of many keys, in their order.
   * @param stale is given what there is that is not fresh
   */
  async #fetchMany(fullKeys: readonly string[], stale = new Map<string, Entry>()): Promise<(Entry | undefined)[]> {
    const { tiers, statistics } = this.#shared;
    const now = turnTime();
    const found: (Entry | undefined)[] = [];
    const missing: string[] = [];
    for (const key of fullKeys) {
      const entry = tiers.peek(key, now);
      if (entry && entry.freshUntil > now) {
        found.push(entry);
        statistics.hit(key);
      } else {
        found.push(undefined);
        missing.push(key);
        if (entry) stale.set(key, entry);
      }
    }
    if (missing.length === 0) return found;
    const departures = tiers.departAll(missing);
    try {
      const fetched = await tiers.fetchMany(departures, stale);
      let place = -1;
      let index = 0;
      for (const key of missing) {
        place = found.indexOf(undefined, place + 1);
        const there = fetched[index++];
        if (there) {
          found[place] = there.entry;
          statistics.recalled(key, 'tier', there.tier);
        } else {
          statistics.missed(key);
        }
      }
    } finally {
      for (const departure of departures) tiers.arrived(departure);
    }
    return found;
  }

  async #recall<Value>(
    full: string,
    ttl: Ttl<Value>,
    loader: Loader<Value>,
    options: RememberOptions<Value>,
    held: Entry | undefined,
  ): Promise<Value> {
    const { recall, statistics } = this.#shared;
    const recalled = recall.value(full, held, this.#recipe(ttl, loader, options));
    const { value, source, tier } = await (options.signal ? abortable(recalled, options.signal) : recalled);
    statistics.recalled(full, source, tier);
    return value as Value;
  }

  #recipe<Value>(ttl: Ttl<Value>, loader: Loader<Value>, options: RememberOptions<Value>): Recipe {
    const { times } = this.#shared;
    const { tags = [], negativeTtl, staleWhileRevalidate, timeout = {} } = options;
    return {
      load: loader,
      entryOf: (value, loadMs, full) => {
        const positive = typeof ttl === 'function' ? ttl(value as Value, full) : ttl;
        const lives = value === undefined || value === null ? (negativeTtl ?? positive) : positive;
        if (lives === 0) return undefined;
        return times.entry(value, lives, options, typeof tags === 'function' ? tags(value as Value) : tags, loadMs);
      },
      tags: typeof tags === 'function' ? undefined : tags,
      hardMs: timeout.hard === undefined ? hardMs : durationMs('timeout.hard', timeout.hard),
      softMs: staleWhileRevalidate
        ? 0
        : timeout.soft === undefined
          ? undefined
          : durationMs('timeout.soft', timeout.soft),
    };
  }
}

/**
 * A cache of this process's memory, and of the tiers that are given: `redisTier`, `fileTier`, or your own.
 * @example
 * ```ts
 * const cache = createCache({ memory: { maxEntries: 10_000 }, ttl: '10m' });
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function createCache(options: CacheOptions = {}): Cache {
  return Cache.create(options);
}
