import type { CounterPoint, StatementCounters } from '../../../store/index.ts';

/** How long calls of a statement took over a time. */
export interface Sample {
  calls: number;
  meanMs: number;
  /** Standard error of the mean, in ms. */
  errorMs: number;
  /** Hours in which statistics were collected. */
  hours: number;
}

/** Fewer stretches than this say nothing of how the mean wanders. */
const leastStretches = 8;

/**
 * Calls, mean and its standard error from the course of a statement; `null` where it was not called. The error is the larger one of two:
 * that of single calls, as in Welch's test (deviation / √calls), and that of the means of the stretches, weighted by their
 * calls, because calls of one minute resemble each other (method of batch means).
 */
export function sampleOf(points: readonly CounterPoint<StatementCounters>[]): Sample | null {
  const called = points.filter(({ counters }) => counters.calls > 0);
  const calls = sum(called, ({ calls: count }) => count);
  if (calls === 0) return null;
  const meanMs = sum(called, ({ totalExecUs }) => totalExecUs) / calls / 1000;
  const squares = sum(called, ({ sumSquaresMs2 }) => sumSquaresMs2);
  const variance = calls > 1 ? Math.max(0, squares - calls * meanMs ** 2) / (calls - 1) : 0;
  const ofCalls = variance / calls;
  const wandering = sum(called, ({ calls: count, totalExecUs }) => (totalExecUs / 1000 - count * meanMs) ** 2);
  const stretches = called.length;
  const ofStretches = stretches < leastStretches ? 0 : ((wandering / calls ** 2) * stretches) / (stretches - 1);
  return {
    calls,
    meanMs,
    errorMs: Math.sqrt(Math.max(ofCalls, ofStretches)),
    hours: points.reduce((seconds, { coveredSeconds }) => seconds + coveredSeconds, 0) / 3600,
  };
}

function sum(
  points: readonly CounterPoint<StatementCounters>[],
  value: (counters: StatementCounters) => number,
): number {
  return points.reduce((total, { counters }) => total + value(counters), 0);
}
