import { expect, test } from 'vitest';
import type { SizedColumn } from './column.ts';
import { keyGroups } from './groups.ts';

const rows = 1_000_000;
const sampled = 30_000;

/** What ANALYZE would say of a column whose values have these shares of the rows, in the order of the values. */
function analyzed(shares: readonly number[], mostCommon: number): SizedColumn {
  const byShare = shares.toSorted((a, b) => b - a);
  const frequencies = byShare.slice(0, mostCommon);
  let seen = 0;
  let once = 0;
  for (const share of shares) {
    seen += 1 - (1 - share) ** sampled;
    once += sampled * share * (1 - share) ** (sampled - 1);
  }
  // The estimator of Haas and Stokes that ANALYZE uses.
  const guess = (sampled * seen) / (sampled - once + (once * sampled) / rows);
  const others = shares.map((share, at) => ({ share, at })).filter(({ share }) => !frequencies.includes(share));
  const total = others.reduce((sum, { share }) => sum + share, 0);
  const bounds: number[] = [];
  let sum = 0;
  for (const { share, at } of others) {
    while (bounds.length <= 100 && sum >= (bounds.length / 100) * total - 1e-12) bounds.push(at);
    sum += share;
  }
  return {
    averageWidth: 4,
    length: 4,
    widths: null,
    alignment: 4,
    nullShare: 0,
    distinct: guess,
    commonShares: frequencies,
    bounds: total > 0 ? bounds : null,
  };
}

/** Keys that have a row at least, and rows in all. */
function summed(columns: readonly SizedColumn[]): { keys: number; rows: number } {
  const groups = keyGroups(columns, rows);
  return {
    keys: groups.reduce((sum, { values }) => sum + values, 0),
    rows: groups.reduce((sum, each) => sum + each.values * each.rows, 0),
  };
}

/** Of values with these shares, how many have a row. */
const present = (shares: readonly number[]): number =>
  shares.reduce((sum, share) => sum + 1 - Math.exp(-rows * share), 0);

const normal = (weights: readonly number[]): number[] => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};
/** Spread over the ids, so that the frequent ones are not neighbours. */
const scattered = (shares: readonly number[]): number[] =>
  shares.map((_, at) => shares[(at * 7919) % shares.length] ?? 0);

const zipf = normal(Array.from({ length: 200_003 }, (_, at) => 1 / (at + 1)));
const crowded = normal(Array.from({ length: 300_000 }, (_, at) => (at + 1) ** (1 / 3) - at ** (1 / 3)));
const alike = normal(Array.from({ length: 50_000 }, () => 1));

test.each([
  ['keys by Zipf’s law, scattered over the ids', scattered(zipf), 100],
  ['ids that crowd at the beginning', crowded, 0],
  ['values that are all as frequent', alike, 0],
])('%s are counted', (_, shares, mostCommon) => {
  const found = summed([analyzed(shares, mostCommon)]);
  expect(found.rows / rows).toBeCloseTo(1, 1);
  expect(found.keys / present(shares)).toBeGreaterThan(0.88);
  expect(found.keys / present(shares)).toBeLessThan(1.12);
});

test('keys of several columns are the combinations that have a row', () => {
  const hundred = normal(Array.from({ length: 100 }, (_, at) => 1 / (at + 1)));
  const thousand = normal(Array.from({ length: 1000 }, () => 1));
  const found = summed([analyzed(hundred, 100), analyzed(thousand, 0)]);
  const both = hundred.flatMap((share) => thousand.map((other) => share * other));
  expect(found.rows / rows).toBeCloseTo(1, 1);
  expect(found.keys / present(both)).toBeGreaterThan(0.95);
  expect(found.keys / present(both)).toBeLessThan(1.05);
});

test('a column that is unique makes all keys unique', () => {
  const unique = { ...analyzed(alike, 0), distinct: -1 };
  expect(keyGroups([analyzed(crowded, 0), unique], rows)).toEqual([{ values: rows, rows: 1 }]);
});
