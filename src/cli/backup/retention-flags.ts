import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration, parseKeptLog } from '../../config/index.ts';
import type { LogPolicy, RetentionPolicy } from '../../ops/backup/index.ts';
import { parseBytes } from '../bytes.ts';
import { placesOf, type RepositoryFlags } from './server-settings.ts';

/** What is kept, as far as flags say it. */
export interface RetentionFlags {
  keepLast?: number;
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
  keepYearly?: number;
  keepLog?: LogPolicy;
  maxAge?: number;
  maxBytes?: number;
  timeZone?: string;
}

export function withRetention(command: Command): Command {
  return command
    .option('--keep-last <count>', 'the latest, whatever calendar and limits say; 1 at least (default: 1)', parseCount)
    .option('--keep-daily <count>', 'the latest of each of so many days (default: 7)', parseCount)
    .option('--keep-weekly <count>', 'the latest of each of so many weeks (default: 4)', parseCount)
    .option('--keep-monthly <count>', 'the latest of each of so many months (default: 12)', parseCount)
    .option('--keep-yearly <count>', 'the latest of each of so many years (default: 5)', parseCount)
    .option(
      '--keep-log <all|count|duration>',
      'the log between backups, by which any moment can be restored: of all, of the last so many, or of the last 30d (default: all)',
      parseLog,
    )
    .option('--max-age <duration>', 'what is so much older than the latest goes all the same, such as 90d', parseAge)
    .option('--max-bytes <size>', 'beyond so much the oldest go first, such as 500GB', parseBytes)
    .option('--time-zone <name>', 'in which days begin and end, such as Europe/Berlin (default: UTC)', parseTimeZone);
}

const usual: RetentionPolicy = { last: 1, daily: 7, weekly: 4, monthly: 12, yearly: 5, log: 'all', timeZone: 'UTC' };

/** What flags say, before what the config file says of the repository, before what is usual. */
export async function retentionOf(flags: RetentionFlags & RepositoryFlags): Promise<RetentionPolicy> {
  const { from } = await placesOf(flags);
  const { policyOf } = await import('../../ops/backup/index.ts');
  const base = from ? policyOf(from.settings) : usual;
  return {
    last: flags.keepLast ?? base.last,
    daily: flags.keepDaily ?? base.daily,
    weekly: flags.keepWeekly ?? base.weekly,
    monthly: flags.keepMonthly ?? base.monthly,
    yearly: flags.keepYearly ?? base.yearly,
    log: flags.keepLog ?? base.log,
    maxAgeMs: flags.maxAge ?? base.maxAgeMs,
    maxBytes: flags.maxBytes ?? base.maxBytes,
    timeZone: flags.timeZone ?? base.timeZone,
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0 && count <= 10_000) return count;
  throw new InvalidArgumentError('Give a whole number.');
}

function parseLog(text: string): LogPolicy {
  const parsed = parseKeptLog(text);
  if (parsed !== undefined) return parsed;
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
