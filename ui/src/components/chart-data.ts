import type { Quantity } from '../format/quantity.ts';
import { textOf } from '../format/quantity.ts';

export type Values = readonly (number | null)[];

export interface ChartSeries {
  label: string;
  values: Values;
  /** A custom property: `--series-1`. */
  color: string;
}

/**
 * Adds series up for a stacked chart: each becomes the sum of itself and those before it. Where none is known there is a
 * gap; where only some are, the others count as nothing.
 */
export function stacked(series: readonly Values[]): (number | null)[][] {
  const length = Math.max(0, ...series.map((values) => values.length));
  const known = Array.from({ length }, (_, index) => series.some((values) => typeof values[index] === 'number'));
  const sums = Array.from({ length }, () => 0);
  return series.map((values) =>
    known.map((isKnown, index) => {
      if (!isKnown) return null;
      const sum = (sums[index] ?? 0) + (values[index] ?? 0);
      sums[index] = sum;
      return sum;
    }),
  );
}

/** The last point at which anything is known: what a legend shows when the cursor is elsewhere. */
export function latestIndex(series: readonly ChartSeries[]): number {
  const length = Math.max(0, ...series.map(({ values }) => values.length));
  for (let index = length - 1; index >= 0; index -= 1) {
    if (series.some(({ values }) => typeof values[index] === 'number')) return index;
  }
  return -1;
}

/**
 * Where a chart begins that has little to show: when the beginning of the range is not known and makes up more than half of
 * it (Pitcrew was just started), that part is left out, but for a lead of at least `least` points in all.
 */
export function firstShown(isKnown: (index: number) => boolean, length: number, least: number): number {
  let first = 0;
  while (first < length && !isKnown(first)) first += 1;
  if (first === length || first <= length / 2) return 0;
  return Math.max(0, Math.min(first, length - least));
}

export function hasValues(series: readonly ChartSeries[]): boolean {
  return latestIndex(series) >= 0;
}

/** A chart in a sentence, for those who do not see it. */
export function summaryOf(title: string, series: readonly ChartSeries[], format: (value: number) => Quantity): string {
  const parts = series.flatMap(({ label, values }) => {
    const known = values.filter((value) => typeof value === 'number');
    const latest = known.at(-1);
    if (latest === undefined) return [];
    const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
    return [`${label} between ${textOf(format(low))} and ${textOf(format(high))}, last ${textOf(format(latest))}`];
  });
  return parts.length === 0 ? `${title}: nothing is known in this range.` : `${title}: ${parts.join('; ')}.`;
}
