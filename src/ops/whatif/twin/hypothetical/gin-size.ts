import { align, distinctOf, widthOf } from '../../../sizes/index.ts';
import { blockSize } from '../files/page.ts';
import type { IndexColumn } from './columns.ts';

const room = blockSize - 24 - 8;
/** How many elements a value of jsonb has, of which there are no statistics. */
const unknownElements = 6;
const usualElements = 5000;
/** Bytes of a word in a text search vector. */
const wordBytes = 12;
/** Trigrams that texts of a language have. */
const usualTrigrams = 1500;
/** Lists of rows up to so many bytes stay with their element (`GinMaxItemSize`); longer ones have pages of their own. */
const inlineLimit = 2700;
/** Pages of elements are split in halves as they fill. */
const entryFill = 0.55;

/**
 * Pages of a GIN index: each different element with the list of its rows, packed as differences. Statistics know the most
 * frequent elements only, so of all sizes this is the roughest: within a factor of two.
 */
export function ginPages(columns: readonly IndexColumn[], rows: number, tablePages: number): number {
  let entryBytes = 0;
  let listPages = 0;
  for (const column of columns) {
    for (const { values, each, bytes } of elementsOf(column, rows)) {
      const list = each * pointerBytes(each, tablePages);
      const inline = list <= inlineLimit;
      entryBytes += values * (align(8 + bytes + (inline ? list : 8), 8) + 4);
      if (!inline) listPages += values * Math.ceil(list / (room * 0.9));
    }
  }
  return 2 + Math.ceil(entryBytes / (room * entryFill)) + Math.ceil(listPages);
}

/** Seven bits of the distance to the next row in each byte, where a page of the table counts 2,048. */
function pointerBytes(each: number, tablePages: number): number {
  const distance = Math.max(2, (Math.max(1, tablePages) / Math.max(1, each)) * 2048);
  return Math.min(6, Math.max(1, Math.ceil(Math.log2(distance) / 7)));
}

interface Elements {
  values: number;
  /** Rows that each is in. */
  each: number;
  bytes: number;
}

function elementsOf(column: IndexColumn, rows: number): Elements[] {
  if (column.elements) {
    const { shares } = column.elements;
    const perRow = column.elements.perRow ?? widthOf(column) / wordBytes;
    const bytes = Math.max(2, widthOf(column) / Math.max(1, perRow));
    const known = shares.reduce((sum, share) => sum + share, 0);
    const rest = Math.max(0, perRow - known) * rows;
    const least = shares.at(-1) ?? 1;
    // Those that are not among the most frequent: somewhere between each its own row, and just less frequent than those.
    const values = Math.sqrt(rest * Math.max(1, rest / Math.max(1, least * rows)));
    return [
      ...shares.map((share) => ({ values: 1, each: share * rows, bytes })),
      ...(rest >= 1 ? [{ values: Math.max(1, values), each: rest / Math.max(1, values), bytes }] : []),
    ];
  }
  if (column.columnType !== 'jsonb') {
    // Trigrams of a text, which are kept as numbers.
    const pointers = rows * Math.max(1, widthOf(column));
    return [
      { values: Math.min(usualTrigrams, pointers), each: pointers / Math.min(usualTrigrams, pointers), bytes: 4 },
    ];
  }
  // Of jsonb: keys and the values of few kinds in many rows, and others that are a row's own.
  const pointers = rows * unknownElements;
  const own = Math.min(distinctOf(column, rows), pointers);
  const common = Math.min(usualElements, pointers);
  return [
    { values: own, each: 1, bytes: 8 },
    { values: common, each: Math.max(1, (pointers - own) / common), bytes: 8 },
  ];
}
