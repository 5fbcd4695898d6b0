import { type SizedColumn, widthOf } from './column.ts';

/** So many rows are laid out, with values as the statistics have them. */
const samples = 256;
/** Values with their header: longer ones have one of 4 bytes and are aligned, others 1 byte and are not. */
const longestShort = 127;
/** Values of unknown widths are taken to vary by so much around the average. */
const variation = 0.1;
/** Spreads the columns' values over the samples so that they do not go together. */
const golden = 0.618_033_988_75;

/** What rows of these columns take up, headers and alignment included. */
export interface TupleWidth {
  /** Mean bytes. */
  mean: number;
  /** Every row takes the same. */
  constant: boolean;
  /** Share by which the mean may be wrong, 0–1, as far as widths go. */
  error: number;
}

export function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** A number from 0 to below 1 for a sample and a column: evenly spread, and the same every time. */
function spread(sample: number, column: number): number {
  const value = (sample + 0.5) / samples + (sample + 1) * column * golden;
  return value - Math.floor(value);
}

/**
 * Lays out rows as PostgreSQL does: each value at a multiple of its alignment, texts by their sampled lengths, NULLs left out, the
 * whole rounded up to 8 bytes. `header` gives the bytes before the values, with and without NULLs.
 */
export function tupleWidth(columns: readonly SizedColumn[], header: (hasNulls: boolean) => number): TupleWidth {
  const scales = columns.map(scaleOf);
  const widths = Array.from({ length: samples }, (_, sample) => {
    const isNull = columns.map(({ nullShare }, index) => spread(sample, 2 * index + 1) < (nullShare ?? 0));
    let offset = header(isNull.includes(true));
    for (const [index, column] of columns.entries()) {
      if (isNull[index]) continue;
      const value = valueBytes(column, scales[index] ?? 1, spread(sample, 2 * index));
      const isShort = column.length === -1 && value <= longestShort;
      offset = (isShort ? offset : align(offset, column.alignment)) + value;
    }
    return align(offset, 8);
  });
  const mean = widths.reduce((sum, width) => sum + width, 0) / samples;
  const unknownShare =
    columns
      .filter((column) => column.length < 0 && !isKnown(column))
      .reduce((sum, { averageWidth }) => sum + (averageWidth ?? 0), 0) / mean;
  const constant = Math.min(...widths) === Math.max(...widths);
  return { mean, constant, error: (constant ? 0.02 : 0.05) + 0.1 * Math.min(1, unknownShare) };
}

/** Of an index: its header is twice as long where a bitmap says which values are NULL. */
export function indexTupleWidth(columns: readonly SizedColumn[]): TupleWidth {
  return tupleWidth(columns, (hasNulls) => (hasNulls ? 16 : 8));
}

function isKnown({ widths }: SizedColumn): boolean {
  return widths !== null && widths.length > 0;
}

/** Bytes of one value, its header included. */
function valueBytes(column: SizedColumn, scale: number, position: number): number {
  const { length, widths } = column;
  if (length > 0) return length;
  if (widths === null || widths.length === 0)
    return Math.max(1, Math.round(widthOf(column) * (1 + variation * (2 * position - 1))));
  return Math.max(1, Math.round((widths[Math.floor(position * widths.length)] ?? 0) * scale));
}

/** By what sampled widths have to be multiplied to have the average width: compressed and very long values are not as they look. */
function scaleOf({ widths, averageWidth }: SizedColumn): number {
  if (widths === null || widths.length === 0 || averageWidth === null) return 1;
  const ratio = averageWidth / (widths.reduce((sum, width) => sum + width, 0) / widths.length);
  return Math.abs(ratio - 1) < 0.03 ? 1 : ratio;
}
