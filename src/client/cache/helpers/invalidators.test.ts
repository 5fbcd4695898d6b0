import { expect, expectTypeOf, test } from 'vitest';
import { createCache } from '../index.ts';
import { createInvalidators } from './invalidators.ts';
import { cacheKey, keyPattern } from './keys/cache-key.ts';

interface Order {
  id: number;
  customer: string;
}

function shop(cache: ReturnType<typeof createCache>) {
  return createInvalidators(cache, {
    orders: ({ id, customer }: Order) => ({
      keys: [cacheKey('order', id)],
      tags: [`customer:${customer}`],
      patterns: [keyPattern('orders', customer)],
    }),
    'price list': (_year: number) => ({ tags: ['prices'] }),
  });
}

test('what a change outdates is said once, and invalidated by its name', async () => {
  await using cache = createCache();
  const invalidators = shop(cache);
  const fill = async (): Promise<void> => {
    for (const key of ['order:1', 'order:2', 'orders:a:open', 'orders:b:open']) await cache.set(key, key);
    await cache.set('a', 'a', { tags: ['customer:a'] });
    await cache.set('prices', 'prices', { tags: ['prices'] });
  };
  const left = (): string[] =>
    ['order:1', 'order:2', 'orders:a:open', 'orders:b:open', 'a', 'prices'].filter(
      (key) => cache.peek(key) !== undefined,
    );
  await fill();
  await invalidators.changed('orders', { id: 1, customer: 'a' });
  expect(left()).toEqual(['order:2', 'orders:b:open', 'prices']);
  await fill();
  // An order that has moved to another customer.
  await invalidators.changed('orders', { id: 1, customer: 'a' }, { id: 1, customer: 'b' });
  expect(left()).toEqual(['order:2', 'prices']);
  await invalidators.changed('price list', 2026);
  expect(left()).toEqual(['order:2']);
  expectTypeOf(invalidators.changed<'orders'>)
    .parameter(1)
    .toEqualTypeOf<Order>();
});

test('in a transaction nothing is invalidated before it is committed', async () => {
  await using cache = createCache();
  const committed: (() => unknown)[] = [];
  const inDoubt: (() => unknown)[] = [];
  const transaction = {
    onCommit: (callback: () => unknown) => void committed.push(callback),
    onOutcomeUnknown: (callback: () => unknown) => void inDoubt.push(callback),
  };
  await cache.set('order:1', 1);
  shop(cache).changedIn(transaction, 'orders', { id: 1, customer: 'a' });
  expect(cache.peek('order:1')).toBe(1);
  for (const callback of committed) await callback();
  expect(cache.peek('order:1')).toBeUndefined();
  await cache.set('order:1', 1);
  for (const callback of inDoubt) await callback();
  expect(cache.peek('order:1')).toBeUndefined();
});
