import { expect, expectTypeOf, test, vi } from 'vitest';
import { createCache } from '../../index.ts';
import { cached } from './cached.ts';

interface Order {
  id: number;
  customer: string;
  version: number;
}

/** Loads orders, of another version each time. */
function source() {
  let version = 0;
  return vi.fn(async (id: number, _options?: { lines?: boolean }): Promise<Order> => {
    version += 1;
    return { id, customer: `c${id}`, version };
  });
}

test('a function keeps its answers, by its arguments', async () => {
  await using cache = createCache();
  const load = source();
  const getOrder = cached(cache, load, { name: 'order', ttl: '1m' });
  expectTypeOf(getOrder).toBeCallableWith(1, { lines: true });
  expectTypeOf(getOrder).returns.toEqualTypeOf<Promise<Order>>();
  // Those at the end that are undefined are as none.
  const answers = [await getOrder(1), await getOrder(1, undefined), await getOrder(1, {}), await getOrder(2)];
  expect(answers.map(({ version }) => version)).toEqual([1, 1, 2, 3]);
  expect(load.mock.calls).toEqual([[1], [1, {}], [2]]);
  expect(getOrder.key(1)).toBe('order:1');
  expect(cache.peek(getOrder.key(2))).toMatchObject({ id: 2 });
});

test('answers are invalidated and refreshed by the same arguments, or all at once', async () => {
  await using cache = createCache();
  const getOrder = cached(cache, source(), { name: 'order', ttl: '1m' });
  const nothing = cached(cache, async () => 1, { name: 'order', ttl: '1m' });
  const versions = async () => [(await getOrder(1)).version, (await getOrder(2)).version];
  expect(await versions()).toEqual([1, 2]);
  await getOrder.invalidate(1);
  expect(await versions()).toEqual([3, 2]);
  expect(await getOrder.refresh(2)).toMatchObject({ version: 4 });
  await cache.settled();
  expect(await versions()).toEqual([3, 4]);
  await nothing();
  await getOrder.invalidateAll();
  expect(cache.peek('order')).toBeUndefined();
  expect(await versions()).toEqual([5, 6]);
});

test('tags are made of the value and the arguments', async () => {
  await using cache = createCache();
  const getOrder = cached(cache, source(), {
    name: 'order',
    ttl: '1m',
    tags: (order, id) => [`customer:${order.customer}`, `id:${id}`],
  });
  await getOrder(1);
  await cache.invalidateTags('customer:c1');
  expect(cache.peek('order:1')).toBeUndefined();
  await getOrder(1);
  await cache.invalidateTags('id:1');
  expect(cache.peek('order:1')).toBeUndefined();
});

test('this goes to the function, and into the key where that is wanted', async () => {
  await using cache = createCache();
  const shop = {
    tenant: 'a',
    find: cached(
      cache,
      async function find(this: { tenant: string }, id: number) {
        return `${this.tenant}${id}`;
      },
      {
        ttl: '1m',
        key(id) {
          return [this.tenant, id];
        },
      },
    ),
  };
  const other = { ...shop, tenant: 'b' };
  expect([await shop.find(1), await other.find(1)]).toEqual(['a1', 'b1']);
  expect(shop.find.of(other).key(1)).toBe('find:b:1');
  await shop.find.of(other).invalidate(1);
  expect([cache.peek('find:a:1'), cache.peek('find:b:1')]).toEqual(['a1', undefined]);
});

test('what is wrong is told when the function is made, or by the promise', async () => {
  await using cache = createCache();
  expect(() => cached(cache, async () => 1, { ttl: '1m' })).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  const takesAll = cached(cache, async (what: unknown) => what, { name: 'all', ttl: '1m' });
  await expect(takesAll(() => 1)).rejects.toMatchObject({ code: 'E_USAGE' });
  const failing = cached(cache, async (): Promise<number> => Promise.reject(new Error('down')), {
    name: 'down',
    ttl: 1,
  });
  await expect(failing()).rejects.toThrow('down');
});
