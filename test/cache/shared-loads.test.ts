import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Cache, createCache } from '../../src/client/cache/index.ts';
import { startRedis } from '../support/redis.ts';
import { forAll, freshNamespace, ready, tier } from './redis-support.ts';

const server = forAll(startRedis);

/** Caches as of several processes. */
async function cachesOf(count: number): Promise<Cache[]> {
  const namespace = freshNamespace();
  const tiers = Array.from({ length: count }, () => tier({ url: server().url, namespace, timeout: 10_000 }));
  await ready(...tiers);
  return tiers.map((each) => {
    const cache = createCache({ tiers: [each] });
    onTestFinished(() => cache.close());
    return cache;
  });
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `number:${from + n}`);

test('of many keys that several processes want at once each is loaded once, by one call of each process at first', async () => {
  const caches = await cachesOf(3);
  const loads: string[] = [];
  const calls: number[] = [];
  const given = await Promise.all(
    caches.map((cache, n) =>
      cache.rememberMany(numbers(n * 100, n * 100 + 500), '1m', async (missing) => {
        calls.push(n);
        loads.push(...missing);
        await turn();
        return new Map(missing.map((key) => [key, key]));
      }),
    ),
  );
  expect(given.map(({ size }) => size)).toEqual([500, 500, 500]);
  expect(loads.toSorted()).toEqual(numbers(0, 700).toSorted());
  expect(calls.length).toBeLessThanOrEqual(3);
});

test('keys of which another process fails to load are loaded after all', async () => {
  const [one, other] = (await cachesOf(2)) as [Cache, Cache];
  const { promise, reject } = Promise.withResolvers<Map<string, string>>();
  const began = Promise.withResolvers<void>();
  const failing = one.rememberMany(['a', 'b'], '1m', () => {
    began.resolve();
    return promise;
  });
  await began.promise;
  const waiting = other.rememberMany(
    ['b', 'c', 'a'],
    '1m',
    async (missing) => new Map(missing.map((key) => [key, key])),
  );
  reject(new Error('the source is down'));
  await expect(failing).rejects.toThrow('the source is down');
  expect([...(await waiting).keys()].toSorted()).toEqual(['a', 'b', 'c']);
});

test('a counter is one for all processes, and ends for all when its key is deleted', async () => {
  const [one, other] = (await cachesOf(2)) as [Cache, Cache];
  await Promise.all([one.increment('visits', 2), other.increment('visits', 3)]);
  expect(await one.increment('visits', 0)).toBe(5);
  await other.set('visits', 'a value');
  await other.clear();
  expect(await one.increment('visits', 0)).toBe(5);
  await other.delete('visits');
  expect(await one.increment('visits')).toBe(1);
});
