import type { HypotheticalIndex } from '../../types.ts';
import { align8 } from '../files/height.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';
import { ginPages } from './gin-size.ts';
import { keyGroups } from './groups.ts';
import { averageTuple } from './tuples.ts';

const room = blockSize - 24 - 16;
const lineBytes = 4;

/** Pages of an index other than a B-tree, just after CREATE INDEX. */
export function otherSize(
  { method }: HypotheticalIndex,
  columns: readonly IndexColumn[],
  rows: number,
  tablePages: number,
): number {
  switch (method) {
    case 'hash':
      return hashPages(columns, rows);
    case 'gin':
      return ginPages(columns, rows, tablePages);
    case 'brin':
      return brinPages(columns, tablePages);
    case 'gist':
    case 'btree':
      return gistPages(columns, rows);
  }
}

/**
 * Buckets are a power of two up to 4, then quarters of the next; each is filled to 75 % (`HASH_DEFAULT_FILLFACTOR`). A value with
 * more rows than a page holds goes on in further pages.
 */
function hashPages(columns: readonly IndexColumn[], rows: number): number {
  const tuple = align8(8 + 4) + lineBytes;
  const wanted = Math.max(2, rows / Math.floor((blockSize * 0.75) / tuple));
  const power = 2 ** Math.floor(Math.log2(wanted));
  const step = power / 4;
  const buckets = power >= 4 ? power + Math.ceil((wanted - power) / step) * step : 2 ** Math.ceil(Math.log2(wanted));
  const overflow = keyGroups(columns, rows).reduce(
    (pages, { values, rows: each }) => pages + values * Math.max(0, Math.ceil((each * tuple) / room) - 1),
    0,
  );
  return Math.ceil(buckets + overflow) + 3;
}

/** One summary for each 128 pages of the table, and a map of where they are. */
function brinPages(columns: readonly IndexColumn[], tablePages: number): number {
  const ranges = Math.max(1, Math.ceil(tablePages / 128));
  const summary = align8(8 + columns.reduce((bytes, { width }) => bytes + 2 * width, 0)) + lineBytes;
  return 1 + Math.ceil(ranges / 1360) + Math.ceil((ranges * summary) / room);
}

/** Pages are packed when the rows are sorted first, and left half empty by splitting otherwise. */
function gistPages(columns: readonly IndexColumn[], rows: number): number {
  // A signature of trigrams: at the leaves, the trigrams themselves.
  const kept = columns.map((column) =>
    column.type.endsWith('gtrgm') ? { ...column, width: 5 + 3 * column.width } : column,
  );
  const fill = columns.every(({ sorted, key }) => sorted || !key) ? 0.97 : 0.7;
  const tuple = averageTuple(kept) + lineBytes;
  const leaves = Math.ceil((rows * tuple) / (room * fill));
  return 1 + Math.ceil(leaves * (1 + tuple / (room * fill)));
}
