import { z } from '@hono/zod-openapi';
import { parseDuration } from '../../config/index.ts';

/** ISO 8601 with zone, as every time in an answer is written. */
export const timestamp = z.iso.datetime().openapi({ example: '2026-03-01T12:00:00.000Z' });

/** Start of what a page's charts show. */
export const shownFrom = timestamp.openapi({
  description: 'The start asked for; later, where history begins, when nothing is known of the time before.',
});

/** What a change of plan did to a statement's time. */
export const planVerdict = z
  .enum(['pending', 'slower', 'faster', 'similar', 'unknown'])
  .openapi({ description: 'pending: too few calls so far; unknown: there never were enough.' });

export const grade = z.enum(['A', 'B', 'C', 'D', 'F']);

/** `from`, `to`: ISO 8601, milliseconds since 1970, or a span before now (`-1h`, `15m`). Default: the last hour. */
const moment = z.string().transform((text, context) => {
  const span = parseDuration(text.replace(/^-/, ''));
  // Date.parse alone takes almost anything that ends in a number for a date.
  const absolute = /^\d{12,14}$/.test(text)
    ? Number(text)
    : /^\d{4}-\d{2}-\d{2}/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  const isSpan = /^-?\d+(\.\d+)?(ms|s|min|m|h|d|w|y)$/.test(text) && span !== undefined;
  if (text === 'now') return new Date();
  // A date can hold 8.64e15 ms; what is before 1970 is before every history.
  if (isSpan) return new Date(Math.max(0, Date.now() - span));
  if (Number.isFinite(absolute)) return new Date(absolute);
  context.addIssue({ code: 'custom', message: 'an ISO 8601 time, milliseconds since 1970, or a span such as "1h"' });
  return z.NEVER;
});

/** Query parameters of everything that is asked for one database. */
export const databaseQuery = z.object({
  database: z.string().optional().openapi({ description: 'Name of a watched database; the first by default.' }),
});

export const rangeQuery = databaseQuery.extend({
  from: moment
    .optional()
    .openapi({ type: 'string', description: 'Start: ISO 8601, ms since 1970, or a span before now. Default 1h.' }),
  to: moment.optional().openapi({ type: 'string', description: 'End, likewise. Default now.' }),
});

export const stepQuery = rangeQuery.extend({
  step: z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= 1000) return Math.round(ms / 1000);
      context.addIssue({ code: 'custom', message: 'a span of at least one second, such as "10s" or "1h"' });
      return z.NEVER;
    })
    .optional()
    .openapi({ type: 'string', description: 'Width of a point; chosen to give about 200 points by default.' }),
});

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  offset: z.coerce.number().int().min(0).max(100_000).default(0),
};

/** RFC 9457. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string().optional(),
    hint: z.string().optional(),
    sqlState: z.string().optional(),
    instance: z.string().optional(),
  })
  .openapi('Problem');
export type Problem = z.infer<typeof problem>;

/** One line in a small chart: `[ms since 1970, value or null]`. */
export const spark = z.array(z.tuple([z.number(), z.number().nullable()]));
