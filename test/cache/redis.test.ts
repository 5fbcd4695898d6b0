import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import type { Heard } from '../../src/client/cache/tier.ts';
import { startRedis } from '../support/redis.ts';
import { entry, forAll, freshNamespace as fresh, key, ready, tier, ways } from './redis-support.ts';

const server = forAll(startRedis);

test('what one process has kept another one is given', async () => {
  const namespace = fresh();
  const [a, b] = [tier({ url: server().url, namespace }), tier({ url: server().url, namespace })];
  await ready(a, b);
  const value = { when: new Date(0), bytes: Buffer.from([0, 255]), text: 'größe' };
  expect(await a.set('key', entry(value, ['x']), a.position())).toBe(true);
  expect((await b.get('key'))?.value).toEqual(value);
  expect((await b.get('key'))?.tags).toEqual(['x']);
  expect(await b.get('other')).toBeUndefined();
  await a.setMany(
    new Map([
      ['k1', entry(1)],
      ['k2', entry(2)],
    ]),
    a.position(),
  );
  const many = await b.getMany(['k1', 'none', 'k2', 'key']);
  expect([...many].map(([name, each]) => [name, each.value])).toEqual([
    ['k1', 1],
    ['k2', 2],
    ['key', value],
  ]);
});

test('keys asked for in the same turn go together, each caller has its own answer', async () => {
  const namespace = fresh();
  const [a, b] = [tier({ url: server().url, namespace }), tier({ url: server().url, namespace })];
  await ready(a, b);
  const names = Array.from({ length: 120 }, (_, i) => `n:${i}`);
  await a.setMany(new Map(names.map((name, i) => [name, entry(i, [`t${i % 3}`])])), a.position());
  await using client = await connected();
  await client.lPush(`${namespace}:v:list`, 'no text');
  await client.set(`${namespace}:v:foreign`, 'written by something else');
  await client.configResetStat();
  const [list, foreign, none, ...all] = await Promise.all(
    ['list', 'foreign', 'none', ...names].map((name) => b.get(name)),
  );
  expect([list, foreign, none]).toEqual([undefined, undefined, undefined]);
  expect(all.map((each) => each?.value)).toEqual(names.map((_, i) => i));
  expect(all.map((each) => each?.tags)).toEqual(names.map((_, i) => [`t${i % 3}`]));
  expect(b.stats().unreadable).toBe(1);
  // 123 keys, 50 at most in one command.
  const asked = await client.info('commandstats');
  expect(asked).toMatch(/cmdstat_mget:calls=3,/);
  expect(asked).not.toContain('cmdstat_get:');
  expect((await b.get('n:7'))?.value).toBe(7);
  expect(await b.get('list')).toBeUndefined();
  expect(b.stats().unreadable).toBe(2);
  expect(await client.info('commandstats')).toMatch(/cmdstat_get:calls=2,/);
});

async function connected() {
  const client = createClient({ url: server().url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

describe.each(ways)('invalidating %s', (_, what) => {
  test('is seen by every process that asks from then on', async () => {
    const namespace = fresh();
    const [a, b] = [tier({ url: server().url, namespace }), tier({ url: server().url, namespace })];
    await ready(a, b);
    for (let i = 0; i < 50; i += 1) {
      await a.set(key, entry(i, ['orders']), a.position());
      expect((await b.get(key))?.value).toBe(i);
      await a.invalidate([what]);
      expect(await b.get(key)).toBeUndefined();
      expect((await b.getMany([key])).size).toBe(0);
    }
  });

  test('defeats what another process is loading', async () => {
    const namespace = fresh();
    const [a, b] = [tier({ url: server().url, namespace }), tier({ url: server().url, namespace })];
    await ready(a, b);
    const before = b.position();
    await a.invalidate([what]);
    expect(await b.set(key, entry('old', ['orders']), before)).toBe(false);
    expect(await a.get(key)).toBeUndefined();
    expect(await b.set(key, entry('new', ['orders']), b.position())).toBe(true);
    expect((await a.get(key))?.value).toBe('new');
    expect(await b.set(key, entry('old', ['orders']), before)).toBe(false);
    expect((await a.get(key))?.value).toBe('new');
    expect(b.stats().refused).toBe(2);
  });

  test('is known to a process that begins later', async () => {
    const namespace = fresh();
    const a = tier({ url: server().url, namespace });
    await ready(a);
    await a.set(key, entry('void', ['orders']), a.position());
    await a.set('other', entry('valid', ['x']), a.position());
    await a.invalidate([what]);
    const c = tier({ url: server().url, namespace });
    await ready(c);
    expect(await c.get(key)).toBeUndefined();
    expect((await c.getMany([key, 'other'])).has('other')).toBe(what.kind !== 'all');
  });

  test('reaches the memory of the others, and not the own', async () => {
    const namespace = fresh();
    const [a, b] = [tier({ url: server().url, namespace }), tier({ url: server().url, namespace })];
    const heard: Heard[] = [];
    const echo: Heard[] = [];
    b.onHeard((each) => heard.push(each));
    a.onHeard((each) => echo.push(each));
    await ready(a, b);
    await a.invalidate([what]);
    await expect.poll(() => heard).toEqual([[what]]);
    expect(echo).toEqual([]);
  });
});
