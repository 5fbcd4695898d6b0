import { distinctOf, type SizedColumn } from './column.ts';
import { evenly, type Values, valuesOf } from './values.ts';

/** So many keys that are equal to none other, each of so many rows. */
export interface KeyGroup {
  values: number;
  rows: number;
}

/** Where there are more rows than this for each value, how they vary hardly matters. */
const manyRows = 20;

/**
 * How many different keys there are, and how many rows each has. Rows fall on the possible keys by lot (Poisson's distribution); those of
 * several columns are as frequent as the product of their values, as if the columns did not depend on each other. `together`: how many
 * combinations of several keys there are, where that is known.
 */
export function keyGroups(keys: readonly SizedColumn[], rows: number, together?: number): KeyGroup[] {
  if (keys.some((key) => isUnique(key, rows))) return [{ values: rows, rows: 1 }];
  const possible =
    together === undefined
      ? keys.map((key) => valuesOf(key, rows)).reduce((some, more) => combined(some, more), [{ count: 1, share: 1 }])
      : [evenly(Math.min(together, rows), 1, rows)];
  const groups: KeyGroup[] = [];
  const few = new Map<number, number>();
  for (const { count, share } of possible) {
    const rate = share * rows;
    if (rate > manyRows) groups.push({ values: count, rows: rate });
    else spread(count, rate, few);
  }
  return [...groups, ...Array.from(few, ([each, values]) => ({ values, rows: each }))];
}

function isUnique(column: SizedColumn, rows: number): boolean {
  return !column.nullShare && distinctOf(column, rows) >= rows * 0.999;
}

/** Adds how many of so many keys get 1, 2, 3 … rows. */
function spread(count: number, rate: number, into: Map<number, number>): void {
  let share = Math.exp(-rate);
  for (let size = 1; size <= 4 * manyRows; size += 1) {
    share *= rate / size;
    if (share * count > 1e-6) into.set(size, (into.get(size) ?? 0) + share * count);
  }
}

/** Every value of one with every value of the other; what is about as frequent is put together, a quarter of an octave each. */
function combined(some: readonly Values[], more: readonly Values[]): Values[] {
  if (some.length === 1 && some[0]?.share === 1) return [...more];
  const bins = new Map<number, { count: number; rows: number }>();
  for (const one of some) {
    for (const other of more) {
      const count = one.count * other.count;
      const share = one.share * other.share;
      const bin = Math.round(Math.log2(share) * 4);
      const known = bins.get(bin) ?? { count: 0, rows: 0 };
      bins.set(bin, { count: known.count + count, rows: known.rows + count * share });
    }
  }
  return [...bins.values()].map(({ count, rows }) => ({ count, share: rows / count }));
}
