import { beforeAll, describe, expect, test } from 'vitest';
import { analysed, existing, modelOf, tableOf } from '../../../../../test/support/table-model.ts';
import { loadParser } from '../../../../sql/index.ts';
import { candidate } from '../candidates/definition.ts';
import type { TableModel } from '../model/types.ts';
import { insertCost, type PricedIndex, writeCost } from './write-cost.ts';
import { writeRates } from './write-rates.ts';

beforeAll(loadParser);

const columns = { id: {}, a: {}, b: {}, c: {} };
const onA = (table: TableModel) => candidate(table, { keys: [{ expression: 'a' }], columns: ['a'], reason: '' });
const megabyte = 1024 * 1024;

/** The cost of one entry of the index on a. */
function entryOf(table: TableModel): number {
  const column = table.columns.find(({ name }) => name === 'a');
  return insertCost({ method: 'btree', bytes: 2 * megabyte, rows: table.rows, column });
}

function costOf(
  table: TableModel,
  statements: [text: string, callsPerHour: number][],
  countedHours: number | null = null,
) {
  const model = modelOf(table);
  const all = statements.map(([text, calls]) => analysed(text, model, calls));
  return writeCost(
    onA(table),
    2 * megabyte,
    writeRates(table, all, () => 1, countedHours),
  );
}

describe('an entry costs', () => {
  const { columns: all } = tableOf('t', {
    random: { distinct: 1e9 },
    ordered: { correlation: 1 },
    few: { distinct: 3 },
    doc: { type: 'jsonb', width: 90 },
    text: { type: 'text', category: 'S', width: 65 },
  });
  const cost = (method: string, of = 'random', more: Partial<PricedIndex> = {}) =>
    insertCost({
      method,
      bytes: 2 * megabyte,
      rows: 100_000,
      column: all.find(({ name }) => name === of),
      operatorClass: undefined,
      ...more,
    });

  test('more in a larger index', () => {
    expect(cost('btree', 'random', { bytes: 2000 * megabyte, rows: 100_000_000 })).toBeGreaterThan(cost('btree'));
    expect(cost('btree', 'random', { bytes: 20 * megabyte })).toBeGreaterThan(cost('btree'));
  });

  test('less where rows come in order, and where values are few', () => {
    expect(cost('btree', 'ordered')).toBeLessThan(cost('btree') / 5);
    expect(cost('btree', 'few')).toBeLessThan(cost('btree') / 5);
  });

  // Processor time per row on PostgreSQL 18 (µs): B-tree 3.3, hash 2.0, GIN of documents 9.6 and by path 5.8, trigrams 24, BRIN 0.2.
  test('by method as was measured', () => {
    const random = cost('btree');
    expect(cost('hash') / random).toBeCloseTo(0.6, 0);
    expect(cost('gin', 'doc') / random).toBeCloseTo(2.9, 0);
    expect(cost('gin', 'doc', { operatorClass: 'jsonb_path_ops' }) / random).toBeCloseTo(1.7, 0);
    expect(cost('gin', 'text', { operatorClass: 'gin_trgm_ops' }) / random).toBeGreaterThan(6);
    expect(cost('brin') / random).toBeLessThan(0.1);
  });
});

test('rows that are inserted cost an entry each', () => {
  const table = tableOf('t', columns);
  const { perHour, lostHot } = costOf(table, [['INSERT INTO t (a) VALUES ($1)', 1000]]);
  expect(perHour).toBeCloseTo(1000 * entryOf(table), 6);
  expect(lostHot).toBe(0);
  expect(costOf(table, [['SELECT a FROM t', 1000]]).perHour).toBe(0);
});

test('an update that sets the column can no longer be HOT, and writes to all indexes', () => {
  const writes = { inserts: 0, updates: 1000, deletes: 0, hotUpdates: 1000 };
  const table = tableOf('t', columns, { writes, indexes: [existing('t_pkey', ['id'])] });
  const touching = costOf(table, [['UPDATE t SET a = $1 WHERE id = $2', 1000]]);
  const other = costOf(table, [['UPDATE t SET b = $1 WHERE id = $2', 1000]]);
  expect(other).toEqual({ perHour: 0, lostHot: 0 });
  expect(touching.perHour).toBeGreaterThan(1.5 * 1000 * entryOf(table));
  expect(touching.lostHot).toBeCloseTo(touching.perHour, 6);
});

test('an update that another index keeps from being HOT has nothing to lose', () => {
  const writes = { inserts: 0, updates: 1000, deletes: 0, hotUpdates: 0 };
  const table = tableOf('t', columns, { writes, indexes: [existing('t_b', ['b'])] });
  const { perHour, lostHot } = costOf(table, [['UPDATE t SET a = $1, b = $1 WHERE id = $2', 1000]]);
  expect(lostHot).toBe(0);
  expect(perHour).toBeGreaterThan(0);
});

test('half the updates are taken to be HOT where none was counted', () => {
  const table = tableOf('t', columns);
  const half = costOf(table, [['UPDATE t SET b = $1 WHERE id = $2', 1000]]).perHour;
  const none = tableOf('t', columns, { writes: { inserts: 0, updates: 10, deletes: 0, hotUpdates: 0 } });
  expect(costOf(none, [['UPDATE t SET b = $1 WHERE id = $2', 1000]]).perHour).toBeCloseTo(2 * half, 6);
});

test('the server’s counters count where they have counted for a day', () => {
  const writes = { inserts: 48_000, updates: 0, deletes: 0, hotUpdates: 0 };
  const table = tableOf('t', columns, { writes });
  expect(costOf(table, [], 48).perHour).toBeCloseTo(1000 * entryOf(table), 6);
  expect(costOf(table, [], 2).perHour).toBe(0);
  expect(costOf(table, [], null).perHour).toBe(0);
});

test('updates that no statement explains might set any column', () => {
  const writes = { inserts: 0, updates: 48_000, deletes: 0, hotUpdates: 48_000 };
  const table = tableOf('t', columns, { writes });
  expect(costOf(table, [], 48).lostHot).toBeGreaterThan(0);
});
