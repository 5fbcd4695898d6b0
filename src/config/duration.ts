import { z } from 'zod';
import { parseDuration } from './span.ts';

interface Limits {
  min?: string;
  max?: string;
}

/** A setting that is a span of time: a text with a unit in the file, milliseconds in the program. */
export function duration(defaultText: string, limits: Limits = {}) {
  return span(defaultText, limits)
    .default(parseDuration(defaultText) ?? 0)
    .meta({ kind: 'duration', defaultText });
}

/** Such a setting without a default. */
export const optionalDuration = (example: string, limits: Limits = {}) => span(example, limits).optional();

function span(example: string, limits: Limits) {
  const min = limits.min === undefined ? 0 : (parseDuration(limits.min) ?? 0);
  const max = limits.max === undefined ? Infinity : (parseDuration(limits.max) ?? Infinity);
  return z
    .union([z.string(), z.number()])
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined || ms < min || ms > max) {
        const range = `${limits.min ?? '0'} to ${limits.max ?? 'any length'}`;
        context.addIssue({ code: 'custom', message: `a duration such as "${example}" (${range}) is allowed` });
        return z.NEVER;
      }
      return ms;
    })
    .meta({ kind: 'duration' });
}
