import type { BackupList } from '../../../src/server/api/backups.ts';

type Window = BackupList['windows'][number];
type Listed = Pick<BackupList, 'backups' | 'windows'>;

/** Where a moment can be restored from. */
export type Found =
  | { state: 'found'; window: Window; backup: BackupList['backups'][number]; chain: BackupList['backups'] }
  | { state: 'none'; before: Window | undefined; after: Window | undefined };

/** The backup from which a moment (ms since 1970) is restored with the least log to replay: the latest that ends before it, in the same stretch. */
export function sourceOf({ backups, windows }: Listed, at: number): Found {
  const fits = windows.filter(({ from, to }) => Date.parse(from.at) <= at && at <= Date.parse(to.at));
  const found = backups
    .filter(({ id, endedAt }) => Date.parse(endedAt) <= at && fits.some((window) => window.backups.includes(id)))
    .toSorted((a, b) => Date.parse(b.endedAt) - Date.parse(a.endedAt))[0];
  const window = fits.find((each) => each.backups.includes(found?.id ?? ''));
  if (found && window) return { state: 'found', window, backup: found, chain: chainOf(backups, found.id) };
  return {
    state: 'none',
    before: windows.findLast(({ to }) => Date.parse(to.at) < at),
    after: windows.find(({ from }) => Date.parse(from.at) > at),
  };
}

/** A backup and those that it builds on, as far as they are listed, the full one first. */
export function chainOf(backups: BackupList['backups'], id: string): BackupList['backups'] {
  const chain: BackupList['backups'] = [];
  for (let next: string | null = id; next !== null;) {
    const found = backups.find((backup) => backup.id === next);
    if (!found || chain.includes(found)) break;
    chain.unshift(found);
    next = found.parent;
  }
  return chain;
}

export interface RestoreChoice {
  backup: string;
  /** Of the repository. */
  flags: readonly string[];
  /** The new data directory. */
  to: string;
  /** In ms since 1970; `undefined`: as far as the log goes. */
  at: number | undefined;
}

/** The command line that restores it, to be run where the new server is to be. */
export function restoreCommand({ backup, flags, to, at }: RestoreChoice): string {
  const lines = [
    `pitcrew restore ${word(backup)}`,
    ...flagLines(flags),
    `--to ${word(to)}`,
    ...(at === undefined ? [] : [`--target-time ${new Date(at).toISOString().replace('.000Z', 'Z')}`]),
  ];
  return lines.join(' \\\n  ');
}

/** Each flag with its value on a line of its own. */
function flagLines(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const each of words) {
    if (each.startsWith('--')) lines.push(each);
    else lines.push(`${lines.pop() ?? ''} ${word(each)}`);
  }
  return lines;
}

/** As a shell takes it for one word. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
