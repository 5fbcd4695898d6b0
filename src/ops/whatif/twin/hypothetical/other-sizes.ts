import type { HypotheticalIndex } from '../../types.ts';
import { align, indexTupleWidth, widthOf } from '../../../sizes/index.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';
import { hashPages } from './hash-size.ts';

const room = blockSize - 24 - 16;
const lineBytes = 4;

/** Pages of an index other than a B-tree and GIN, just after CREATE INDEX. */
export function otherSize(
  { method }: HypotheticalIndex,
  columns: readonly IndexColumn[],
  rows: number,
  tablePages: number,
): number {
  switch (method) {
    case 'hash':
      return hashPages(columns, rows);
    case 'brin':
      return brinPages(columns, tablePages);
    case 'gist':
    case 'gin':
    case 'btree':
      return gistPages(columns, rows);
  }
}

/** One summary for each 128 pages of the table, and a map of where they are. */
function brinPages(columns: readonly IndexColumn[], tablePages: number): number {
  const ranges = Math.max(1, Math.ceil(tablePages / 128));
  const summary = align(8 + columns.reduce((bytes, column) => bytes + 2 * widthOf(column), 0), 8) + lineBytes;
  return 1 + Math.ceil(ranges / 1360) + Math.ceil((ranges * summary) / room);
}

/** Pages are packed when the rows are sorted first, and left half empty by splitting otherwise. */
function gistPages(columns: readonly IndexColumn[], rows: number): number {
  // A signature of trigrams: at the leaves, the trigrams themselves.
  const kept = columns.map((column) =>
    column.type.endsWith('gtrgm') ? { ...column, averageWidth: 5 + 3 * widthOf(column), widths: null } : column,
  );
  const fill = columns.every(({ sorted, key }) => sorted || !key) ? 0.97 : 0.7;
  const tuple = indexTupleWidth(kept).mean + lineBytes;
  const leaves = Math.ceil((rows * tuple) / (room * fill));
  return 1 + Math.ceil(leaves * (1 + tuple / (room * fill)));
}
