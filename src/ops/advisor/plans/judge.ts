import type { PlanMeasure, PlanVerdict, StatementCounters } from '../../store/index.ts';

/** What a statement took in a time, with how much its calls differ. */
export interface Measured extends PlanMeasure {
  /** Variance of the execution time, in µs². */
  variance: number;
}

/** With fewer calls on either side nothing is said. */
const enoughCalls = 20;
/** A mean that grew by less is no reason to speak of it. */
const slowerFrom = 1.5;
/** Standard errors by which the means have to differ (Welch), so that chance is no change. */
const standardErrors = 3;
/** So long after a change it is settled what it did, or that it cannot be told. */
export const settledAfterMs = 24 * 3_600_000;

/** Sums of a statement as one measure. */
export function measureOf(points: readonly { counters: StatementCounters }[]): Measured {
  let [calls, us, squaresUs2] = [0, 0, 0];
  for (const { counters } of points) {
    calls += counters.calls;
    us += counters.totalExecUs;
    squaresUs2 += counters.sumSquaresMs2 * 1e6;
  }
  if (calls === 0) return { calls: 0, meanUs: 0, variance: 0 };
  const meanUs = us / calls;
  return { calls, meanUs, variance: Math.max(0, squaresUs2 / calls - meanUs * meanUs) };
}

/**
 * What a change of plan did to the time of a statement: slower or faster when the mean is 1.5 times as long or short, after at least 20
 * calls on each side, by more than chance makes it.
 */
export function judge(before: Measured, after: Measured, ageMs: number): PlanVerdict {
  const settled = ageMs >= settledAfterMs;
  if (before.calls < enoughCalls || after.calls < enoughCalls) return settled ? 'unknown' : 'pending';
  const error = Math.sqrt(before.variance / before.calls + after.variance / after.calls);
  const isCertain = Math.abs(after.meanUs - before.meanUs) > standardErrors * error;
  const ratio = after.meanUs / Math.max(before.meanUs, Number.EPSILON);
  if (isCertain && ratio >= slowerFrom) return 'slower';
  if (isCertain && ratio <= 1 / slowerFrom) return 'faster';
  return settled || isSteady(before, after, error) ? 'similar' : 'pending';
}

/** Whether even the far end of what chance allows would be no notable change. */
function isSteady(before: Measured, after: Measured, error: number): boolean {
  const most = after.meanUs + standardErrors * error;
  const least = Math.max(0, after.meanUs - standardErrors * error);
  return most < before.meanUs * slowerFrom && least > before.meanUs / slowerFrom;
}
