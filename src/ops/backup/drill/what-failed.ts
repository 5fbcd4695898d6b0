import { type ErrorCode, PitcrewError } from '../../../errors.ts';
import type { LogSupply } from './log-supply.ts';
import type { DrillRecord } from './record.ts';

/** With these something is wrong with the backup; others say nothing of it. */
const ofTheBackup: readonly ErrorCode[] = ['E_BACKUP_DAMAGED', 'E_NOT_FOUND', 'E_EMBEDDED'];

/** What a failure says of a backup, in plain words. @throws it when it is not the backup's */
export function whatFailed(error: unknown, log: LogSupply['failure'], target: DrillRecord['target']): string {
  // What the log could not be read for has made the recovery fail.
  const cause = log?.error ?? error;
  if (!(cause instanceof PitcrewError) || !ofTheBackup.includes(cause.code)) throw cause;
  const { message, detail = '' } = cause;
  if (log) return `The log cannot be read: ${log.name}: ${message}. ${detail}`;
  if (cause.code !== 'E_EMBEDDED') return `It cannot be restored: ${message}. ${detail}`;
  if (/recovery ended before configured recovery target was reached/.test(detail)) {
    return `The log ends before ${target.value ?? 'the target'}: that moment cannot be reached from this backup.`;
  }
  const said = detail.split('\n').flatMap((line) => /(?:FATAL|PANIC|ERROR): +(.+)$/.exec(line)?.[1] ?? []);
  return said.length > 0
    ? `PostgreSQL does not recover it: ${said.slice(-3).join('; ')}.`
    : `PostgreSQL did not come to the end of the recovery: ${detail.split('\n').at(-1) ?? ''}`;
}
