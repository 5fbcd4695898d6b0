import { setTimeout as delay } from 'node:timers/promises';
import type { Entry } from './entry.ts';
import type { Invalidation } from './invalidation.ts';
import type { CacheTier, Lease, Position } from './tier.ts';

/** After a failure a tier is left alone for so long; twice as long after each one that follows, up to the limit. */
const firstRestMs = 500;
const longestRestMs = 5000;
/** Invalidations that a tier could not take are kept for it; when there are more, all that it holds is invalidated. */
const mostPending = 10_000;

/**
 * A tier that may be away: then it holds nothing, and costs nothing. What was invalidated meanwhile is told to it before anything
 * of it is used again; notes are not, which are for those who listen now. Never rejects.
 */
export class GuardedTier {
  readonly #tier: CacheTier;
  readonly #changed: (error: Error | undefined) => void;
  #pending: Invalidation[] = [];
  #restMs = 0;
  #restsUntil = 0;
  #returning: Promise<boolean> | undefined;
  #trying: NodeJS.Timeout | undefined;

  /** @param changed told when it goes away, with the error, and when it has returned */
  constructor(tier: CacheTier, changed: (error: Error | undefined) => void) {
    this.#tier = tier;
    this.#changed = changed;
  }

  get name(): string {
    return this.#tier.name;
  }

  get isAway(): boolean {
    return this.#restMs > 0;
  }

  get canLease(): boolean {
    return this.#tier.lease !== undefined;
  }

  get canCount(): boolean {
    return this.#tier.increment !== undefined;
  }

  stats() {
    return this.#tier.stats();
  }

  position(): Position {
    return this.#tier.position();
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#run(() => this.#tier.get(key), undefined);
  }

  getMany(keys: readonly string[]): Promise<Map<string, Entry>> {
    return this.#run(() => this.#tier.getMany(keys), new Map<string, Entry>());
  }

  set(key: string, entry: Entry, position: Position): Promise<boolean> {
    return this.#run(() => this.#tier.set(key, entry, position), false);
  }

  setMany(entries: ReadonlyMap<string, Entry>, position: Position): Promise<void> {
    return this.#run(() => this.#tier.setMany(entries, position), undefined);
  }

  increment(key: string, by: number, ttlMs: number): Promise<number | undefined> {
    return this.#run<number | undefined>(async () => this.#tier.increment?.(key, by, ttlMs), undefined);
  }

  endCounters(keys: readonly string[]): Promise<void> {
    return this.#run(async () => this.#tier.endCounters?.(keys), undefined);
  }

  /** The lease; `'taken'` while another process has it, `undefined` where there are none. */
  lease(key: string, ttlMs: number): Promise<Lease | 'taken' | undefined> {
    const { lease } = this.#tier;
    if (!lease) return Promise.resolve(undefined);
    return this.#run<Lease | 'taken' | undefined>(
      async () => (await lease.call(this.#tier, key, ttlMs)) ?? 'taken',
      undefined,
    );
  }

  /** Waits until a lease that was refused is over, for so many ms at most, or a pause where the tier cannot tell. */
  async waitFor(key: string, ms: number, pauseMs: number): Promise<void> {
    const { waitFor } = this.#tier;
    if (waitFor) await this.#run<unknown>(() => waitFor.call(this.#tier, key, ms), undefined);
    else await delay(Math.min(pauseMs, ms));
  }

  /** Resolves when the tier has it, with its position where the tier says so, or it is kept for the tier's return. */
  async invalidate(what: readonly Invalidation[]): Promise<Position | undefined> {
    // Kept for its return it would hold that up, where something is invalidated all the time.
    if (this.#returning) await this.#returning;
    if (!this.isAway) {
      try {
        return (await this.#tier.invalidate(what)) ?? undefined;
      } catch (error) {
        this.#failed(error);
      }
    }
    for (const each of what) if (each.kind !== 'note') this.#pending.push(each);
    this.#pending = bounded(this.#pending);
    return undefined;
  }

  async close(): Promise<void> {
    clearTimeout(this.#trying);
    await this.#tier.close().catch(() => {});
  }

  async #run<Result>(work: () => Promise<Result>, otherwise: Result): Promise<Result> {
    if (this.isAway && !(await this.#isBack())) return otherwise;
    try {
      return await work();
    } catch (error) {
      this.#failed(error);
      return otherwise;
    }
  }

  /** Whether the tier can be used again; asked once at a time, and not before it has rested. */
  #isBack(): Promise<boolean> | boolean {
    if (Date.now() < this.#restsUntil) return false;
    // Whoever comes while one of them tries does without.
    if (this.#returning) return false;
    this.#returning = this.#return().finally(() => {
      this.#returning = undefined;
    });
    return this.#returning;
  }

  async #return(): Promise<boolean> {
    do {
      const told = this.#pending;
      this.#pending = [];
      try {
        await this.#tier.invalidate(told);
      } catch (error) {
        this.#pending = bounded([...told, ...this.#pending]);
        this.#failed(error);
        return false;
      }
      // Of calls from before that have failed meanwhile.
    } while (this.#pending.length > 0);
    this.#restMs = 0;
    this.#changed(undefined);
    return true;
  }

  #failed(error: unknown): void {
    const isNews = this.#restMs === 0;
    this.#restMs = Math.min(Math.max(this.#restMs * 2, firstRestMs), longestRestMs);
    this.#restsUntil = Date.now() + this.#restMs;
    // Other processes may use it again before this one does, and must not find there what was invalidated here.
    clearTimeout(this.#trying);
    this.#trying = setTimeout(() => void this.#isBack(), this.#restMs + 1).unref();
    if (isNews) this.#changed(error instanceof Error ? error : new Error(String(error)));
  }
}

function bounded(pending: Invalidation[]): Invalidation[] {
  return pending.length > mostPending ? [{ kind: 'all' }] : pending;
}
