import { PitcrewError } from '../../errors.ts';
import type { TimeRange } from '../../ops/store/index.ts';

export interface Range extends TimeRange {
  /** Width of a point in seconds. */
  step: number;
}

/** Widths that a point may have by itself: a reader recognises them on an axis. */
const niceSteps = [10, 30, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Points of a chart of a page's width. */
export const chartPoints = 200;

/** Most points that one series of an answer may have. */
const maxPoints = 2000;

/** The smallest nice step, in seconds, that gives at most about `points` points over the range. */
export function niceStep({ from, to }: TimeRange, points: number): number {
  const wanted = (to.getTime() - from.getTime()) / 1000 / points;
  return niceSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
}

/**
 * Start, end and step of a request, with their defaults: the last hour in about 200 points. An end in the future is now.
 * @throws {PitcrewError} `E_BAD_REQUEST` when the range is empty or would have more than 2000 points.
 */
export function rangeOf(
  query: { from?: Date | undefined; to?: Date | undefined; step?: number | undefined },
  points = chartPoints,
  now = new Date(),
): Range {
  const to = query.to === undefined || query.to > now ? now : query.to;
  const from = query.from ?? new Date(to.getTime() - 3_600_000);
  if (from >= to) {
    throw new PitcrewError('E_BAD_REQUEST', 'empty time range', {
      detail: `from: found ${from.toISOString()}; a time before ${to.toISOString()} is allowed`,
      hint: 'Times are ISO 8601, milliseconds since 1970, or a span before now such as "1h".',
    });
  }
  const step = query.step ?? niceStep({ from, to }, points);
  const count = (to.getTime() - from.getTime()) / 1000 / step;
  if (count > maxPoints) {
    throw new PitcrewError('E_BAD_REQUEST', 'too many points', {
      detail: `step: found ${step} s, which gives ${Math.ceil(count)} points; at least ${niceStep({ from, to }, maxPoints)} s is allowed for this range`,
    });
  }
  return { from, to, step };
}

/** The range of the same length just before. */
export function rangeBefore({ from, to }: TimeRange): TimeRange {
  return { from: new Date(2 * from.getTime() - to.getTime()), to: from };
}
