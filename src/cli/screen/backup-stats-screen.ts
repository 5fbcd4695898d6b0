import type { RepositoryStats, RetentionClass } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';
import { formatBytes } from './format.ts';
import { renderTable } from './table.ts';

/** What a repository holds, and what that costs. */
export function statsLines(repository: string, stats: RepositoryStats): string[] {
  const { full, incremental, log, compressionRatio, longestChain, first, last, perDay } = stats;
  if (!first || !last) return [`No complete backup is in ${repository}.`];
  const storedBytes = full.storedBytes + incremental.storedBytes;
  const ratio = compressionRatio === null ? '' : ` (${compressionRatio.toFixed(1)} to 1)`;
  const facts: [string, string][] = [
    [
      'Backups',
      `${full.count} full, ${incremental.count} incremental, from ${day(first.endedAt)} to ${day(last.endedAt)}`,
    ],
    ['Size', `${formatBytes(full.bytes + incremental.bytes)}, stored as ${formatBytes(storedBytes)}${ratio}`],
    ['Log', `${log.segments} files, stored as ${formatBytes(log.storedBytes)}`],
    ['Longest chain', `${longestChain?.backups ?? 1}, up to ${longestChain?.id ?? last.id}`],
    ['A day brings', perDay ? growth(perDay) : 'not known yet: the backups are of less than an hour'],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const rows = [
    ...stats.retention.map(({ why, count, storedBytes: bytes, ownBytes }) => [
      names[why],
      String(count),
      formatBytes(bytes),
      formatBytes(ownBytes),
    ]),
    ...(stats.spare.count > 0
      ? [['nothing: they go', String(stats.spare.count), formatBytes(stats.spare.storedBytes), '']]
      : []),
  ];
  return [
    paint('bold', repository),
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    '',
    ...renderTable(
      [
        { title: 'Kept for' },
        { title: 'Backups', align: 'right' },
        { title: 'Stored', align: 'right' },
        { title: 'Would go without it', align: 'right' },
      ],
      rows,
    ),
  ];
}

const names: Record<RetentionClass, string> = {
  last: 'being of the last',
  day: 'the day',
  week: 'the week',
  month: 'the month',
  year: 'the year',
  pin: 'a pin',
  running: 'one that is being made',
  parent: 'what builds on it',
};

function growth({ databaseBytes, logBytes, storedBytes }: NonNullable<RepositoryStats['perDay']>): string {
  const database = databaseBytes === null ? '' : `${signed(databaseBytes)} of database, `;
  return `${database}${formatBytes(logBytes)} of log; ${formatBytes(storedBytes)} stored`;
}

const signed = (bytes: number): string => `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))}`;

/** `2026-11-30` */
const day = (at: Date): string => at.toISOString().slice(0, 10);
