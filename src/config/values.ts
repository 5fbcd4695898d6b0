import { z } from 'zod';
import { parseSize } from './size.ts';
import { parseDuration } from './span.ts';

/** Where a PostgreSQL is. It may have a password in it. */
export const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace(/^postgres(ql)?:/, 'http:')), {
    message: 'a URL such as "postgres://user:password@host:5432/database" is allowed',
  })
  .meta({ kind: 'URL', secret: true });

/** A whole number; a text from the environment or a flag is read as one. */
export function wholeNumber(min: number, max: number) {
  const message = `a whole number from ${min} to ${max} is allowed`;
  return z.coerce.number<number | string>(message).int(message).min(min, message).max(max, message);
}

/** A number that may have decimals; a text from the environment or a flag is read as one. */
export function decimal(min: number, max: number) {
  const message = `a number from ${min} to ${max} is allowed`;
  return z.coerce.number<number | string>(message).min(min, message).max(max, message);
}

/** Yes or no; `true`, `1`, `yes`, `on` and their opposites in the environment. */
export const flag = z.union([z.boolean(), z.stringbool()]);

/** A size: a text with a unit in the file, bytes in the program. */
export const size = z
  .union([z.string(), z.number()])
  .transform((text, context) => {
    const bytes = parseSize(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: 'a size such as "512MB" or "10GB" is allowed' });
    return z.NEVER;
  })
  .meta({ kind: 'size' });

/** Several of some words: a list in the file, separated by commas in the environment. */
export function someOf<const Word extends string>(words: readonly Word[]) {
  return z
    .union([z.array(z.string()), z.string()])
    .transform((given, context) => {
      const named = (typeof given === 'string' ? given.split(',') : given).map((word) => word.trim()).filter(Boolean);
      const known = words.filter((word) => named.includes(word));
      if (new Set(named).size === known.length) return known;
      context.addIssue({ code: 'custom', message: `some of ${words.join(', ')} are allowed` });
      return z.NEVER;
    })
    .meta({ kind: `some of ${words.join(', ')}` });
}

/** A time of the day from which, and one to which, in the daemon's time zone: `22:00-05:30`. */
export const hours = z
  .string()
  .regex(/^([01]?\d|2[0-3]):[0-5]\d-([01]?\d|2[0-3]):[0-5]\d$/, {
    message: 'hours such as "22:00-05:30" are allowed',
  })
  .meta({ kind: 'hours' });

/** Of which backups the log is kept that leads from one to the next: of all, of the last so many, or of the last so many milliseconds. */
export type KeptLog = 'all' | { last: number } | { ageMs: number };

/** Reads `all`, a number of backups or a duration; `undefined` for what is none of them. */
export function parseKeptLog(text: string): KeptLog | undefined {
  if (text === 'all') return 'all';
  if (/^[1-9]\d{0,3}$/.test(text)) return { last: Number(text) };
  const ageMs = parseDuration(text);
  return ageMs === undefined || /^[\d.\s]+$/.test(text) ? undefined : { ageMs };
}

/** Such a setting; of all by default. */
export const keptLog = z
  .union([z.string(), z.number()])
  .transform((given, context) => {
    const parsed = parseKeptLog(String(given));
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: '"all", a number of backups, or a duration such as "30d" is allowed' });
    return z.NEVER;
  })
  .default('all')
  .meta({ kind: 'all, number or duration' });
