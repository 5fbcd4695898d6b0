import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCache } from '../../index.ts';
import { SpaceSaving } from './space-saving.ts';
import { createTopKeys } from './top-keys.ts';

describe('the most frequent items', () => {
  const streams = fc.array(fc.tuple(fc.constantFrom(...'abcdefghij'), fc.integer({ min: 1, max: 5 })), {
    maxLength: 200,
  });

  test('are never counted too low, nor too high by more than is said', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 12 }), (stream, capacity) => {
        const exact = new Map<string, number>();
        const sketch = new SpaceSaving(capacity);
        for (const [item, times] of stream) {
          exact.set(item, (exact.get(item) ?? 0) + times);
          sketch.add(item, times);
        }
        const total = stream.reduce((sum, [, times]) => sum + times, 0);
        const top = sketch.top();
        expect(top.length).toBe(Math.min(capacity, exact.size));
        for (const { item, count, error } of top) {
          expect(count).toBeGreaterThanOrEqual(exact.get(item) ?? Infinity);
          expect(count - error).toBeLessThanOrEqual(exact.get(item) ?? 0);
          expect(error).toBeLessThanOrEqual(total / capacity);
        }
        expect(top.map(({ count }) => count)).toEqual(top.map(({ count }) => count).toSorted((a, b) => b - a));
        // None that is frequent is missed.
        const found = new Set(top.map(({ item }) => item));
        for (const [item, times] of exact) if (times > total / capacity) expect(found).toContain(item);
      }),
    );
  });
});

async function ask(cache: ReturnType<typeof createCache>, times: Record<string, number>): Promise<void> {
  for (const [key, count] of Object.entries(times)) {
    for (let i = 0; i < count; i++) await cache.remember(key, '1m', () => key);
  }
}

test('keys are counted as they are asked for', async () => {
  await using cache = createCache();
  const orders = cache.namespace('shop');
  await using all = createTopKeys(orders, { prefix: 'order:' });
  await using few = createTopKeys(orders, { name: 'few', capacity: 2 });
  await ask(orders, { 'order:1': 2000, 'order:2': 500, 'order:3': 1, 'user:1': 3000 });
  await ask(cache, { 'order:9': 5000 });
  const top = await all.current();
  expect(top.map(({ key }) => key)).toEqual(['order:1', 'order:2', 'order:3']);
  // A sample of one in eight in the mean.
  expect(top[0]?.count).toBeGreaterThan(1500);
  expect(top[0]?.count).toBeLessThan(2500);
  expect((await few.current(1)).map(({ key }) => key)).toEqual(['user:1']);
  expect(await all.previous()).toEqual([]);
});

test('counts of a window are there in the next one, also after a restart', async () => {
  await using cache = createCache();
  const options = { window: 200, saveEvery: 5 };
  const topOf = async (window: 'current' | 'previous'): Promise<string | undefined> => {
    await using topKeys = createTopKeys(cache, options);
    return (await topKeys[window](1))[0]?.key;
  };
  const counted = async (): Promise<void> => {
    await using _ = createTopKeys(cache, options);
    await ask(cache, { often: 200, seldom: 5 });
  };
  // Until both are done within one window, and in two that follow each other.
  await expect.poll(() => counted().then(() => topOf('current'))).toBe('often');
  await expect.poll(() => counted().then(() => topOf('previous'))).toBe('often');
});
