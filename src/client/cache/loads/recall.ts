import { messageOf } from '../../../errors.ts';
import type { Entry } from '../entry.ts';
import type { CacheObserver, LoadContext } from '../options.ts';
import type { Lease } from '../tier.ts';
import type { Departure, Fetched, Tiers } from '../tiers.ts';
import { Gathering } from './gathering.ts';
import { soon, within } from './within.ts';

/** What a load needs to know, with all defaults filled in. Times in ms. */
export interface Recipe {
  readonly load: (context: LoadContext) => unknown;
  /** Told that another process loads it. */
  readonly waits?: ((key: string) => void) | undefined;
  /** Makes an entry of what was loaded; `undefined` when it is not to be kept. */
  readonly entryOf: (value: unknown, loadMs: number, key: string) => Entry | undefined;
  /** Where they are known before it is loaded. */
  readonly tags: readonly string[] | undefined;
  readonly hardMs: number;
  /** What is stale is served when the load takes longer; `undefined` when it is waited for. */
  readonly softMs: number | undefined;
}

/** A value, and whether it is one that had gone stale. */
export interface Recalled {
  readonly value: unknown;
  readonly source: 'tier' | 'loader' | 'stale';
  /** The place of the tier that had it, among those beyond memory. */
  readonly tier?: number | undefined;
}

/** How long a process may have the right to load a key to itself: a holder that dies delays nobody for longer. */
const leaseMs = 10_000;
/** How long to wait before looking for what another process loads, where the tier cannot tell; doubles. */
const firstLookMs = 10;
const longestLookMs = 200;
/** After a load that failed what is stale is served for so long before it is tried again. */
const restMs = 1000;

interface Loading {
  readonly departure: Departure;
  readonly value: Promise<Recalled>;
  /** What was stale, once the tiers have been asked. */
  readonly stale: Promise<Entry | undefined>;
}

/** Fetches and loads what memory does not have: each key once at a time, here and, where a tier has leases, among all processes. */
export class Recall {
  readonly #tiers: Tiers;
  readonly #observer: CacheObserver;
  readonly #loading = new Map<string, Loading>();
  readonly #closing = new AbortController();
  /** What is being stored, which nobody waits for. */
  readonly #storing = new Set<Promise<unknown>>();

  constructor(tiers: Tiers, observer: CacheObserver) {
    this.#tiers = tiers;
    this.#observer = observer;
  }

  /** @param held what memory has that is stale */
  async value(key: string, held: Entry | undefined, recipe: Recipe): Promise<Recalled> {
    return this.#answer(this.#join(key, recipe) ?? this.#begin(key, held, recipe), held, recipe);
  }

  /** What is loaded, or what is stale where that takes too long or fails. */
  async #answer(loading: Loading, held: Entry | undefined, recipe: Recipe): Promise<Recalled> {
    const stale = held ?? (await loading.stale);
    if (!stale) return loading.value;
    const old: Recalled = { value: stale.value, source: 'stale' };
    if (recipe.softMs === 0) return old;
    try {
      if (recipe.softMs === undefined) return await loading.value;
      const inTime = await soon(recipe.softMs, loading.value);
      return inTime ? inTime.value : old;
    } catch {
      return old;
    }
  }

  /**
   * Loads keys of which the tiers have nothing that is fresh, by one call for all that nobody loads already, here or elsewhere.
   * @param held what there is of them that is stale
   * @param loadMany gives values by key; what it leaves out is `undefined`
   */
  many(
    keys: readonly string[],
    held: ReadonlyMap<string, Entry>,
    recipe: Recipe,
    loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, unknown>>,
  ): Map<string, Promise<Recalled>> {
    const gathering = new Gathering(
      keys.filter((key) => !this.#join(key, recipe)),
      loadMany,
    );
    const load = ({ key }: LoadContext): Promise<unknown> => gathering.load(key);
    const waits = (key: string): void => gathering.without(key);
    return new Map(
      keys.map((key) => {
        const stale = held.get(key);
        const loading = this.#join(key, recipe) ?? this.#begin(key, stale, { ...recipe, load, waits }, true);
        return [key, this.#answer(loading, stale, recipe)];
      }),
    );
  }

  /** Loads anew, whatever is there. Where nobody waits for it, nobody hears of its failure. */
  refresh(key: string, recipe: Recipe): Promise<Recalled> {
    return (this.#join(key, recipe) ?? this.#begin(key, undefined, recipe, true)).value;
  }

  /** Resolves when what was loaded so far is stored. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#loading.values()].map(({ value }) => value));
    await Promise.allSettled(this.#storing);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the cache is closed'));
    await this.settled();
  }

  /** A load under way, unless something that concerns it was invalidated since it began. */
  #join(key: string, { tags }: Recipe): Loading | undefined {
    const loading = this.#loading.get(key);
    return loading && this.#tiers.isCurrent(loading.departure, tags) ? loading : undefined;
  }

  #begin(key: string, held: Entry | undefined, recipe: Recipe, anew = false): Loading {
    const departure = this.#tiers.depart(key);
    const lookedUp = Promise.withResolvers<Entry | undefined>();
    const value = this.#recall(departure, held, recipe, anew, lookedUp.resolve);
    const loading = { departure, value, stale: lookedUp.promise };
    this.#loading.set(key, loading);
    const end = (): void => {
      lookedUp.resolve(undefined);
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    };
    // Where nobody waits for it, nobody hears of its failure.
    value.then(end, end);
    return loading;
  }

  async #recall(
    departure: Departure,
    held: Entry | undefined,
    recipe: Recipe,
    anew: boolean,
    lookedUp: (stale: Entry | undefined) => void,
  ): Promise<Recalled> {
    let isStored = false;
    try {
      const found = anew ? undefined : await this.#tiers.fetch(departure);
      if (found && found.entry.freshUntil > Date.now()) return fromTier(found);
      const stale = found?.entry ?? held;
      lookedUp(stale);
      const lease = await this.#lease(departure, recipe);
      if (lease !== undefined && 'found' in lease) return fromTier(lease.found);
      try {
        const entry = await this.#load(departure, recipe);
        if (!entry.keep) return { value: entry.value, source: 'loader' };
        isStored = true;
        this.#store(departure, entry.keep, lease);
        return { value: entry.value, source: 'loader' };
      } catch (error) {
        if (stale) void this.#tiers.store(departure, { ...stale, freshUntil: Date.now() + restMs });
        throw error;
      } finally {
        if (!isStored) void lease?.release().catch(() => {});
      }
    } finally {
      if (!isStored) this.#tiers.arrived(departure);
    }
  }

  #store(departure: Departure, entry: Entry, lease: Lease | undefined): void {
    const storing = this.#tiers.store(departure, entry).finally(() => {
      this.#tiers.arrived(departure);
      this.#storing.delete(storing);
      return lease?.release().catch(() => {});
    });
    this.#storing.add(storing);
  }

  async #load({ key }: Departure, recipe: Recipe): Promise<{ value: unknown; keep: Entry | undefined }> {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, this.#closing.signal]);
    const began = performance.now();
    let failure: Error | undefined;
    try {
      const work = Promise.resolve(recipe.load({ key, signal }));
      const value = await within(recipe.hardMs, key, controller, work);
      return { value, keep: recipe.entryOf(value, performance.now() - began, key) };
    } catch (error) {
      failure = error instanceof Error ? error : new Error(messageOf(error));
      throw error;
    } finally {
      this.#observer.loaded?.(key, performance.now() - began, failure);
    }
  }

  /** The right to load, or what another process has loaded meanwhile; nothing where it has to be done without. */
  async #lease(
    departure: Departure,
    { waits }: Recipe,
  ): Promise<Lease | { found: Fetched; release(): Promise<void> } | undefined> {
    const tier = this.#tiers.shared.find(({ canLease }) => canLease);
    if (!tier) return undefined;
    const giveUpAt = Date.now() + leaseMs;
    for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 2, longestLookMs)) {
      const lease = await tier.lease(departure.key, leaseMs);
      if (lease !== 'taken') return lease;
      waits?.(departure.key);
      const leftMs = giveUpAt - Date.now();
      if (leftMs <= 0) return undefined;
      await tier.waitFor(departure.key, leftMs, pauseMs);
      const found = await this.#tiers.fetch(departure);
      if (found && found.entry.freshUntil > Date.now()) return { found, release: async () => {} };
    }
  }
}

function fromTier({ entry, tier }: Fetched): Recalled {
  return { value: entry.value, source: 'tier', tier };
}
