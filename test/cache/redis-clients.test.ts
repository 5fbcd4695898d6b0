import { Redis, Cluster } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RedisClientLike } from '../../src/client/cache/redis/index.ts';
import type { Heard } from '../../src/client/cache/tier.ts';
import { startRedis, startRedisCluster } from '../support/redis.ts';
import { entry, forAll, key, pairOf, ready, tags, tier, ways, freshNamespace } from './redis-support.ts';

const server = forAll(startRedis);
const cluster = forAll(() => startRedisCluster(3));

const clients: [string, () => RedisClientLike][] = [
  ['a client of redis', () => createClient({ url: server().url })],
  ['a client of redis that speaks RESP2', () => createClient({ url: server().url, RESP: 2 })],
  ['a cluster of redis', () => createCluster({ rootNodes: cluster().urls.map((url) => ({ url })) })],
  [
    'a client of ioredis',
    () => {
      const client = new Redis(server().port, '127.0.0.1', { lazyConnect: true, keyPrefix: 'prefix:' });
      onTestFinished(() => client.disconnect());
      return client;
    },
  ],
  [
    'a cluster of ioredis',
    () => {
      const client = new Cluster(
        cluster().ports.map((port) => ({ host: '127.0.0.1', port })),
        { lazyConnect: true },
      );
      onTestFinished(() => client.disconnect());
      return client;
    },
  ],
];

describe.each(clients)('with %s', (_, make) => {
  test('entries are shared, one by one and many at once', async () => {
    const [a, b] = await pairOf({ client: make() });
    expect(await a.set(key, entry({ of: 'a' }, tags), a.position())).toBe(true);
    expect(await b.get(key)).toMatchObject({ value: { of: 'a' }, tags });
    const many = new Map(Array.from({ length: 60 }, (_each, i) => [`many:${i}`, entry(i)]));
    await a.setMany(many, a.position());
    const found = await b.getMany(['none', ...many.keys()]);
    expect([...found].map(([name, { value }]) => [name, value])).toEqual(
      [...many].map(([name, { value }]) => [name, value]),
    );
  });

  test.each(ways)('invalidating %s is seen at once, heard by the others, and defeats loads', async (_way, what) => {
    const [a, b] = await pairOf({ client: make() });
    const heard: Heard[] = [];
    b.onHeard((each) => heard.push(each));
    for (let i = 0; i < 20; i += 1) {
      await a.set(key, entry(i, tags), a.position());
      expect((await b.get(key))?.value).toBe(i);
      const before = b.position();
      await a.invalidate([what]);
      expect(await b.get(key)).toBeUndefined();
      expect(await b.set(key, entry('old', tags), before)).toBe(false);
      expect(await a.get(key)).toBeUndefined();
    }
    await expect.poll(() => heard.length).toBe(20);
    expect(heard).toEqual(heard.map(() => [what]));
  });

  test('a process that begins later knows what is void', async () => {
    const namespace = freshNamespace();
    const client = make();
    const a = tier({ client, namespace });
    await ready(a);
    await a.set('valid:1', entry('valid', ['x']), a.position());
    for (const [, what] of ways.slice(0, 4)) {
      await a.set(key, entry('void', tags), a.position());
      await a.invalidate([what]);
      const later = tier({ client, namespace });
      expect(await later.get(key)).toBeUndefined();
      expect([...(await later.getMany([key, 'valid:1'])).keys()]).toEqual(['valid:1']);
      expect((await later.get('valid:1'))?.value).toBe('valid');
    }
  });

  test('one of all has a lease, and who waits is woken', async () => {
    const [a, b] = await pairOf({ client: make() });
    const first = await a.lease?.(key, 60_000);
    expect(first?.token).toBeGreaterThan(0);
    expect(await b.lease?.(key, 60_000)).toBeUndefined();
    const woken = b.waitFor?.(key, 30_000);
    await first?.release();
    expect(await woken).toBe(true);
    const second = await b.lease?.(key, 60_000);
    expect(second?.token).toBeGreaterThan(first?.token ?? Infinity);
    // Over already: the one that another process has now stays.
    await first?.release();
    expect(await a.lease?.(key, 60_000)).toBeUndefined();
  });

  test('counters are shared', async () => {
    const [a, b] = await pairOf({ client: make() });
    await Promise.all(
      Array.from({ length: 50 }, () => Promise.all([a.increment?.('n', 2, 60_000), b.increment?.('n', -1, 60_000)])),
    );
    expect(await a.increment?.('n', 0, 60_000)).toBe(50);
  });
});
