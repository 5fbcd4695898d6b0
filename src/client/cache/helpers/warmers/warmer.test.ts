import { expect, test, vi } from 'vitest';
import { createCache } from '../../index.ts';
import { cached } from '../functions/cached.ts';
import { createWarmer } from './warmer.ts';

test('at an event, what it is called with is loaded into the cache', async () => {
  await using cache = createCache();
  const load = vi.fn(async (id: number) => `profile ${id}`);
  const getProfile = cached(cache, load, { name: 'profile', ttl: '1m' });
  using user = createWarmer(cache, { name: 'user', keys: (id: number) => [id, id + 1], load: (id) => getProfile(id) });
  expect(user.status()).toEqual({ name: 'user', running: undefined, last: undefined, nextAt: undefined });
  expect(await user.warm(7)).toMatchObject({ warmed: 2, failed: 0, complete: true, lastError: undefined });
  expect([cache.peek('profile:7'), cache.peek('profile:8')]).toEqual(['profile 7', 'profile 8']);
  // What is there is not loaded again.
  await user.warm(7);
  expect(load).toHaveBeenCalledTimes(2);
  expect(user.status()).toMatchObject({ running: undefined, last: { warmed: 2, endedAt: expect.any(Date) } });
});

test('at start, and never before whoever makes it has gone on', async () => {
  await using cache = createCache();
  const order: string[] = [];
  const ended = Promise.withResolvers<unknown>();
  using _ = createWarmer(cache, {
    name: 'start',
    on: 'start',
    keys: () => {
      order.push('listed');
      return ['a', 'b'];
    },
    load: (key) => cache.remember(key, '1m', () => key),
    onEnd: ended.resolve,
  });
  order.push('made');
  await Promise.resolve();
  order.push('and on');
  expect(await ended.promise).toMatchObject({ warmed: 2, complete: true });
  expect(order).toEqual(['made', 'and on', 'listed']);
  expect(cache.peek('b')).toBe('b');
});

test('by a schedule, again and again until it is stopped', async () => {
  await using cache = createCache();
  let runs = 0;
  const warmer = createWarmer(cache, {
    name: 'often',
    on: [{ every: 5 }, { cron: '0 0 1 1 *' }],
    keys: ['a'],
    load: () => (runs += 1),
  });
  expect(warmer.status().nextAt).toBeInstanceOf(Date);
  await expect.poll(() => runs).toBeGreaterThan(2);
  warmer.stop();
  expect(warmer.status().nextAt).toBeUndefined();
  expect(await warmer.warm()).toMatchObject({ warmed: 0, complete: false });
});

test('no more are loaded at a time than may be, by all events together', async () => {
  await using cache = createCache();
  let now = 0;
  let most = 0;
  using warmer = createWarmer(cache, {
    name: 'few',
    concurrency: 3,
    keys: async function* (from: number) {
      for (let i = 0; i < 20; i++) yield from + i;
    },
    load: async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
    },
  });
  const results = await Promise.all([warmer.warm(0), warmer.warm(100), warmer.warm(200)]);
  expect(results.map(({ warmed }) => warmed)).toEqual([20, 20, 20]);
  expect(most).toBe(3);
});

test('what fails is tried again, and does not hold up the others', async () => {
  await using cache = createCache();
  const attempts = new Map<number, number>();
  const progress = vi.fn();
  using warmer = createWarmer(cache, {
    name: 'some fail',
    keys: [1, 2, 3, 4, 5, 6, 7, 8],
    load: (item) => {
      const attempt = (attempts.get(item) ?? 0) + 1;
      attempts.set(item, attempt);
      if (item === 3 || (item === 5 && attempt < 3)) throw new Error(`no ${item}`);
    },
    onProgress: progress,
  });
  expect(await warmer.warm()).toMatchObject({ warmed: 7, failed: 1, complete: true, lastError: 'no 3' });
  expect(Object.fromEntries(attempts)).toEqual({ 1: 1, 2: 1, 3: 3, 4: 1, 5: 3, 6: 1, 7: 1, 8: 1 });
  expect(progress).toHaveBeenLastCalledWith({ warmed: 7, failed: 1 });
});

test('a source that is down is left alone for longer and longer, and used when it is back', async () => {
  await using cache = createCache();
  let attempts = 0;
  let asked = 0;
  using warmer = createWarmer(cache, {
    name: 'down',
    keys: () => {
      asked += 1;
      if (asked < 3) throw new Error('no list');
      return Array.from({ length: 50 }, (_, i) => i);
    },
    load: () => {
      attempts += 1;
      if (attempts <= 9) throw new Error('down');
    },
  });
  const result = await warmer.warm();
  expect(result).toMatchObject({ complete: true, lastError: 'down' });
  // A handful was tried in vain, and again, not all of them.
  expect(result.failed).toBeLessThan(4);
  expect(result.warmed).toBe(50 - result.failed);
  expect(result.tookMs).toBeGreaterThan(100);
});

test('it ends when its time is over, whatever it waits for', async () => {
  await using cache = createCache();
  const never = new Promise<never>(() => {});
  const given = vi.fn();
  using warmer = createWarmer(cache, {
    name: 'hangs',
    timeBudget: 20,
    concurrency: 1,
    keys: (kind: 'list' | 'item') => (kind === 'list' ? never : ['quick', 'hangs', 'after']),
    load: (item, { signal }) => {
      given(item);
      if (item !== 'quick')
        return new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
      return undefined;
    },
  });
  expect(await warmer.warm('list')).toMatchObject({ warmed: 0, complete: false });
  expect(await warmer.warm('item')).toMatchObject({ warmed: 1, failed: 0, complete: false });
  expect(given.mock.calls).toEqual([['quick'], ['hangs']]);
  // Room was made for others.
  expect(await warmer.warm('item')).toMatchObject({ warmed: 1 });
});

test.each([{ concurrency: 0 }, { concurrency: 1.5 }, { timeBudget: 'soon' }, { on: { cron: 'never' } }])(
  '%o is refused',
  async (options) => {
    await using cache = createCache();
    expect(() => createWarmer(cache, { name: 'wrong', keys: [], load: () => {}, ...options })).toThrow(
      expect.objectContaining({ code: 'E_CONFIG' }),
    );
  },
);
