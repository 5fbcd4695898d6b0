import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/index.ts';
import type { LogPolicy, RetentionPolicy } from '../../ops/backup/index.ts';
import { parseBytes } from '../bytes.ts';

/** What is kept, as flags say it. */
export interface RetentionFlags {
  keepLast: number;
  keepDaily: number;
  keepWeekly: number;
  keepMonthly: number;
  keepYearly: number;
  keepLog: LogPolicy;
  maxAge?: number;
  maxBytes?: number;
  timeZone: string;
}

export function withRetention(command: Command): Command {
  return command
    .option('--keep-last <count>', 'the latest, whatever calendar and limits say; 1 at least', parseCount, 1)
    .option('--keep-daily <count>', 'the latest of each of so many days', parseCount, 7)
    .option('--keep-weekly <count>', 'the latest of each of so many weeks', parseCount, 4)
    .option('--keep-monthly <count>', 'the latest of each of so many months', parseCount, 12)
    .option('--keep-yearly <count>', 'the latest of each of so many years', parseCount, 5)
    .option(
      '--keep-log <all|count|duration>',
      'the log between backups, by which any moment can be restored: of all, of the last so many, or of the last 30d',
      parseLog,
      'all',
    )
    .option('--max-age <duration>', 'what is so much older than the latest goes all the same, such as 90d', parseAge)
    .option('--max-bytes <size>', 'beyond so much the oldest go first, such as 500GB', parseBytes)
    .option('--time-zone <name>', 'in which days begin and end, such as Europe/Berlin', parseTimeZone, 'UTC');
}

export function retentionOf(flags: RetentionFlags): RetentionPolicy {
  return {
    last: flags.keepLast,
    daily: flags.keepDaily,
    weekly: flags.keepWeekly,
    monthly: flags.keepMonthly,
    yearly: flags.keepYearly,
    log: flags.keepLog,
    maxAgeMs: flags.maxAge,
    maxBytes: flags.maxBytes,
    timeZone: flags.timeZone,
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0 && count <= 10_000) return count;
  throw new InvalidArgumentError('Give a whole number.');
}

function parseLog(text: string): LogPolicy {
  if (text === 'all') return 'all';
  if (/^\d+$/.test(text) && Number(text) >= 1) return { last: parseCount(text) };
  const ageMs = parseDuration(text);
  if (ageMs !== undefined && !/^\d+$/.test(text)) return { ageMs };
  throw new InvalidArgumentError('Give "all", a number of backups from 1 on, or a duration such as 30d.');
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  // Without a unit it would be milliseconds, and take nearly all.
  if (ms !== undefined && ms > 0 && !/^\s*[\d.]+\s*$/.test(text)) return ms;
  throw new InvalidArgumentError('Give a duration such as 90d.');
}

function parseTimeZone(name: string): string {
  try {
    // What it names is used, whatever its case.
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('Give a time zone of the IANA database, such as Europe/Berlin.');
  }
}
