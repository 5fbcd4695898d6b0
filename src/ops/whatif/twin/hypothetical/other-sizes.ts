import type { HypotheticalIndex } from '../../types.ts';
import { align8 } from '../files/height.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';

const room = blockSize - 24 - 16;
/** How many elements a value of an array, a text search vector or jsonb has where statistics do not say. */
const unknownElements = 10;

/** Pages of an index other than a B-tree, just after CREATE INDEX. */
export function otherSize(
  { method }: HypotheticalIndex,
  columns: readonly IndexColumn[],
  rows: number,
  tablePages: number,
): number {
  switch (method) {
    case 'hash':
      return hashPages(rows);
    case 'gin':
      return ginPages(columns, rows);
    case 'brin':
      return brinPages(columns, tablePages);
    case 'gist':
    case 'btree':
      return gistPages(columns, rows);
  }
}

/** Buckets are a power of two up to 4, then quarters of the next; each is filled to 75 % (`HASH_DEFAULT_FILLFACTOR`). */
function hashPages(rows: number): number {
  const perBucket = Math.floor((blockSize * 0.75) / (align8(8 + 4) + 4));
  const wanted = Math.max(2, rows / perBucket);
  const power = 2 ** Math.floor(Math.log2(wanted));
  const step = power / 4;
  const buckets = power >= 4 ? power + Math.ceil((wanted - power) / step) * step : 2 ** Math.ceil(Math.log2(wanted));
  return Math.ceil(buckets) + 3;
}

/** Distinct elements with a list of rows each, whose pointers are packed as differences: about two bytes each. */
function ginPages(columns: readonly IndexColumn[], rows: number): number {
  let bytes = 0;
  for (const { elements, width, distinct } of columns) {
    const perRow = elements?.perRow ?? unknownElements;
    const pointers = rows * perRow;
    const values = elements ? Math.max(elements.distinct, Math.sqrt(pointers)) : Math.min(distinct(rows) * 2, pointers);
    const valueBytes = Math.max(4, Math.min(width / Math.max(1, perRow), 32));
    bytes += values * (align8(8 + valueBytes) + 8) + pointers * 2.2;
  }
  return 2 + Math.ceil(bytes / (room * 0.9));
}

/** One summary for each 128 pages of the table, and a map of where they are. */
function brinPages(columns: readonly IndexColumn[], tablePages: number): number {
  const ranges = Math.max(1, Math.ceil(tablePages / 128));
  const summary = align8(8 + columns.reduce((bytes, { width }) => bytes + 2 * width, 0)) + 4;
  return 1 + Math.ceil(ranges / 1360) + Math.ceil((ranges * summary) / room);
}

/** Tuples of both values' bounds, pages filled as splitting leaves them. */
function gistPages(columns: readonly IndexColumn[], rows: number): number {
  const tuple = align8(8 + columns.reduce((bytes, { width }) => bytes + width, 0)) + 4;
  const leaves = Math.ceil((rows * tuple) / (room * 0.75));
  return 1 + Math.ceil(leaves * (1 + tuple / (room * 0.75)));
}
