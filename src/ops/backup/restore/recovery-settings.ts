import { lsnText } from '../../../engine/postgres/replication/index.ts';
import { notInRepository } from '../wal/fetch.ts';
import type { RecoveryTarget } from './target.ts';

/**
 * Lines of `postgresql.auto.conf` for recovery.
 * `restoreCommand`: words of a command line; `%f` and `%p` come after them.
 */
export function recoverySettings(restoreCommand: readonly string[], target: RecoveryTarget): string {
  const fetch = [...restoreCommand.map(shellWord), '%f', '"%p"'].join(' ');
  // To PostgreSQL, 1 to 125 is the end of the log, where it opens for writing; from 126 on it stops instead. Only one answer is the end.
  const command = `${fetch} || { s=$?; [ $s -eq ${notInRepository} ] && exit 1; exit 126; }`;
  const { time, lsn, xid, name, immediate, timeline = 'latest', exclusive = false, action = 'promote' } = target;
  const isTargeted = [time, lsn, xid, name, immediate || undefined].some((each) => each !== undefined);
  const lines: [string, string | undefined][] = [
    ['restore_command', command],
    ['recovery_target_time', time && serverTime(time)],
    ['recovery_target_lsn', lsn === undefined ? undefined : lsnText(lsn)],
    ['recovery_target_xid', xid],
    ['recovery_target_name', name],
    ['recovery_target', immediate ? 'immediate' : undefined],
    ['recovery_target_timeline', String(timeline)],
    ['recovery_target_action', isTargeted ? action : undefined],
    ['recovery_target_inclusive', exclusive ? 'off' : undefined],
  ];
  return lines.flatMap(([setting, value]) => (value === undefined ? [] : [`${setting} = ${quoted(value)}\n`])).join('');
}

/** What is set by a restore, and must not be left from the time before. */
export const recoverySettingNames = [
  'restore_command',
  'recovery_target',
  'recovery_target_time',
  'recovery_target_lsn',
  'recovery_target_xid',
  'recovery_target_name',
  'recovery_target_timeline',
  'recovery_target_action',
  'recovery_target_inclusive',
];

/** As this setting takes it: no `T`, no `Z`. */
const serverTime = (time: string): string => time.toUpperCase().replace('T', ' ').replace('Z', '+00');

/** For a shell, and for PostgreSQL, which replaces what stands behind a percent sign. */
const shellWord = (word: string): string => `'${word.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;

/** A value of a configuration file, in which it has to stand in one line. */
const quoted = (value: string): string =>
  `'${value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "''")
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}'`;
