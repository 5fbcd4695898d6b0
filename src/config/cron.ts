import { CronPattern } from 'croner';
import { z } from 'zod';

/** Times at which something is done, as cron has them: minute, hour, day of the month, month, day of the week. */
export const cron = z
  .string()
  .refine(isPattern, { message: 'times such as "0 2 * * *" (02:00 every day) are allowed' })
  .meta({ kind: 'times of cron' });

/** A time zone by its name. */
export const timeZone = z
  .string()
  .refine(isTimeZone, { message: 'a time zone such as "UTC" or "Europe/Berlin" is allowed' })
  .meta({ kind: 'time zone' });

function isPattern(text: string): boolean {
  try {
    return new CronPattern(text, undefined, { mode: '5-part' }).pattern !== '';
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
