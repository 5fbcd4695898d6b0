import { z } from 'zod';
import { parseDuration } from './span.ts';

/** A setting that is a span of time: a text with a unit in the file, milliseconds in the program. */
export function duration(defaultText: string, limits: { min?: string; max?: string } = {}) {
  const min = limits.min === undefined ? 0 : (parseDuration(limits.min) ?? 0);
  const max = limits.max === undefined ? Infinity : (parseDuration(limits.max) ?? Infinity);
  return z
    .union([z.string(), z.number()])
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined || ms < min || ms > max) {
        const range = `${limits.min ?? '0'} to ${limits.max ?? 'any length'}`;
        context.addIssue({ code: 'custom', message: `a duration such as "${defaultText}" (${range}) is allowed` });
        return z.NEVER;
      }
      return ms;
    })
    .default(parseDuration(defaultText) ?? 0)
    .meta({ kind: 'duration', defaultText });
}
