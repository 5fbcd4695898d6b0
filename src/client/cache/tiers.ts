import type { Entry } from './entry.ts';
import { Fence } from './fences/fence.ts';
import { GuardedTier } from './guarded-tier.ts';
import type { Invalidation } from './invalidation.ts';
import { type Flight, Flights } from './loads/flights.ts';
import { MemoryTier } from './memory/memory-tier.ts';
import type { CacheObserver, CacheOptions } from './options.ts';
import type { Heard, Position } from './tier.ts';

/** Where everything stood when a value began to be fetched or loaded: nothing that was invalidated since is kept. */
export interface Departure {
  readonly key: string;
  readonly since: number;
  /** The same for what tiers give: from before all that they were being told of when they were asked. */
  readonly givenSince: number;
  /** Tiers were being told that the key is void. */
  readonly isKeyVoid: boolean;
  /** Of the tiers, in their order. */
  readonly positions: readonly Position[];
  readonly flight: Flight;
}

/** What a tier had, and which one: its place among those beyond memory. */
export interface Fetched {
  readonly entry: Entry;
  readonly tier: number;
}

/** How often a tier was looked into, while it could be reached. */
export interface Lookups {
  count: number;
  /** Of which found nothing that was fresh. */
  misses: number;
  totalMs: number;
}

const untracked: Flight = { overtaken: undefined };
/** Entries that are put somewhere at once. */
const mostAtOnce = 500;

/** All tiers of a cache as one, memory first. */
export class Tiers {
  readonly #fence = new Fence();
  readonly #memory: MemoryTier | undefined;
  readonly #tiers: readonly GuardedTier[];
  readonly #flights = new Flights();
  /** Of what tiers are being told: where the fence was before it, in the order in which it began; and keys, with how often. */
  readonly #telling = new Set<{ readonly since: number }>();
  readonly #voiding = new Map<string, number>();
  readonly #observer: CacheObserver;
  readonly #lookups: Lookups[];

  constructor({ memory = {}, tiers = [], observer = {} }: CacheOptions) {
    this.#observer = observer;
    this.#memory = memory === false ? undefined : new MemoryTier(memory, this.#fence);
    this.#tiers = tiers.map((tier, index) => {
      tier.onHeard((heard) => this.#heard(index, heard));
      return new GuardedTier(tier, (error) => observer.tier?.(tier.name, error));
    });
    this.#lookups = this.#tiers.map(() => ({ count: 0, misses: 0, totalMs: 0 }));
  }

  /** Those beyond this process's memory. */
  get shared(): readonly GuardedTier[] {
    return this.#tiers;
  }

  /** Of the tiers beyond memory, in their order. */
  get lookups(): readonly Lookups[] {
    return this.#lookups;
  }

  /** What this process's memory has, fresh or not. */
  peek(key: string, now: number): Entry | undefined {
    return this.#memory?.get(key, now);
  }

  memoryStats() {
    return this.#memory?.stats();
  }

  depart(key: string): Departure {
    const positions = this.#tiers.map((tier) => tier.position());
    return this.#departure(key, positions, this.#flights.begin(key));
  }

  /** For keys that are only looked for, all at once: with a single tier nothing of them is kept anywhere else. */
  departAll(keys: readonly string[]): Departure[] {
    const positions = this.#tiers.map((tier) => tier.position());
    const isKept = this.#memory !== undefined || this.#tiers.length > 1;
    return keys.map((key) => this.#departure(key, positions, isKept ? this.#flights.begin(key) : untracked));
  }

  arrived({ key, flight }: Departure): void {
    if (flight !== untracked) this.#flights.end(key, flight);
  }

  /** Whether what departed then is still wanted. Where its tags are not known yet, whatever was invalidated since may concern it. */
  isCurrent({ key, since, flight }: Departure, tags: readonly string[] | undefined): boolean {
    if (flight.overtaken) return false;
    return tags === undefined ? since === this.#fence.now : !this.#fence.isVoid(key, tags, since);
  }

  /** The first fresh entry of the tiers, which those before it are given as well; else the last stale one. */
  async fetch(departure: Departure): Promise<Fetched | undefined> {
    let stale: Fetched | undefined;
    for (const [index, tier] of this.#tiers.entries()) {
      const began = performance.now();
      const entry = await tier.get(departure.key);
      const now = Date.now();
      const isFound = entry !== undefined && entry.keptUntil > now && !this.#isVoid(departure, entry);
      const isFresh = isFound && entry.freshUntil > now;
      this.#looked(index, began, 1, isFresh ? 0 : 1);
      if (!isFound) continue;
      if (isFresh) {
        this.#giveBack(departure, entry, index);
        return { entry, tier: index };
      }
      if (!stale || stale.entry.createdAt < entry.createdAt) stale = { entry, tier: index };
    }
    return stale;
  }

  /**
   * As `fetch`, of many keys in one round trip per tier; in their order.
   * @param stale is given what there is that is not fresh
   */
  async fetchMany(departures: readonly Departure[], stale: Map<string, Entry>): Promise<(Fetched | undefined)[]> {
    const found: (Fetched | undefined)[] = departures.map(() => undefined);
    let missing: readonly Departure[] = departures;
    /** Their places. */
    let places = departures.map((_, place) => place);
    for (const [index, tier] of this.#tiers.entries()) {
      if (missing.length === 0) break;
      const began = performance.now();
      const asked = missing.length;
      const entries = await tier.getMany(missing.map(({ key }) => key));
      const now = Date.now();
      const left: Departure[] = [];
      const leftPlaces: number[] = [];
      let next = 0;
      for (const departure of missing) {
        const { key } = departure;
        const place = places[next++] as number;
        const entry = entries.get(key);
        const isFound = entry !== undefined && entry.keptUntil > now && !this.#isVoid(departure, entry);
        if (isFound && entry.freshUntil > now) {
          if (stale.size > 0) stale.delete(key);
          found[place] = { entry, tier: index };
          this.#giveBack(departure, entry, index);
          continue;
        }
        if (isFound && (stale.get(key)?.createdAt ?? 0) < entry.createdAt) stale.set(key, entry);
        left.push(departure);
        leftPlaces.push(place);
      }
      missing = left;
      places = leftPlaces;
      this.#looked(index, began, asked, missing.length);
    }
    return found;
  }

  /** Keeps an entry everywhere, unless something that concerns it was invalidated since it departed. Resolves when all tiers know. */
  async store(departure: Departure, entry: Entry): Promise<boolean> {
    const kept = await this.#keep(departure, entry, this.#tiers.length);
    if (!kept) this.#observer.refused?.(departure.key);
    return kept;
  }

  /** Puts entries in the place of whatever is there or on its way, here and in other processes. */
  async replace(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const flights = new Map<string, Flight>();
    for (const [key, entry] of entries) {
      this.#flights.overtake(key, 'here');
      this.#memory?.set(key, entry, this.#fence.now);
      if (this.#tiers.length > 0) flights.set(key, this.#flights.begin(key));
    }
    const all = [...entries];
    // Of what is invalidated at once the tiers can tell when that was.
    for (let at = 0; at < flights.size; at += mostAtOnce) await this.#replace(all.slice(at, at + mostAtOnce), flights);
    for (const [key, flight] of flights) this.#flights.end(key, flight);
  }

  async #replace(entries: readonly (readonly [string, Entry])[], flights: ReadonlyMap<string, Flight>): Promise<void> {
    const keys = entries.map(([key]) => ({ kind: 'key' as const, key }));
    await this.#tell(this.#tiers, keys, this.#fence.now, async (tier) => {
      const position = await tier.invalidate(keys);
      const isFirst = tier === this.#tiers[0];
      // What others set goes by the order of the first tier; those behind it must not keep what they do not know to be the last.
      const left = entries.filter(([key]) => {
        const by = flights.get(key)?.overtaken;
        return by === undefined || (isFirst && by === 'elsewhere');
      });
      if (left.length > 0) await tier.setMany(new Map(left), position ?? tier.position());
    });
  }

  /** Resolves when no process is given any of it any more. */
  async invalidate(what: readonly Invalidation[]): Promise<void> {
    this.#observer.invalidated?.(what.length, what);
    await this.#void(what, 'here', this.#tiers);
  }

  async close(): Promise<void> {
    await Promise.all(this.#tiers.map((tier) => tier.close()));
  }

  #looked(index: number, began: number, keys: number, misses: number): void {
    const lookups = this.#lookups[index];
    if (!lookups || this.#tiers[index]?.isAway) return;
    lookups.count += keys;
    lookups.misses += misses;
    lookups.totalMs += performance.now() - began;
  }

  /** Gives what a tier had to memory and the tiers before it; nobody waits for that. */
  #giveBack(departure: Departure, entry: Entry, tier: number): void {
    if (tier > 0) void this.#keep(departure, entry, tier);
    else if (this.#memory && this.isCurrent(departure, entry.tags)) {
      this.#memory.set(departure.key, entry, departure.since);
    }
  }

  /** Keeps an entry in memory and in the tiers before one. */
  async #keep(departure: Departure, entry: Entry, before: number): Promise<boolean> {
    const { key, since, positions } = departure;
    if (!this.isCurrent(departure, entry.tags)) return false;
    if (this.#memory && !this.#memory.set(key, entry, since)) return false;
    const kept = await Promise.all(
      this.#tiers.slice(0, before).map((tier, index) => tier.set(key, entry, positions[index] as Position)),
    );
    // A tier that refuses knows of something that this process has not heard of yet.
    const refused = kept.some((each, index) => !each && !this.#tiers[index]?.isAway);
    if (refused) this.#memory?.delete(key);
    return !refused;
  }

  #departure(key: string, positions: readonly Position[], flight: Flight): Departure {
    const since = this.#fence.now;
    const [oldest] = this.#telling.size > 0 ? this.#telling : [];
    return { key, since, givenSince: oldest?.since ?? since, isKeyVoid: this.#voiding.has(key), positions, flight };
  }

  /**
   * Whether a tier has given what it was being told is void when it was asked. Nobody is given that, lest it come to be kept where
   * it was void already.
   */
  #isVoid({ key, since, givenSince, isKeyVoid }: Departure, { tags }: Entry): boolean {
    return isKeyVoid || (givenSince !== since && this.#fence.isVoid(key, tags, givenSince));
  }

  /** Lets go of it here, and has tiers do so. */
  async #void(heard: Heard, by: 'here' | 'elsewhere', tiers: readonly GuardedTier[]): Promise<void> {
    const since = this.#fence.now;
    if (heard === 'unknown') {
      this.#fence.heard(heard);
      this.#memory?.clear();
    } else {
      this.#forget(heard, by);
    }
    const what: readonly Invalidation[] = heard === 'unknown' ? [{ kind: 'all' }] : heard;
    await this.#tell(tiers, what, since, (tier) => tier.invalidate(what));
  }

  /** @param since where the fence was before */
  async #tell(
    tiers: readonly GuardedTier[],
    what: readonly Invalidation[],
    since: number,
    told: (tier: GuardedTier) => Promise<unknown>,
  ): Promise<void> {
    if (tiers.length === 0) return;
    const telling = { since };
    const keys = what.flatMap((each) => (each.kind === 'key' ? [each.key] : []));
    this.#telling.add(telling);
    for (const key of keys) this.#voiding.set(key, (this.#voiding.get(key) ?? 0) + 1);
    await Promise.all(tiers.map(told));
    this.#telling.delete(telling);
    for (const key of keys) {
      const others = (this.#voiding.get(key) ?? 0) - 1;
      if (others > 0) this.#voiding.set(key, others);
      else this.#voiding.delete(key);
    }
  }

  #forget(what: readonly Invalidation[], by: 'here' | 'elsewhere'): void {
    this.#fence.raise(what);
    for (const each of what) {
      if (each.kind === 'key') {
        this.#flights.overtake(each.key, by);
        this.#memory?.delete(each.key);
      } else if (each.kind === 'all') {
        this.#memory?.clear();
      }
    }
  }

  #heard(from: number, heard: Heard): void {
    // Tiers further away may be this machine's own, of which other machines know nothing. Notes are for those who share this one.
    const what = heard === 'unknown' ? heard : heard.filter(({ kind }) => kind !== 'note');
    if (what === 'unknown' || what.length > 0) void this.#void(what, 'elsewhere', this.#tiers.slice(from + 1));
  }
}
