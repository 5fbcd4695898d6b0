import { paint } from '../output.ts';
import { formatCount, formatRatio, oneLine } from './format.ts';
import type { TableUsage } from './look.ts';
import { renderTable } from './table.ts';

/** Large tables that were read whole, and how often an index was used instead. */
export function tableLines(tables: readonly TableUsage[], columns: number): string[] {
  if (tables.length === 0) return [];
  return [
    `${paint('bold', 'Index usage')}  ${paint('dim', 'of large tables that are read whole, since statistics began')}`,
    ...renderTable(
      [
        { title: paint('dim', '  by index'), align: 'right' },
        { title: paint('dim', 'whole scans'), align: 'right' },
        { title: paint('dim', 'index scans'), align: 'right' },
        { title: paint('dim', 'rows'), align: 'right' },
        { title: paint('dim', 'table') },
      ],
      tables.map(({ table, rows, seqScans, indexScans, indexRatio }) => [
        formatRatio(indexRatio),
        formatCount(seqScans),
        formatCount(indexScans),
        formatCount(rows),
        oneLine(table, columns - 50),
      ]),
    ),
  ];
}
