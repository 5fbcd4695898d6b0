import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord, Pruned } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';
import { sizesOf, tookMs } from './backup-list.ts';
import { formatBytes, formatMs, formatRatio } from './format.ts';
import { renderTable } from './table.ts';

/** All that is known of one. */
export function backupLines(backup: BackupRecord): string[] {
  const { bytes, storedBytes } = sizesOf(backup);
  const facts: [string, string][] = [
    ['Type', backup.parent === null ? backup.type : `${backup.type}, builds on ${backup.parent}`],
    ...(backup.reason === undefined ? [] : [['Because', backup.reason] as [string, string]]),
    ...(backup.changedRatio === undefined ? [] : [['Changed', formatRatio(backup.changedRatio)] as [string, string]]),
    ['Server', `PostgreSQL ${Math.floor(backup.serverVersion / 10_000)}, cluster ${backup.systemId}`],
    ['Usable from', `${backup.endedAt.toISOString()} (${lsnText(backup.endLsn)}, timeline ${backup.timeline})`],
    ['Took', formatMs(tookMs(backup))],
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
  { decisions, segments, gaps, leftovers, freedBytes, keptBytes, beyondBytes, dumps }: Pruned,
  { done }: { done: boolean },
): string[] {
  const all = [
    ...decisions.map((each) => ({ ...each, id: each.backup.id })),
    ...dumps.map((each) => ({ ...each, id: each.dump.id, toItsEnd: undefined })),
  ];
  const rows = all.map(({ id, keep, reasons, toItsEnd }) => [
    id,
    keep ? 'kept' : paint('yellow', done ? 'removed' : 'goes'),
    reasonsText(reasons, toItsEnd),
  ]);
  const gone = all.filter(({ keep }) => !keep).length;
  const parts = [
    `${gone} of ${all.length} backups`,
    `${segments.count} segments of log`,
    ...(gaps.length > 0 ? [`${gaps.length} records of lost log`] : []),
    ...(leftovers.length > 0 ? [`what ${leftovers.length} backups that died have left`] : []),
  ];
  const nothing = gone + segments.count + gaps.length + leftovers.length === 0;
  return [
    ...renderTable([{ title: 'Backup' }, { title: '' }, { title: 'Why' }], rows),
    '',
    nothing
      ? 'Nothing is too much.'
      : `${done ? 'Removed' : 'To be removed'}: ${parts.join(', ')}; ${formatBytes(freedBytes)}. What stays has ${formatBytes(keptBytes)}.`,
    ...(beyondBytes === null
      ? []
      : [
          paint(
            'yellow',
            `The limit of ${formatBytes(beyondBytes)} is not met: what stays is pinned, of the last, or needed by those.`,
          ),
        ]),
  ];
}

const reasonsText = (reasons: readonly string[], toItsEnd: string | undefined): string =>
  `${reasons.join(', ')}${toItsEnd === undefined ? '' : `; restores to its end only: ${toItsEnd}`}`;
