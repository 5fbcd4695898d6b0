import { describe, expect, test } from 'vitest';
import { type Dependency, Fence, type Keys, keyOf, Snapshot } from './index.ts';

const orders = 1;
const users = 2;
const snapshot = (text: string): Snapshot => Snapshot.parse(text);
const all = (...tables: number[]): Map<number, Keys> => new Map(tables.map((table) => [table, 'all']));
const rows = (table: number, ...keys: string[]): Map<number, Keys> => new Map([[table, new Set(keys)]]);
const on = (table: number, ...keys: string[]): Dependency[] => [keys.length > 0 ? { table, keys } : { table }];

function opened(text = '100:100:', options = {}): Fence {
  const fence = new Fence(options);
  fence.open(snapshot(text));
  return fence;
}

describe('a change that arrives', () => {
  test('evicts what does not see it, by table and by key', () => {
    const fence = opened();
    const token = fence.token();
    fence.keep('all orders', on(orders), snapshot('100:100:'), token);
    fence.keep('order 1', on(orders, '1'), snapshot('100:100:'), token);
    fence.keep('order 2', on(orders, '2'), snapshot('100:100:'), token);
    fence.keep('order 1 and users', [...on(orders, '1'), ...on(users)], snapshot('100:100:'), token);
    fence.keep('users', on(users), snapshot('100:100:'), token);
    fence.keep('orders, later', on(orders), snapshot('101:101:'), token);
    expect(fence.changed({ xid: 100, tables: rows(orders, '1', '9') }).toSorted()).toEqual([
      'all orders',
      'order 1',
      'order 1 and users',
    ]);
    expect(fence.changed({ xid: 101, tables: all(orders) }).toSorted()).toEqual(['order 2', 'orders, later']);
    expect(fence.changed({ xid: 102, tables: all(orders) })).toEqual([]);
    expect(fence.stats()).toMatchObject({ entries: 1, evicted: 5 });
    fence.forget('users');
    expect(fence.changed({ xid: 103, tables: all(users) })).toEqual([]);
  });

  test('of the same transaction in parts, each counts', () => {
    const fence = opened();
    fence.changed({ xid: 100, tables: rows(orders, '1') });
    fence.changed({ xid: 100, tables: rows(orders, '2') });
    const blind = snapshot('100:101:100');
    const may = (...keys: string[]): boolean => fence.mayKeep(on(orders, ...keys), blind, fence.token());
    expect([may('1'), may('2'), may('3'), may()]).toEqual([false, false, true, false]);
    fence.changed({ xid: 100, tables: all(orders) });
    expect(may('3')).toBe(false);
  });
});

describe('a result is refused', () => {
  test('when it does not see what has arrived before, though it was read after', () => {
    const fence = opened();
    fence.changed({ xid: 100, tables: all(orders) });
    const waiting = snapshot('100:102:100');
    expect(fence.mayKeep(on(orders), waiting, fence.token())).toBe(false);
    expect(fence.mayKeep(on(users), waiting, fence.token())).toBe(true);
    expect(fence.mayKeep([], waiting, fence.token())).toBe(true);
    expect(fence.mayKeep(on(orders), snapshot('102:102:'), fence.token())).toBe(true);
    expect(fence.stats().refused).toEqual({ changed: 1, unsettled: 0, epoch: 0 });
  });

  test('while transactions from before the epoch are under way: the stream may not tell of them', () => {
    const fence = opened('90:100:90');
    expect(fence.mayKeep(on(orders), snapshot('90:120:90'), fence.token())).toBe(false);
    expect(fence.mayKeep(on(orders), snapshot('99:120:99'), fence.token())).toBe(false);
    expect(fence.mayKeep(on(orders), snapshot('100:120:100'), fence.token())).toBe(true);
    expect(fence.stats().refused).toEqual({ changed: 0, unsettled: 2, epoch: 0 });
  });

  test('outside of an epoch, and when it was read in an earlier one', () => {
    const fence = new Fence();
    expect(fence.token()).toBeUndefined();
    expect(fence.mayKeep(on(orders), snapshot('100:100:'), fence.token())).toBe(false);
    fence.open(snapshot('100:100:'));
    const token = fence.token();
    expect(fence.keep('orders', on(orders), snapshot('100:100:'), token)).toBe(true);
    expect(fence.close()).toEqual(['orders']);
    expect(fence.token()).toBeUndefined();
    fence.open(snapshot('100:100:'));
    expect(fence.mayKeep(on(orders), snapshot('100:100:'), token)).toBe(false);
    expect(fence.mayKeep(on(orders), snapshot('100:100:'), fence.token())).toBe(true);
  });
});

describe('what is remembered is bounded', () => {
  test('by transactions: what is dropped refuses all that may not see it', () => {
    const fence = opened('100:100:', { transactionsPerTable: 10 });
    for (let xid = 100; xid < 200; xid++) fence.changed({ xid, tables: rows(orders, String(xid)) });
    expect(fence.stats().remembered).toBe(10);
    const may = (text: string, ...keys: string[]): boolean =>
      fence.mayKeep(on(orders, ...keys), snapshot(text), fence.token());
    expect(may('150:200:150', '7')).toBe(false);
    expect(may('190:200:190', '190')).toBe(false);
    expect(may('190:200:190', '7')).toBe(true);
    expect(may('200:200:')).toBe(true);
  });

  test('by keys: too many count as all', () => {
    const fence = opened();
    const keys = new Set(Array.from({ length: 20_001 }, (_, key) => String(key)));
    fence.changed({ xid: 100, tables: new Map([[orders, keys]]) });
    expect(fence.mayKeep(on(orders, 'other'), snapshot('100:101:100'), fence.token())).toBe(false);
  });

  test('what every later snapshot sees is forgotten, in tables that are not written to either', () => {
    const fence = opened();
    for (let xid = 100; xid < 200; xid++) fence.changed({ xid, tables: all(orders) });
    fence.noted(snapshot('200:200:'));
    for (let xid = 200; xid < 2300; xid++) fence.changed({ xid, tables: all(users) });
    expect(fence.stats().remembered).toBeLessThanOrEqual(1000);
    expect(fence.mayKeep(on(orders), snapshot('200:200:'), fence.token())).toBe(true);
    expect(fence.mayKeep(on(orders), snapshot('150:200:150'), fence.token())).toBe(false);
  });
});

test('keys of several columns are not mixed up', () => {
  expect(keyOf(['1', '23'])).not.toBe(keyOf(['12', '3']));
  expect(keyOf(['42'])).toBe('42');
});
