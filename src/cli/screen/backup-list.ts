import type { BackupRecord, DrillRecord, PinRecord } from '../../ops/backup/index.ts';
import { proofText } from './drill-screen.ts';
import { formatBytes, formatMs } from './format.ts';
import { type Column, renderTable } from './table.ts';

interface ListColumn extends Column {
  /** Of columns for which there is no room, the one with the highest goes first. */
  spare: number;
  cell(backup: BackupRecord): string;
}

export interface BackupListOptions {
  pins: ReadonlyMap<string, PinRecord>;
  /** The oldest first. */
  drills?: readonly DrillRecord[];
  width?: number | undefined;
}

/**
 * All backups, one a line; incremental ones stand below the full one that they go back to.
 * `width`: of the terminal; what is less important is left out when there is no room.
 */
export function backupList(
  repository: string,
  backups: readonly BackupRecord[],
  { pins, drills = [], width = Infinity }: BackupListOptions,
): string {
  if (backups.length === 0) return `No complete backup is in ${repository}.`;
  const rows = byChain(backups);
  let columns: ListColumn[] = [
    { title: 'Type', spare: 6, cell: ({ type }) => type },
    { title: 'Usable from', spare: 0, cell: ({ endedAt }) => minute(endedAt) },
    { title: 'Took', align: 'right', spare: 4, cell: (backup) => formatMs(tookMs(backup)) },
    { title: 'Size', align: 'right', spare: 3, cell: (backup) => formatBytes(sizesOf(backup).bytes) },
    { title: 'Stored', align: 'right', spare: 1, cell: (backup) => formatBytes(sizesOf(backup).storedBytes) },
    { title: 'Encrypted', spare: 5, cell: ({ recipients }) => (recipients.length > 0 ? 'yes' : 'no') },
    { title: 'Proven', spare: 1, cell: ({ id }) => proofText(drills.findLast(({ backup }) => backup === id)) },
    { title: 'Pinned', spare: 2, cell: ({ id }) => pinned(pins.get(id)) },
  ];
  if (drills.length === 0) columns = columns.filter(({ title }) => title !== 'Proven');
  if (pins.size === 0) columns = columns.filter(({ title }) => title !== 'Pinned');
  for (;;) {
    const lines = renderTable(
      [{ title: 'Backup' }, ...columns],
      rows.map(({ backup, branch }) => [branch + backup.id, ...columns.map(({ cell }) => cell(backup))]),
    );
    if (columns.length === 1 || lines.every((line) => line.length <= width)) return lines.join('\n');
    const least = columns.toSorted((a, b) => b.spare - a.spare)[0];
    columns = columns.filter((column) => column !== least);
  }
}

/** Each full backup, then all that go back to it, oldest first. */
function byChain(backups: readonly BackupRecord[]): { backup: BackupRecord; branch: string }[] {
  const chains = new Map<string, BackupRecord[]>();
  const rootOf = new Map<string, string>();
  for (const backup of backups) {
    // A parent comes before its children, unless it is missing.
    const root = (backup.parent === null ? undefined : rootOf.get(backup.parent)) ?? backup.id;
    rootOf.set(backup.id, root);
    chains.set(root, [...(chains.get(root) ?? []), backup]);
  }
  return [...chains.values()].flatMap((chain) =>
    chain.map((backup, place) => ({
      backup,
      branch: place === 0 ? '' : place === chain.length - 1 ? '└ ' : '├ ',
    })),
  );
}

function pinned(record: PinRecord | undefined): string {
  if (!record) return '';
  return record.until === null ? 'yes' : `until ${record.until.toISOString().slice(0, 10)}`;
}

export const tookMs = ({ startedAt, endedAt }: BackupRecord): number => endedAt.getTime() - startedAt.getTime();

export function sizesOf({ files }: BackupRecord): { bytes: number; storedBytes: number } {
  return {
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    storedBytes: files.reduce((sum, file) => sum + file.storedBytes, 0),
  };
}

/** `2026-11-30 01:45 UTC` */
const minute = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
