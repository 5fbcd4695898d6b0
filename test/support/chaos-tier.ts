import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { CacheTier, Position } from '../../src/client/cache/index.ts';

/** Promises that a tier may fail to keep, which checkers must notice. */
export type TierFault =
  /** Positions are asked for when a value comes, not before it was loaded. */
  | 'keeps what is late'
  /** Nobody hears of what others invalidate. */
  | 'tells nobody'
  /** Tags are not invalidated. */
  | 'forgets tags';

export interface Chaos {
  /** How long a call may be held up on its way there, and its answer on its way back, in ms: nothing to so much, at random. */
  readonly mostMs: number;
  readonly fault?: TierFault | undefined;
}

/** The same tier, each call of which takes a way of its own: what a network or a busy machine may do, and a tier must bear. */
export function chaosTier(tier: CacheTier, { mostMs, fault }: Chaos): CacheTier {
  const pause = async (): Promise<void> => {
    const kind = Math.random();
    if (kind < 0.3) return;
    if (kind < 0.6) await turn();
    else await delay(Math.random() * mostMs);
  };
  const through = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await pause();
    const result = await work();
    await pause();
    return result;
  };
  const since = (position: Position): Position => (fault === 'keeps what is late' ? tier.position() : position);
  const { increment, endCounters, lease, waitFor } = tier;
  return {
    name: tier.name,
    position: () => tier.position(),
    get: (key) => through(() => tier.get(key)),
    getMany: (keys) => through(() => tier.getMany(keys)),
    set: (key, entry, position) => through(() => tier.set(key, entry, since(position))),
    setMany: (entries, position) => through(() => tier.setMany(entries, since(position))),
    invalidate: (what) =>
      through(() => tier.invalidate(fault === 'forgets tags' ? what.filter(({ kind }) => kind !== 'tag') : what)),
    ...(increment && { increment: (key, by, ttlMs) => through(() => increment.call(tier, key, by, ttlMs)) }),
    ...(endCounters && { endCounters: (keys) => through(() => endCounters.call(tier, keys)) }),
    ...(lease && { lease: (key, ttlMs) => through(() => lease.call(tier, key, ttlMs)) }),
    ...(waitFor && { waitFor: (key, ms) => waitFor.call(tier, key, ms) }),
    onHeard: (listener) => tier.onHeard(fault === 'tells nobody' ? () => {} : listener),
    stats: () => tier.stats(),
    close: () => tier.close(),
  };
}
