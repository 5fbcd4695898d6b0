import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord, Pruned } from '../../ops/backup/index.ts';
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
    ['Type', backup.parent === null ? backup.type : `${backup.type}, builds on ${backup.parent}`],
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

/** What is kept and what goes, newest first, each with its reason. */
export function pruneLines(
  { decisions, segments, leftovers, freedBytes }: Pruned,
  { done }: { done: boolean },
): string[] {
  const rows = decisions.map(({ backup, keep, reasons }) => [
    backup.id,
    keep ? 'kept' : paint('yellow', done ? 'removed' : 'goes'),
    reasons.join(', '),
  ]);
  const gone = decisions.filter(({ keep }) => !keep).length;
  const parts = [
    `${gone} of ${decisions.length} backups`,
    `${segments.length} segments of log`,
    ...(leftovers.length > 0 ? [`what ${leftovers.length} backups that died have left`] : []),
  ];
  const nothing = gone + segments.length + leftovers.length === 0;
  return [
    ...renderTable([{ title: 'Backup' }, { title: '' }, { title: 'Why' }], rows),
    '',
    nothing
      ? 'Nothing is too much.'
      : `${done ? 'Removed' : 'To be removed'}: ${parts.join(', ')}; ${formatBytes(freedBytes)}.`,
  ];
}

function sizesOf({ files }: BackupRecord): { bytes: number; storedBytes: number } {
  return {
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    storedBytes: files.reduce((sum, file) => sum + file.storedBytes, 0),
  };
}

const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
