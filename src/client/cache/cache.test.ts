import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { type Cache, createCache } from './index.ts';

/** A load that ends when it is told to. */
function held<Value>() {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  return { loader: vi.fn(() => promise), resolve, reject };
}

describe('remember', () => {
  test('loads once for all who ask at the same time, and then no more', async () => {
    await using cache = createCache();
    const { loader, resolve } = held<number>();
    const answers = Promise.all(Array.from({ length: 1000 }, () => cache.remember('answer', '1m', loader)));
    resolve(42);
    expect(new Set(await answers)).toEqual(new Set([42]));
    expect(await cache.remember('answer', '1m', loader)).toBe(42);
    expect(loader).toHaveBeenCalledTimes(1);
    expect(cache.peek('answer')).toBe(42);
    expect(cache.stats()).toMatchObject({ memoryHits: 1, misses: 1000, loads: 1 });
  });

  test('what goes stale is loaded anew', async () => {
    await using cache = createCache();
    let version = 0;
    const load = (): Promise<number> => cache.remember('version', 20, () => (version += 1), { jitter: 0 });
    expect(await load()).toBe(1);
    await expect.poll(load).toBe(2);
  });

  test('a load that fails is told to all who wait, and is tried again', async () => {
    await using cache = createCache();
    const { loader, reject } = held<number>();
    const both = Promise.allSettled([cache.remember('key', '1m', loader), cache.remember('key', '1m', loader)]);
    reject(new Error('no answer'));
    for (const end of await both) expect(end).toMatchObject({ reason: { message: 'no answer' } });
    expect(await cache.remember('key', '1m', () => 7)).toBe(7);
    expect(cache.stats()).toMatchObject({ loads: 2, loadErrors: 1 });
  });

  test('a load that takes too long is given up, and told so', async () => {
    await using cache = createCache();
    const aborted = Promise.withResolvers<unknown>();
    const loading = cache.remember(
      'key',
      '1m',
      ({ signal }) => new Promise<never>(() => signal.addEventListener('abort', () => aborted.resolve(signal.reason))),
      { timeout: { hard: 20 } },
    );
    await expect(loading).rejects.toMatchObject({ code: 'E_CACHE_TIMEOUT' });
    expect(await aborted.promise).toMatchObject({ code: 'E_CACHE_TIMEOUT' });
  });

  test('one caller who gives up does not disturb the others', async () => {
    await using cache = createCache();
    const { loader, resolve } = held<number>();
    const controller = new AbortController();
    const given = cache.remember('key', '1m', loader, { signal: controller.signal });
    const waiting = cache.remember('key', '1m', loader);
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    resolve(1);
    expect(await waiting).toBe(1);
  });

  test('undefined and null are kept like other values, or as long as is said', async () => {
    await using cache = createCache();
    const loader = vi.fn(() => null);
    for (let i = 0; i < 2; i++) expect(await cache.remember('missing', '1m', loader)).toBeNull();
    expect(loader).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 2; i++) await cache.remember('not kept', '1m', loader, { negativeTtl: 0 });
    expect(loader).toHaveBeenCalledTimes(3);
  });

  test('a loader that throws at once is a load that fails', async () => {
    await using cache = createCache();
    const thrower = (): never => {
      throw new TypeError('at once');
    };
    await expect(cache.remember('key', '1m', thrower)).rejects.toThrow('at once');
  });
});

describe('what has gone stale', () => {
  async function staleCache(): Promise<Cache> {
    const cache = createCache({ grace: '1m', jitter: 0 });
    await cache.set('key', 'old', { ttl: 1 });
    await expect.poll(() => cache.peek('key')).toBeUndefined();
    return cache;
  }

  test('is served when the load fails, which is not tried again at once', async () => {
    await using cache = await staleCache();
    const failing = vi.fn(() => Promise.reject(new Error('down')));
    for (let i = 0; i < 5; i++) expect(await cache.remember('key', '1m', failing)).toBe('old');
    expect(failing).toHaveBeenCalledTimes(1);
  });

  test('is served when the load takes longer than the soft timeout; the new value comes later', async () => {
    await using cache = await staleCache();
    const { loader, resolve } = held<string>();
    expect(await cache.remember('key', '1m', loader, { timeout: { soft: 5 } })).toBe('old');
    resolve('new');
    await expect.poll(() => cache.peek('key')).toBe('new');
    expect(cache.stats()).toMatchObject({ staleHits: 1 });
  });

  test('is served at once while it is loaded anew, where that is wanted', async () => {
    await using cache = await staleCache();
    const loader = vi.fn(async () => 'new');
    expect(await cache.remember('key', '1m', loader, { staleWhileRevalidate: true })).toBe('old');
    await expect.poll(() => cache.peek('key')).toBe('new');
    expect(loader).toHaveBeenCalledTimes(1);
  });

  test('is not served once it was invalidated', async () => {
    await using cache = await staleCache();
    await cache.delete('key');
    await expect(cache.remember('key', '1m', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  });
});

test('what takes long to load is loaded anew before it goes stale', async () => {
  await using cache = createCache({ jitter: 0 });
  let version = 0;
  const load = async (): Promise<number> => {
    await delay(5);
    return (version += 1);
  };
  expect(await cache.remember('key', '1m', load, { early: true })).toBe(1);
  // So large a factor makes it due at once.
  expect(await cache.remember('key', '1m', load, { early: 1e9 })).toBe(1);
  await expect.poll(() => cache.peek('key')).toBe(2);
});

describe('an invalidation', () => {
  const kinds: [string, (cache: Cache) => Promise<void>][] = [
    ['the key', (cache) => cache.delete('orders:1:lines')],
    ['a tag', (cache) => cache.invalidateTags('orders')],
    ['a tag that the value says', (cache) => cache.invalidateTags('of the value')],
    ['a prefix', (cache) => cache.invalidatePattern('orders:1:*')],
    ['a pattern', (cache) => cache.invalidatePattern('orders:*:lines')],
    ['everything', (cache) => cache.clear()],
  ];
  const tags = (value: string): string[] => ['orders', ...(value === '' ? [] : ['of the value'])];

  test.each(kinds)('of %s takes away what is there, and nothing else', async (_, invalidate) => {
    await using cache = createCache();
    await cache.set('orders:1:lines', 'there', { tags: tags('there') });
    await cache.set('customers:1', 'other');
    await invalidate(cache);
    expect(cache.peek('orders:1:lines')).toBeUndefined();
    expect(await cache.has('orders:1:lines')).toBe(false);
    expect(cache.peek('customers:1')).toBe(_ === 'everything' ? undefined : 'other');
    // What comes after it is kept.
    await cache.set('orders:1:lines', 'again', { tags: tags('again') });
    expect(cache.peek('orders:1:lines')).toBe('again');
  });

  test.each(kinds)('of %s defeats a load under way, whose value goes to its caller only', async (_, invalidate) => {
    await using cache = createCache();
    const before = held<string>();
    const waiting = cache.remember('orders:1:lines', '1m', before.loader, { tags });
    await expect.poll(() => before.loader.mock.calls.length).toBe(1);
    await invalidate(cache);
    before.resolve('loaded before');
    expect(await waiting).toBe('loaded before');
    await cache.settled();
    expect(cache.peek('orders:1:lines')).toBeUndefined();
    expect(await cache.remember('orders:1:lines', '1m', () => 'loaded after', { tags })).toBe('loaded after');
    expect(cache.stats().refused).toBe(1);
  });

  test('is seen by whoever asks after it, though a load from before is under way', async () => {
    await using cache = createCache();
    const before = held<string>();
    const waiting = cache.remember('key', '1m', before.loader, { tags: ['tag'] });
    await cache.invalidateTags('tag');
    expect(await cache.remember('key', '1m', () => 'after', { tags: ['tag'] })).toBe('after');
    before.resolve('before');
    await waiting;
    expect(cache.peek('key')).toBe('after');
  });

  test('is seen by whoever asks after it, though the tags of the load under way are not known yet', async () => {
    await using cache = createCache();
    const before = held<string>();
    const options = { tags: (value: string) => [`of ${value}`] };
    const waiting = cache.remember('key', '1m', before.loader, options);
    await expect.poll(() => before.loader.mock.calls.length).toBe(1);
    await cache.invalidateTags('of before');
    expect(await cache.remember('key', '1m', () => 'after', options)).toBe('after');
    before.resolve('before');
    expect(await waiting).toBe('before');
    expect(cache.peek('key')).toBe('after');
  });

  test('set is one, too: a load from before does not overwrite it', async () => {
    await using cache = createCache();
    const before = held<string>();
    const waiting = cache.remember('key', '1m', before.loader);
    await cache.set('key', 'set');
    before.resolve('loaded');
    expect(await waiting).toBe('loaded');
    await cache.settled();
    expect(cache.peek('key')).toBe('set');
  });
});

describe('many at once', () => {
  test('what is missing is loaded by one call, and shared with whoever loads it already', async () => {
    await using cache = createCache();
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    const { loader, resolve } = held<number>();
    const single = cache.remember('d', '1m', loader);
    const loadMany = vi.fn(async (keys: readonly string[]) => new Map(keys.map((key) => [key, key.charCodeAt(0)])));
    const many = cache.rememberMany(['a', 'b', 'c', 'd', 'c', 'e'], '1m', loadMany);
    resolve(4);
    expect(await many).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
        ['c', 99],
        ['d', 4],
        ['e', 101],
      ]),
    );
    expect(await single).toBe(4);
    expect(loadMany.mock.calls).toEqual([[['c', 'e']]]);
    expect(await cache.getMany(['a', 'c', 'nothing'])).toEqual(
      new Map([
        ['a', 1],
        ['c', 99],
      ]),
    );
  });

  test('two that ask for the same keys in another order wait for each other, not for ever', async () => {
    await using cache = createCache();
    const loadMany = vi.fn(async (keys: readonly string[]) => new Map(keys.map((key) => [key, key])));
    const [one, other] = await Promise.all([
      cache.rememberMany(['a', 'b', 'c'], '1m', loadMany),
      cache.rememberMany(['d', 'c', 'b', 'a'], '1m', loadMany),
    ]);
    expect(one.size).toBe(3);
    expect(other.size).toBe(4);
    expect(loadMany.mock.calls.flat(2).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('many at once that have gone stale', () => {
  const keys = ['a', 'b'];
  const values = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  const failing = (): never => {
    throw new Error('the source is down');
  };

  async function staleCache(): Promise<Cache> {
    const cache = createCache({ grace: '1h', jitter: 0 });
    await cache.setMany(values, { ttl: 1 });
    await expect.poll(() => cache.peek('a')).toBeUndefined();
    await expect.poll(() => cache.peek('b')).toBeUndefined();
    return cache;
  }

  test('are served when the load fails, those that are there', async () => {
    await using cache = await staleCache();
    expect(await cache.rememberMany(keys, '1m', failing)).toEqual(values);
    await expect(cache.rememberMany([...keys, 'c'], '1m', failing)).rejects.toThrow('the source is down');
  });

  test('are served at once while they are loaded anew by one call, where that is wanted', async () => {
    await using cache = await staleCache();
    const { loader, resolve } = held<Map<string, number>>();
    const loadMany = vi.fn<(missing: readonly string[]) => Promise<Map<string, number>>>(loader);
    expect(await cache.rememberMany(keys, '1m', loadMany, { staleWhileRevalidate: true })).toEqual(values);
    resolve(new Map([['a', 10]]));
    await cache.settled();
    expect(await cache.rememberMany(keys, '1m', failing)).toEqual(new Map([['a', 10]]));
    expect(loadMany.mock.calls).toEqual([[keys]]);
  });

  test('are served when the load takes longer than the soft timeout', async () => {
    await using cache = await staleCache();
    const { loader, resolve } = held<Map<string, number>>();
    expect(await cache.rememberMany(keys, '1m', loader, { timeout: { soft: 1 } })).toEqual(values);
    resolve(new Map());
  });
});

test('many at once are loaded anew before they go stale', async () => {
  await using cache = createCache({ jitter: 0 });
  const loadMany = vi.fn(async (keys: readonly string[]) => new Map(keys.map((key) => [key, key])));
  await cache.rememberMany(['a', 'b'], '1m', loadMany);
  // So early that it is always due.
  expect((await cache.rememberMany(['a', 'b'], '1m', loadMany, { early: 1e12 })).size).toBe(2);
  await cache.settled();
  expect(loadMany.mock.calls).toEqual([[['a', 'b']], [['a', 'b']]]);
});

test('a caller who gives up many at once does not disturb the others', async () => {
  await using cache = createCache();
  const { loader, resolve } = held<Map<string, number>>();
  const leaving = new AbortController();
  const left = cache.rememberMany(['a'], '1m', loader, { signal: leaving.signal });
  const stayed = cache.rememberMany(['a'], '1m', loader);
  leaving.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  resolve(new Map([['a', 1]]));
  expect(await stayed).toEqual(new Map([['a', 1]]));
});

test('a time to live may depend on the value, and 0 keeps it not at all', async () => {
  await using cache = createCache();
  const names = cache.namespace('names');
  const ttl = vi.fn((value: string | undefined, _key: string) => (value === '' ? 0 : '1m'));
  await names.remember('a', ttl, () => 'Ada');
  await names.rememberMany(['b', 'c'], ttl, async () => new Map([['b', '']]));
  expect([names.peek('a'), names.peek('b')]).toEqual(['Ada', undefined]);
  expect(ttl.mock.calls).toContainEqual(['Ada', names.fullKey('a')]);
  expect(ttl.mock.calls).toContainEqual(['', 'names:b']);
});

test('refresh loads anew, and what is there is served until then', async () => {
  await using cache = createCache();
  await cache.set('key', 'old');
  const { loader, resolve } = held<string>();
  const refreshed = cache.refresh('key', '1m', loader);
  expect(await cache.remember('key', '1m', () => 'unused')).toBe('old');
  resolve('new');
  expect(await refreshed).toBe('new');
  await cache.settled();
  expect(cache.peek('key')).toBe('new');
  // An invalidation defeats it as any load.
  const late = held<string>();
  const overtaken = cache.refresh('key', '1m', late.loader);
  await cache.delete('key');
  late.resolve('from before');
  expect(await overtaken).toBe('from before');
  await cache.settled();
  expect(cache.peek('key')).toBeUndefined();
});

test('observers are told of what is asked for, as often as it is', async () => {
  await using cache = createCache();
  const asked = new Map<string, number>();
  const invalidated = vi.fn();
  const stop = cache.observe({
    asked: (key, times) => asked.set(key, (asked.get(key) ?? 0) + times),
    invalidated,
  });
  const users = cache.namespace('users');
  // In step with how many are sampled: none may be overlooked for that.
  for (let i = 0; i < 1000; i++) for (let k = 0; k < 8; k++) await users.remember(`${k}`, '1m', () => k);
  expect([...asked.keys()].toSorted()).toEqual(Array.from({ length: 8 }, (_, k) => `users:${k}`));
  for (const times of asked.values()) {
    expect(times).toBeGreaterThan(500);
    expect(times).toBeLessThan(1500);
  }
  await users.delete('1');
  stop();
  await users.delete('2');
  expect(invalidated.mock.calls).toEqual([[1, [{ kind: 'key', key: 'users:1' }]]]);
});

test('namespaces keep keys apart, and are cleared by themselves', async () => {
  await using cache = createCache();
  const users = cache.namespace('users');
  const admins = users.namespace('admins');
  await Promise.all([cache.set('1', 'root'), users.set('1', 'user'), admins.set('1', 'admin')]);
  expect([cache.peek('1'), users.peek('1'), admins.peek('1')]).toEqual(['root', 'user', 'admin']);
  expect(cache.peek('users:admins:1')).toBe('admin');
  await admins.clear();
  expect([cache.peek('1'), users.peek('1'), admins.peek('1')]).toEqual(['root', 'user', undefined]);
  await users.clear();
  expect([cache.peek('1'), users.peek('1')]).toEqual(['root', undefined]);
});

test('counters', async () => {
  await using cache = createCache();
  expect(await cache.increment('visits')).toBe(1);
  expect(await cache.increment('visits', 5)).toBe(6);
  expect(await cache.decrement('visits')).toBe(5);
  await cache.delete('visits');
  expect(await cache.increment('visits')).toBe(1);
});

test('memory is bounded by entries and by bytes', async () => {
  await using few = createCache({ memory: { maxEntries: 10 } });
  for (let i = 0; i < 100; i++) await few.set(`key:${i}`, i);
  expect(few.stats().tiers).toMatchObject([{ name: 'memory', entries: 10, evictions: 90 }]);
  await using small = createCache({ memory: { maxBytes: 100_000 } });
  for (let i = 0; i < 100; i++) await small.set(`key:${i}`, 'x'.repeat(2000));
  const [memory] = small.stats().tiers;
  expect(memory?.bytes).toBeLessThanOrEqual(100_000);
  expect(memory?.entries).toBeGreaterThan(10);
});

test.each([{ ttl: 'soon' }, { grace: -1 }, { jitter: 1 }])('%o is refused', (options) => {
  expect(() => createCache(options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
});
