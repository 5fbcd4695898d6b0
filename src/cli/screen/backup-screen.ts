import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatMs } from './format.ts';
import { renderTable } from './table.ts';

/** All backups, one a line. */
export function backupTable(repository: string, backups: readonly BackupRecord[]): string {
  if (backups.length === 0) return `No complete backup is in ${repository}.`;
  const rows = backups.map((backup) => {
    const { bytes, storedBytes } = sizesOf(backup);
    const took = backup.endedAt.getTime() - backup.startedAt.getTime();
    return [
      backup.id,
      backup.type,
      minute(backup.endedAt),
      formatMs(took),
      formatBytes(bytes),
      formatBytes(storedBytes),
      backup.recipients.length > 0 ? 'yes' : 'no',
    ];
  });
  const columns = [
    { title: 'Backup' },
    { title: 'Type' },
    { title: 'Usable from' },
    { title: 'Took', align: 'right' as const },
    { title: 'Size', align: 'right' as const },
    { title: 'Stored', align: 'right' as const },
    { title: 'Encrypted' },
  ];
  return renderTable(columns, rows).join('\n');
}

/** All that is known of one. */
export function backupLines(backup: BackupRecord): string[] {
  const { bytes, storedBytes } = sizesOf(backup);
  const took = backup.endedAt.getTime() - backup.startedAt.getTime();
  const facts: [string, string][] = [
    ['Type', backup.type],
    ['Server', `PostgreSQL ${Math.floor(backup.serverVersion / 10_000)}, cluster ${backup.systemId}`],
    ['Usable from', `${backup.endedAt.toISOString()} (${lsnText(backup.endLsn)}, timeline ${backup.timeline})`],
    ['Took', formatMs(took)],
    ['Size', `${formatBytes(bytes)}, stored as ${formatBytes(storedBytes)}`],
    ['Encrypted', backup.recipients.length > 0 ? `for ${backup.recipients.join(', ')}` : 'no'],
    ...backup.tablespaces.map(({ location }): [string, string] => ['Tablespace', location]),
    ...backup.warnings.map((text): [string, string] => ['Warning', text]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [paint('bold', backup.id), ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}

function sizesOf({ files }: BackupRecord): { bytes: number; storedBytes: number } {
  return {
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    storedBytes: files.reduce((sum, file) => sum + file.storedBytes, 0),
  };
}

const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
