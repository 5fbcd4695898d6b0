import type { DumpRecord } from '../../ops/backup/index.ts';
import { formatBytes } from './format.ts';
import { renderTable } from './table.ts';

/** Logical backups, one a line. */
export function dumpList(dumps: readonly DumpRecord[]): string {
  const rows = dumps.map(({ id, database, tables, startedAt, file, recipients }) => [
    id,
    database,
    tables.length === 0 ? 'all' : tables.join(', '),
    `${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    formatBytes(file.bytes),
    formatBytes(file.storedBytes),
    recipients.length > 0 ? 'yes' : 'no',
  ]);
  const columns = [
    { title: 'Dump' },
    { title: 'Database' },
    { title: 'Tables' },
    { title: 'As of' },
    { title: 'Size', align: 'right' as const },
    { title: 'Stored', align: 'right' as const },
    { title: 'Encrypted' },
  ];
  return renderTable(columns, rows).join('\n');
}
