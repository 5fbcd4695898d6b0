import type { ColumnStatistics } from './column-statistics.ts';
import { align, type PageBounds, tupleWidth } from '../../../../sizes/index.ts';

const pageHeader = 24;
const linePointer = 4;
const rowHeader = 23;

/**
 * Pages of a table's rows, packed as an insert would. The rows' number may be off by a few percent after ANALYZE, which counts
 * a sample of pages. Sources: `HeapTupleHeaderData`, `heap_compute_data_size` in PostgreSQL's heaptuple.c.
 */
export function heapPages(
  rows: number,
  columns: readonly ColumnStatistics[],
  options: { blockSize: number; fillFactor: number },
): PageBounds {
  const present = columns.filter(({ dropped }) => !dropped);
  const bitmap = Math.ceil(columns.length / 8);
  const width = tupleWidth(present, (hasNulls) => align(rowHeader + (hasNulls ? bitmap : 0), 8));
  const room = (options.blockSize - pageHeader) * (options.fillFactor / 100);
  const perPage = (bytes: number): number => {
    const fitting = room / (bytes + linePointer);
    // Rows of equal size leave the rest of a page empty; of different sizes, half a row on average.
    return Math.max(1, width.constant ? Math.floor(fitting) : fitting - 0.5);
  };
  // Rows from before a column was added may lack it, those from before one was dropped may still hold it.
  const lacking = columns
    .filter(({ missing, dropped }) => missing && !dropped)
    .reduce((sum, { averageWidth }) => sum + (averageWidth ?? 0), 0);
  const holding = columns
    .filter(({ dropped }) => dropped)
    .reduce((sum, { length, alignment }) => sum + (length > 0 ? length + alignment : width.mean / 2), 0);
  const narrow = Math.max(rowHeader, width.mean - lacking) * (1 - width.error);
  const wide = (width.mean + holding) * (1 + width.error);
  return {
    low: Math.max(1, Math.floor((rows * 0.97) / perPage(narrow))),
    expected: Math.max(1, Math.ceil(rows / perPage(width.mean))),
    high: Math.max(1, Math.ceil((rows * 1.03) / perPage(wide))),
  };
}
