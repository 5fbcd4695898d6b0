import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChangedTables, type Dependency, Fence, type Keys, keyOf, Snapshot } from './index.ts';

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

describe('what a tier has certified', () => {
  const blind = snapshot('90:90:');
  const keep = (fence: Fence, mark: number, token = fence.token(), ...keys: string[]): boolean =>
    fence.keepCertified('orders', on(orders, ...keys), blind, token, mark);

  test('is held against what was told after the mark alone, and evicted by what comes later', () => {
    const fence = opened('80:100:80');
    fence.changed({ xid: 100, tables: all(orders) });
    const mark = fence.mark();
    expect(fence.mayKeep(on(orders), blind, fence.token())).toBe(false);
    expect(keep(fence, mark)).toBe(true);
    expect(fence.changed({ xid: 101, tables: rows(orders, '1') })).toEqual(['orders']);
    expect(keep(fence, mark)).toBe(false);
    expect(keep(fence, mark, fence.token(), '1', '2')).toBe(false);
    expect(keep(fence, mark, fence.token(), '2')).toBe(true);
    expect(fence.keepCertified('seen', on(orders), snapshot('90:102:90'), fence.token(), mark)).toBe(true);
    expect(keep(fence, fence.mark())).toBe(true);
    expect(fence.stats()).toMatchObject({ entries: 2, refused: { changed: 2, unsettled: 1, epoch: 0 } });
  });

  test('is refused outside of the epoch in which it was asked for', () => {
    const fence = new Fence();
    expect(keep(fence, fence.mark())).toBe(false);
    fence.open(snapshot('100:100:'));
    const [token, mark] = [fence.token(), fence.mark()];
    expect(keep(fence, mark, token)).toBe(true);
    expect(fence.close()).toEqual(['orders']);
    expect(keep(fence, mark, token)).toBe(false);
    fence.open(snapshot('100:100:'));
    expect(keep(fence, mark, token)).toBe(false);
    expect(keep(fence, mark)).toBe(false);
    expect(keep(fence, fence.mark())).toBe(true);
    expect(fence.stats().refused).toEqual({ changed: 0, unsettled: 0, epoch: 4 });
  });

  test('does not depend on what was forgotten before the mark, and does on what was forgotten since', () => {
    const fence = opened('100:100:', { transactionsPerTable: 2 });
    for (let xid = 100; xid < 110; xid++) fence.changed({ xid, tables: rows(orders, '1') });
    const mark = fence.mark();
    expect(keep(fence, mark, fence.token(), '2')).toBe(true);
    for (let xid = 110; xid < 112; xid++) fence.changed({ xid, tables: rows(orders, '1') });
    expect(keep(fence, mark, fence.token(), '2')).toBe(true);
    fence.changed({ xid: 112, tables: rows(orders, '1') });
    expect(keep(fence, mark, fence.token(), '2')).toBe(false);
    const seesForgotten = snapshot('111:111:');
    expect(fence.keepCertified('2', on(orders, '2'), seesForgotten, fence.token(), mark)).toBe(true);
    expect(fence.keepCertified('1', on(orders, '1'), seesForgotten, fence.token(), mark)).toBe(false);
    expect(fence.changedSince(on(orders, '2'), mark)).toBe(true);
    expect(fence.changedSince(on(users), mark)).toBe(false);
  });

  test('of a transaction in parts, what came first counts as told with the last', () => {
    const fence = opened();
    fence.changed({ xid: 100, tables: rows(orders, '1') });
    const mark = fence.mark();
    fence.changed({ xid: 100, tables: rows(orders, '2') });
    expect(keep(fence, mark, fence.token(), '1')).toBe(false);
    expect(keep(fence, mark, fence.token(), '3')).toBe(true);
  });
});

test('what has changed since a mark is not known of another epoch', () => {
  const fence = new Fence();
  expect(fence.changedSince([], fence.mark())).toBe(true);
  fence.open(snapshot('100:100:'));
  const mark = fence.mark();
  expect(fence.changedSince(on(orders), mark)).toBe(false);
  fence.changed({ xid: 100, tables: rows(orders, '1') });
  // Whichever snapshot sees it.
  fence.noted(snapshot('200:200:'));
  expect([fence.changedSince(on(orders, '1'), mark), fence.changedSince(on(orders, '2'), mark)]).toEqual([true, false]);
  expect(fence.changedSince(on(orders), fence.mark())).toBe(false);
  const last = fence.mark();
  fence.close();
  expect(fence.changedSince(on(orders), last)).toBe(true);
  fence.open(snapshot('100:100:'));
  expect(fence.changedSince(on(orders), last)).toBe(true);
  expect(fence.changedSince(on(orders), fence.mark())).toBe(false);
});

test('of what was told after a mark nothing is overlooked, however little is remembered', () => {
  const key = fc.constantFrom('1', '2', '3');
  const someChanges = fc.array(
    fc.record({ table: fc.constantFrom(orders, users), keys: fc.option(fc.uniqueArray(key), { nil: undefined }) }),
    { size: 'max', maxLength: 30 },
  );
  const someRows = fc.record({
    table: fc.constantFrom(orders, users),
    keys: fc.option(fc.uniqueArray(key, { minLength: 1 }), { nil: undefined }),
  });
  const told = (each: Dependency, xid: number): ChangedTables => ({
    xid,
    tables: each.keys ? rows(each.table, ...each.keys) : all(each.table),
  });
  const meet = (one: Dependency, other: Dependency): boolean =>
    one.table === other.table &&
    (one.keys === undefined || other.keys === undefined || one.keys.some((each) => other.keys?.includes(each)));
  fc.assert(
    fc.property(
      someChanges,
      fc.nat(30),
      someRows,
      fc.nat(30),
      fc.integer({ min: 1, max: 40 }),
      (changed, at, dependency, xmin, most) => {
        const fence = opened('100:100:', { transactionsPerTable: most });
        let mark = fence.mark();
        for (const [index, each] of changed.entries()) {
          fence.changed(told(each, 100 + index));
          if (index < at) mark = fence.mark();
        }
        const after = changed.map((each, index) => ({ each, xid: 100 + index })).slice(at);
        const concerned = after.filter(({ each }) => meet(each, dependency));
        const reads = snapshot(`${100 + xmin}:${100 + xmin}:`);
        const unseen = concerned.some(({ xid }) => !reads.sees(xid));
        const isChanged = fence.changedSince([dependency], mark);
        const isKept = fence.keepCertified('entry', [dependency], reads, fence.token(), mark);
        if (most >= changed.length) expect([isChanged, isKept]).toEqual([concerned.length > 0, !unseen]);
        else {
          expect(isChanged || concerned.length === 0).toBe(true);
          expect(isKept && unseen).toBe(false);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('keys of several columns are not mixed up', () => {
  expect(keyOf(['1', '23'])).not.toBe(keyOf(['12', '3']));
  expect(keyOf(['42'])).toBe('42');
});
