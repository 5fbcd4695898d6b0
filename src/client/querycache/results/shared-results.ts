import { PitcrewError } from '../../../errors.ts';
import type { CacheTier, Invalidation, Position, TierSize } from '../../cache/index.ts';
import { GuardedTier } from '../../cache/guarded-tier.ts';
import type { RawResult } from '../../pool/index.ts';
import { Snapshot } from '../fence/index.ts';
import { invalidationsOf, tagsOf, writeNote } from '../feed/notes.ts';
import type { SharedFeed } from '../feed/shared-feed.ts';
import type { Keyed } from '../plans.ts';
import type { KeptResult } from './result-memory.ts';

/** What a tier has kept of a result. */
interface StoredResult {
  readonly raw: RawResult;
  readonly snapshot: string;
}

/** As it was found. */
export interface SharedResult extends KeptResult {
  readonly snapshot: Snapshot;
}

/** Results that several processes share. When their tier is away there are none. */
export class SharedResults {
  readonly #tier: GuardedTier;
  readonly #sharedTier: CacheTier;
  readonly #database: string;
  readonly #feed: SharedFeed;
  readonly #storing = new Set<Promise<unknown>>();
  #unreadable = 0;

  constructor(tier: CacheTier, database: string, feed: SharedFeed) {
    this.#tier = new GuardedTier(tier, () => {});
    this.#sharedTier = tier;
    this.#database = database;
    this.#feed = feed;
  }

  /** See `SharedFeed.sharedMark`. */
  get sharedMark(): number | undefined {
    return this.#tier.isAway ? undefined : this.#feed.sharedMark;
  }

  /** To be asked for before a load begins. */
  position(): Position {
    return this.#tier.position();
  }

  async get(key: string): Promise<SharedResult | undefined> {
    const entry = await this.#tier.get(this.#key(key));
    if (!entry) return undefined;
    const { createdAt, keptUntil } = entry;
    try {
      const { raw, snapshot } = entry.value as StoredResult;
      if (Array.isArray(raw.rows) && Array.isArray(raw.fields)) {
        return { raw, createdAt, keptUntil, snapshot: Snapshot.parse(snapshot) };
      }
    } catch {
      // Something else has written it.
    }
    this.#unreadable += 1;
    return undefined;
  }

  /** Nobody waits for it. */
  set({ key, dependencies }: Keyed, result: KeptResult, snapshot: Snapshot, position: Position): void {
    const { raw, createdAt, keptUntil } = result;
    const value: StoredResult = { raw, snapshot: snapshot.toString() };
    const tags = dependencies.flatMap(({ table, keys }) => tagsOf(this.#database, table, keys));
    const entry = { value, createdAt, freshUntil: keptUntil, keptUntil, tags, loadMs: 0 };
    const storing = this.#tier.set(this.#key(key), entry, position).finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
  }

  invalidate(tables: ReadonlySet<number>): Promise<void> {
    const what = invalidationsOf(this.#database, new Map([...tables].map((oid) => [oid, 'all'])));
    return this.#giveUp([...tables], what);
  }

  clear(): Promise<void> {
    return this.#giveUp('all', [{ kind: 'prefix', prefix: `${this.#database}:results:` }]);
  }

  /** Ends the tier, after what was to be stored so far is. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#storing);
    await this.#tier.close();
  }

  stats(): TierSize & { name: string; isAway: boolean } {
    const { name, isAway } = this.#tier;
    const stats = this.#tier.stats();
    return { name, isAway, ...stats, unreadable: stats.unreadable + this.#unreadable };
  }

  /** In this tier, and in the memory of all who share it. */
  async #giveUp(oids: readonly number[] | 'all', what: readonly Invalidation[]): Promise<void> {
    const text = writeNote(this.#database, { kind: 'given up', oids });
    try {
      await this.#sharedTier.invalidate([{ kind: 'note', text }, ...what]);
    } catch (error) {
      // It is told when it is back; but others keep in their memory what they have.
      await this.#tier.invalidate(what);
      throw new PitcrewError('E_CACHE_TIER', 'the tier that other processes share cannot be told', {
        detail:
          'Results were given up in this process, and will be in the tier when it is back; other processes keep theirs.',
        hint: 'Try again when it can be reached.',
        cause: error,
      });
    }
  }

  #key(key: string): string {
    return `${this.#database}:results:${key}`;
  }
}
