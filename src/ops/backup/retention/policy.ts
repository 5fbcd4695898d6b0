import type { BackupSettings, KeptLog } from '../../../config/index.ts';

/** What is kept. Of each span of the calendar that has a backup it is the latest one; spans without any do not count. */
export interface RetentionPolicy {
  /** So many of the latest backups, which no limit touches; 1 at least. */
  last: number;
  /** The latest backup of each of so many days, weeks, months and years. */
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** In which days begin and end, such as `Europe/Berlin`. */
  timeZone: string;
  /** What is so much older than the latest backup goes, whatever the calendar says; without a limit by default. */
  maxAgeMs?: number | undefined;
  /** Backups and log together, as they are stored: beyond it the oldest go first; without a limit by default. */
  maxBytes?: number | undefined;
  /** Where the log stays from one backup to the next, so that any moment between can be reached; everywhere by default. */
  log?: LogPolicy | undefined;
}

/** From the last so many kept backups on; or for every moment that is at most so long before the latest backup. */
export type LogPolicy = KeptLog;

/** What a config file wants to be kept. */
export function policyOf({ keep: { maxAge, ...keep }, timeZone }: BackupSettings): RetentionPolicy {
  return { ...keep, timeZone, maxAgeMs: maxAge };
}

/** Why a backup is kept. `running`: one that is being made builds on it; `parent`: one that is kept does. */
export type RetentionClass = 'last' | 'day' | 'week' | 'month' | 'year' | 'pin' | 'running' | 'parent';
