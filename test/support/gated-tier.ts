import type { CacheTier, Invalidation } from '../../src/client/cache/index.ts';

export interface GatedTier {
  readonly tier: CacheTier;
  /** What the tier was told is void, in the order in which it was. */
  readonly told: readonly Invalidation[];
  /** Holds up whatever it is told is void from now on, until `release` is called; `reached` resolves when there is something. */
  hold(): { reached: Promise<void>; release(): void };
  /** All calls are rejected, until it is mended. */
  breakDown(): void;
  mend(): void;
}

/** The same tier, which can be held up at just the wrong moment. */
export function gatedTier(tier: CacheTier): GatedTier {
  let gate = Promise.resolve();
  let reachedGate = (): void => {};
  let isBroken = false;
  const told: Invalidation[] = [];
  const reach = (): void => {
    if (isBroken) throw new Error('broken down');
  };
  return {
    told,
    tier: {
      name: tier.name,
      position: () => tier.position(),
      async get(key) {
        reach();
        return tier.get(key);
      },
      async getMany(keys) {
        reach();
        return tier.getMany(keys);
      },
      async set(key, entry, position) {
        reach();
        return tier.set(key, entry, position);
      },
      async setMany(entries, position) {
        reach();
        return tier.setMany(entries, position);
      },
      async invalidate(what) {
        reachedGate();
        await gate;
        reach();
        told.push(...what);
        return tier.invalidate(what);
      },
      onHeard: (listener) => tier.onHeard(listener),
      stats: () => tier.stats(),
      close: () => tier.close(),
    },
    hold() {
      const { promise, resolve: release } = Promise.withResolvers<void>();
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      gate = promise;
      reachedGate = resolve;
      return { reached, release };
    },
    breakDown() {
      isBroken = true;
    },
    mend() {
      isBroken = false;
    },
  };
}
