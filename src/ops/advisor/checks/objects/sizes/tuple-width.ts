import type { ColumnStatistics } from './column-statistics.ts';

/** So many rows are laid out, with values as the statistics have them. */
const samples = 256;
/** Values longer than this have a header of 4 bytes and are aligned; shorter ones have 1 byte and are not. */
const longestShort = 126;
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
export function tupleWidth(columns: readonly ColumnStatistics[], header: (hasNulls: boolean) => number): TupleWidth {
  const scales = columns.map(scaleOf);
  const widths = Array.from({ length: samples }, (_, sample) => {
    const isNull = columns.map(({ nullShare }, index) => spread(sample, 2 * index + 1) < (nullShare ?? 0));
    let offset = header(isNull.includes(true));
    for (const [index, column] of columns.entries()) {
      if (isNull[index]) continue;
      offset =
        column.length > 0
          ? align(offset, column.alignment) + column.length
          : append(offset, column, valueBytes(column, scales[index] ?? 1, spread(sample, 2 * index)));
    }
    return align(offset, 8);
  });
  const mean = widths.reduce((sum, width) => sum + width, 0) / samples;
  const unknownShare =
    columns
      .filter(({ length, textLengths }) => length < 0 && textLengths === null)
      .reduce((sum, { averageWidth }) => sum + (averageWidth ?? 0), 0) / mean;
  const constant = Math.min(...widths) === Math.max(...widths);
  return { mean, constant, error: (constant ? 0.02 : 0.05) + 0.1 * Math.min(1, unknownShare) };
}

function append(offset: number, { alignment }: ColumnStatistics, value: number): number {
  return value > longestShort + 1 ? align(offset, alignment) + value : offset + value;
}

/** Bytes of one value whose length varies, its header included. */
function valueBytes({ textLengths, averageWidth }: ColumnStatistics, scale: number, position: number): number {
  if (textLengths === null || textLengths.length === 0)
    return Math.max(1, (averageWidth ?? 0) + Math.round(position * 7 - 3.5));
  const length = Math.round((textLengths[Math.floor(position * textLengths.length)] ?? 0) * scale);
  return length + (length > longestShort ? 4 : 1);
}

/** By what sampled lengths have to be multiplied to have the average width: compressed and very long values are not as they look. */
function scaleOf({ textLengths, averageWidth }: ColumnStatistics): number {
  if (textLengths === null || textLengths.length === 0 || averageWidth === null) return 1;
  const total = textLengths.reduce((sum, length) => sum + length + (length > longestShort ? 4 : 1), 0);
  const ratio = averageWidth / (total / textLengths.length);
  return Math.abs(ratio - 1) < 0.03 ? 1 : ratio;
}
