import type { IndexColumn } from './columns.ts';

/** So many keys that are equal to none other, each of so many rows. */
export interface KeyGroup {
  values: number;
  rows: number;
}

/** Where there are more rows than this for each value, how they vary hardly matters. */
const manyRows = 20;

/**
 * How many different keys there are, and how many rows each has: NULL and the most frequent values one by one; the others as
 * often as chance would have it.
 */
export function keyGroups(keys: readonly IndexColumn[], rows: number): KeyGroup[] {
  const [first] = keys;
  if (keys.length === 1 && first) {
    const nulls = rows * first.nullFraction;
    const common = first.frequencies.map((share) => ({ values: 1, rows: share * rows }));
    const rest = rows - nulls - common.reduce((sum, group) => sum + group.rows, 0);
    return [
      ...(nulls >= 1 ? [{ values: 1, rows: nulls }] : []),
      ...common,
      ...byChance(first.distinct(rows) - common.length, rest),
    ];
  }
  const nulls = rows * keys.reduce((share, { nullFraction }) => share * nullFraction, 1);
  const distinct = keys.reduce((product, key) => product * (key.distinct(rows) + (key.nullFraction > 0 ? 1 : 0)), 1);
  return [
    ...(nulls >= 1 ? [{ values: 1, rows: nulls }] : []),
    ...byChance(Math.min(distinct, rows - nulls), rows - nulls),
  ];
}

/** Rows spread over values as if by lot: Poisson's distribution, given that each value was drawn. */
function byChance(values: number, rows: number): KeyGroup[] {
  if (rows < 1) return [];
  const count = Math.max(1, Math.min(values, rows));
  const mean = rows / count;
  if (mean > manyRows || mean < 1.02) return [{ values: count, rows: mean }];
  const lambda = rateOf(mean);
  const groups: KeyGroup[] = [];
  let share = Math.exp(-lambda) / (1 - Math.exp(-lambda));
  for (let size = 1; size <= 4 * manyRows; size += 1) {
    share *= lambda / size;
    if (share * count >= 0.5) groups.push({ values: share * count, rows: size });
  }
  return groups;
}

/** The rate at which those that are not zero have this mean: the solution of λ / (1 − e^−λ) = mean. */
function rateOf(mean: number): number {
  let rate = mean;
  for (let step = 0; step < 50; step += 1) rate = mean * (1 - Math.exp(-rate));
  return rate;
}
