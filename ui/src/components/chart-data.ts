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
 * The points of a chart that are worth showing, as indices. What is collected more seldom than the chart has points leaves
 * regular holes; they are left out, so that a line is a line. A hole of more than three of those stays a hole, and both ends
 * stay, so that charts side by side span the same time.
 */
export function shownPoints(isKnown: (index: number) => boolean, length: number): number[] {
  const all = Array.from({ length }, (_, index) => index);
  const known = all.filter((index) => isKnown(index));
  const first = known[0];
  if (first === undefined) return all;
  const cadence = cadenceOf(known);
  if (cadence <= 1) return all;
  const points = known.flatMap((index, position) => {
    const next = known[position + 1];
    return next !== undefined && next - index > cadence * 3 ? [index, index + 1] : [index];
  });
  return [...new Set([0, ...points, length - 1])];
}

/** How far apart known points usually are. */
function cadenceOf(known: readonly number[]): number {
  const distances = known.slice(1).map((index, position) => index - (known[position] ?? index));
  return distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 1;
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
