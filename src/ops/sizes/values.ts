import { distinctOf, type SizedColumn } from './column.ts';

/** So many possible values, and the share of all rows that each of them has. */
export interface Values {
  count: number;
  share: number;
}

/** Tails are counted up to so many pieces. */
const tailPieces = 60;
/** The most frequent values tell of the others only where there are many of them. */
const leastCommon = 30;

/**
 * What statistics say of how the rows are spread over a column's values. NULL and the most frequent values are known one by one. Of
 * the others only their number is, as ANALYZE guessed it from a sample (Haas and Stokes's estimator "Duj1"), which is too small where
 * some are much rarer than others. So two more things are looked at: whether the most frequent values become rarer by a power law, as
 * ranks do in life (Zipf), which then goes on; else whether the histogram is dense in some places and sparse in others. Both are
 * taken only as far as a sample from them would have made ANALYZE guess what it guessed.
 */
export function valuesOf(column: SizedColumn, rows: number): Values[] {
  const nullShare = column.nullShare ?? 0;
  const common = column.commonShares ?? [];
  const known = [
    ...(nullShare * rows >= 1 ? [{ count: 1, share: nullShare }] : []),
    ...common.map((share) => ({ count: 1, share })),
  ];
  const share = Math.max(0, 1 - nullShare - common.reduce((sum, each) => sum + each, 0));
  if (share * rows < 1) return known;
  const distinct = distinctOf(column, rows);
  const rest = Math.max(1, Math.min(distinct - common.length, share * rows));
  const sample: Sample = { rows, common: common.length, size: Math.min(rows, 300 * statisticsTarget(column)) };
  const spread = tailOf(common, share, distinct, sample) ?? histogramOf(column, share, distinct, sample);
  return [...known, ...(spread ?? [evenly(rest, share, rows)])];
}

/** Values of which so many have a row at least: there are more of them where chance leaves some without. */
export function evenly(distinct: number, share: number, rows: number): Values {
  const rate = rateOf((share * rows) / distinct);
  const count = distinct / -Math.expm1(-rate);
  return { count, share: share / count };
}

/** The rate at which those that are not zero have this mean: the solution of λ / (1 − e^−λ) = mean. */
function rateOf(mean: number): number {
  let rate = mean;
  for (let step = 0; step < 100; step += 1) rate = mean * -Math.expm1(-rate);
  return Math.max(rate, 1e-3);
}

interface Sample {
  rows: number;
  /** Rows that ANALYZE looked at. */
  size: number;
  /** How many values it found to be frequent. */
  common: number;
}

function statisticsTarget({ bounds, commonShares }: SizedColumn): number {
  return Math.max(100, (bounds?.length ?? 0) - 1, commonShares?.length ?? 0);
}

/** How many different values ANALYZE would think there are, from a sample of such values. */
function guessOf(values: readonly Values[], { rows, size, common }: Sample): number {
  let seen = common;
  let once = 0;
  for (const { count, share } of values) {
    const rate = size * share;
    seen += count * -Math.expm1(-rate);
    once += count * rate * Math.exp(-rate);
  }
  return Math.min(rows, Math.max(seen, (size * seen) / (size - once + (once * size) / rows)));
}

/** A power law through the most frequent values, as far as it would make ANALYZE guess what it guessed. */
function tailOf(frequencies: readonly number[], share: number, distinct: number, sample: Sample): Values[] | undefined {
  const tail = powerTail(frequencies, share);
  if (!tail) return undefined;
  const guess = guessOf(tail, sample);
  return guess > distinct * 0.67 && guess < distinct * 1.5 ? tail : undefined;
}

/**
 * A power law through the most frequent values, largest first, continued until values have all of `share`; `undefined` where there
 * are too few of them, or they do not follow one.
 */
export function powerTail(frequencies: readonly number[], share: number): Values[] | undefined {
  const last = frequencies.at(-1);
  if (frequencies.length < leastCommon || last === undefined) return undefined;
  const exponent = slopeOf(frequencies);
  if (exponent < 0.5 || exponent > 2.5) return undefined;
  const tail: Values[] = [];
  let from = frequencies.length;
  let left = share;
  const base = frequencies.length;
  // The last of them was the most frequent of those that were left out: all of a kind, it may have been luck.
  const middle = frequencies[Math.floor(base / 2)] ?? last;
  const frequencyAt = (rank: number): number => middle * (rank / (base / 2)) ** -exponent;
  for (let piece = 0; piece < tailPieces * 4 && left > 0; piece += 1) {
    const to = from * 1.15 + 1;
    const each = frequencyAt((from + to) / 2);
    const count = Math.min(to - from, left / each);
    tail.push({ count, share: each });
    left -= count * each;
    from = to;
  }
  return left > share * 0.01 ? undefined : tail;
}

/** By how much the logarithm of the frequency falls with that of the rank; the first few are left out, since they often stand apart. */
function slopeOf(frequencies: readonly number[]): number {
  const points = frequencies
    .map((frequency, at) => ({ x: Math.log(at + 1), y: Math.log(frequency) }))
    .slice(Math.min(4, frequencies.length - 2));
  const mean = (of: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  const variance = mean((point) => (point.x - x) ** 2);
  return variance > 0 ? -mean((point) => (point.x - x) * (point.y - y)) / variance : 0;
}

/** As many values in each part of the histogram as it is wide, in a unit in which ANALYZE would guess what it did. */
function histogramOf({ bounds }: SizedColumn, share: number, distinct: number, sample: Sample): Values[] | undefined {
  if (!bounds || bounds.length < 10) return undefined;
  const widths = bounds.slice(1).map((bound, at) => bound - (bounds[at] ?? bound));
  const total = widths.reduce((sum, width) => sum + width, 0);
  if (!(total > 0) || widths.some((width) => !(width >= 0))) return undefined;
  const part = share / widths.length;
  const at = (unit: number): Values[] =>
    widths.map((width) => {
      const count = Math.max(1, (width / total) * unit);
      return { count, share: part / count };
    });
  let low = 0;
  let high = Math.log(sample.rows * 1e4);
  if (guessOf(at(Math.exp(high)), sample) < distinct * 0.98) return undefined;
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (guessOf(at(Math.exp(middle)), sample) < distinct) low = middle;
    else high = middle;
  }
  return at(Math.exp(high));
}
