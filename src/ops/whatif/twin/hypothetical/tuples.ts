import { align8 } from '../files/height.ts';
import type { IndexColumn } from './columns.ts';

/** Header of an index tuple; with a bitmap of NULLs it is twice as long. */
const header = 8;
/** Values of their own length are taken to vary by so much around the average, where none are known. */
const spread = [-0.1, -0.05, 0, 0.05, 0.1];
/** So many tuples are made of what is known of their values. */
const samples = 100;
/** Far apart in each column's own order, so that a short value of one does not always meet a short one of the other. */
const stride = 37;

/**
 * Average bytes of an index tuple, rounded up as tuples are: without NULLs, and with at least one, by how likely that is. Columns
 * are taken to be NULL independently of each other.
 */
export function averageTuple(columns: readonly IndexColumn[]): number {
  const whole = columns.reduce((share, { nullFraction }) => share * (1 - nullFraction), 1);
  const full = tupleOf(columns, () => 1, header);
  if (whole > 0.9999) return full;
  const partly = tupleOf(columns, ({ nullFraction }) => (1 - nullFraction - whole) / (1 - whole), 2 * header);
  return whole * full + (1 - whole) * partly;
}

function tupleOf(columns: readonly IndexColumn[], present: (column: IndexColumn) => number, begin: number): number {
  if (columns.every(({ length }) => length > 0)) return align8(begin + dataBytes(columns, present, 0));
  const sizes = Array.from({ length: samples }, (_, at) => align8(begin + dataBytes(columns, present, at)));
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

/** Bytes of one of the values of a column; `position`: of the column in the index. */
function widthOf({ length, width, widths }: IndexColumn, at: number, position: number): number {
  if (length !== -1) return width;
  const turn = at * stride ** position + position;
  const share = spread[turn % spread.length] ?? 0;
  return widths?.[turn % widths.length] ?? Math.max(1, Math.round(width * (1 + share)));
}

/** Values one after the other, each at a multiple of what its type asks for. */
function dataBytes(columns: readonly IndexColumn[], present: (column: IndexColumn) => number, at: number): number {
  let offset = 0;
  for (const [position, column] of columns.entries()) {
    const { align, length } = column;
    const varies = length === -1;
    const own = widthOf(column, at, position);
    // A short value of its own length has a header of one byte, and stands anywhere.
    const start = varies && own < 127 ? offset : Math.ceil(offset / align) * align;
    const likely = present(column);
    offset = offset * (1 - likely) + (start + own) * likely;
  }
  return Math.ceil(offset - 1e-6);
}
