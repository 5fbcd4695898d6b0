import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createCache } from '../../index.ts';
import { adaptiveTtl } from './adaptive.ts';
import { changeRate, type Observation } from './change-rate.ts';
import { ttlPresets } from './presets.ts';

/** The same numbers from 0 to 1 each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('the rate of changes', () => {
  test('at regular times is what the regular estimator says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16 }),
        fc.nat(16),
        fc.integer({ min: 1, max: 1e7 }),
        (looks, some, tookMs) => {
          const changes = Math.min(some, looks);
          const observations = Array.from({ length: looks }, (_, i) => ({ tookMs, changed: i < changes }));
          const expected = -Math.log((looks - changes + 0.5) / (looks + 0.5)) / tookMs;
          expect(changeRate(observations) * tookMs).toBeCloseTo(expected * tookMs, 9);
        },
      ),
    );
  });

  test.each([1e-6, 1e-4, 1e-2])('of %f at irregular times is found again from what happens at random', (rate) => {
    const next = random(1);
    const observations: Observation[] = Array.from({ length: 5000 }, () => {
      const tookMs = (0.1 + 2 * next()) / rate;
      return { tookMs, changed: next() < -Math.expm1(-rate * tookMs) };
    });
    expect(Math.abs(changeRate(observations) / rate - 1)).toBeLessThan(0.1);
    // A few of them, as are kept, are right in the mean: not more than the small sample's error to one side.
    const few = Array.from({ length: 312 }, (_, i) => changeRate(observations.slice(i * 16, i * 16 + 16)) / rate);
    expect(Math.abs(few.reduce((sum, each) => sum + each, 0) / few.length - 1)).toBeLessThan(0.1);
  });

  test('is never infinite, negative or less for more changes', () => {
    const observation = fc.record({ tookMs: fc.double({ min: 1e-3, max: 1e12, noNaN: true }), changed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(observation, { minLength: 1, maxLength: 16 }), (observations) => {
        const rate = changeRate(observations);
        const all = changeRate(observations.map(({ tookMs }) => ({ tookMs, changed: true })));
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(all).toBeLessThan(Infinity);
        expect(all * (1 + 1e-9)).toBeGreaterThanOrEqual(rate);
      }),
    );
  });
});

describe('an adaptive time to live', () => {
  /** Loads one value after another, at least a ms apart; how long it takes is not known. */
  async function reloads(
    cache: ReturnType<typeof createCache>,
    key: string,
    ttl: (value: unknown, key: string) => number,
    values: unknown[],
  ) {
    for (const value of values) {
      const before = Date.now();
      await vi.waitUntil(() => Date.now() > before, { interval: 1 });
      await cache.refresh(key, ttl, () => value);
    }
  }

  test('is short for what is found changed, and long for what is not', async () => {
    await using cache = createCache();
    const users = cache.namespace('users');
    const adaptive = adaptiveTtl(users, { min: '2m', max: '1h', initial: '10m' });
    await reloads(users, 'moves', adaptive.ttl, [1, 2, 3, 4, 5]);
    await reloads(users, 'rests', adaptive.ttl, [{ a: 1 }, { a: 1 }, { a: 1 }, { a: 1 }]);
    await reloads(users, 'new', adaptive.ttl, [1, 1]);
    expect(adaptive.explain('moves')).toMatchObject({ ttlMs: 120_000, reloads: 4, changes: 4 });
    expect(adaptive.explain('rests')).toMatchObject({ ttlMs: 3_600_000, reloads: 3, changes: 0, changesPerHour: 0 });
    expect(adaptive.explain('new')).toMatchObject({ ttlMs: 600_000, reloads: 1, changesPerHour: undefined });
    expect(adaptive.explain('moves').because).toMatch(
      /^4 of its last 4 reloads found another value: about .* changes an hour\./,
    );
    expect(adaptive.explain('unknown')).toMatchObject({ ttlMs: 600_000, reloads: 0 });
    // No more than the last 16 count: what has calmed down is believed again.
    await reloads(
      users,
      'moves',
      adaptive.ttl,
      Array.from({ length: 16 }, () => 5),
    );
    expect(adaptive.explain('moves')).toMatchObject({ ttlMs: 3_600_000, reloads: 16, changes: 0 });
  });

  test('lies between the limits by the share that may have changed', async () => {
    await using cache = createCache();
    const [often, seldom] = [0.5, 0.01].map((changed) => adaptiveTtl(cache, { min: 0, max: '10y', changed }));
    const values = [1, 1, 2, 2, 2, 3];
    await reloads(
      cache,
      'key',
      (value, key) => Math.max(often?.ttl(value, key) ?? 0, seldom?.ttl(value, key) ?? 0),
      values,
    );
    const [long, short] = [often?.explain('key'), seldom?.explain('key')];
    const rate = (long?.changesPerHour ?? 0) / 3_600_000;
    // By the definition of the share.
    expect(1 - Math.exp(-rate * (long?.ttlMs ?? 0))).toBeCloseTo(0.5, 6);
    expect(short?.ttlMs).toBeLessThan(long?.ttlMs ?? 0);
  });

  test('goes by versions where values have one, and believes nothing of what cannot be compared', async () => {
    await using cache = createCache();
    const versioned = adaptiveTtl<{ version: number }>(cache, { version: ({ version }) => version });
    const plain = adaptiveTtl(cache);
    const values = [1, 1, 1, 1].map((version, i) => ({ version, other: i, method: () => i }));
    await reloads(cache, 'key', (value, key) => versioned.ttl(value as { version: number }, key), values);
    await reloads(cache, 'other', plain.ttl, values);
    expect(versioned.explain('key')).toMatchObject({ reloads: 3, changes: 0 });
    expect(plain.explain('other')).toMatchObject({ reloads: 0 });
  });

  test('knows from an invalidation when the change was', async () => {
    await using cache = createCache();
    const adaptive = adaptiveTtl(cache, { min: 1, max: '10y' });
    await cache.refresh('key', adaptive.ttl, () => 0);
    const loaded = Date.now();
    await vi.waitUntil(() => Date.now() > loaded, { interval: 1 });
    await cache.delete('key');
    const invalidated = Date.now();
    await vi.waitUntil(() => Date.now() > invalidated + 30, { interval: 1 });
    await cache.refresh('key', adaptive.ttl, () => 1);
    adaptive.stop();
    expect(adaptive.explain('key')).toMatchObject({ reloads: 1, changes: 1 });
  });

  test('remembers no more keys than it may', async () => {
    await using cache = createCache();
    const adaptive = adaptiveTtl(cache, { maxKeys: 2 });
    for (const key of ['a', 'b', 'c']) await reloads(cache, key, adaptive.ttl, [1, 2]);
    expect(['a', 'b', 'c'].map((key) => adaptive.explain(key).reloads)).toEqual([0, 1, 1]);
  });

  test.each([{ min: '1h', max: '1m' }, { changed: 1 }, { min: 'soon' }])('%o is refused', async (options) => {
    await using cache = createCache();
    expect(() => adaptiveTtl(cache, options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });
});

test('presets may be replaced one by one', () => {
  const usual = ttlPresets();
  expect(usual).toMatchObject({
    search: 180_000,
    list: 300_000,
    record: 600_000,
    aggregate: 1_800_000,
    reference: 3_600_000,
  });
  expect(ttlPresets({ record: '15m' })).toEqual({ ...usual, record: '15m' });
});
