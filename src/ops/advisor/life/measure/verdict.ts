import type { Sample } from './sample.ts';

/** A statement before and after a change. */
export interface MeasuredStatement {
  queryId: string;
  text: string;
  /** Planned beforehand to change, or a write that pays for an index, or another statement of the table. */
  role: 'planned' | 'write' | 'other';
  before: Sample | null;
  after: Sample | null;
}

export interface Effect {
  /** Change of the execution time of the statements together: −0.4 is 40 % less. */
  ratio: number;
  /** Bounds within which it lies with 99 % certainty. */
  low: number;
  high: number;
  msPerHour: number;
}

export interface Judgement {
  verdict: 'unknown' | 'better' | 'same' | 'worse';
  effect: Effect | null;
  /** One sentence. */
  reason: string;
}

export interface Bounds {
  /** Calls that a statement needs before and after. */
  minCalls: number;
  /** Slower by more than this share is worse. */
  worse: number;
}

/** Two-sided 99 % of the normal distribution: with dozens of calls Student's is the same. */
const certainty = 2.576;
/** Less than this is no gain. */
const leastGain = 0.02;
/** So much of the time before has to be of statements that were called often enough. */
const leastCoverage = 0.8;

/**
 * Judges a change by all statements that it concerns, weighted by how often they are called: what is saved on reads is held against what
 * writes pay.
 */
export function judge(statements: readonly MeasuredStatement[], { minCalls, worse }: Bounds): Judgement {
  const known = statements.flatMap((statement) => {
    const { before, after } = statement;
    return before ? [{ before, after, role: statement.role, rate: rateOf(before, after) }] : [];
  });
  const unknown = (reason: string): Judgement => ({ verdict: 'unknown', effect: null, reason });
  if (known.length === 0) return unknown('No statement that it concerns was called in the time before.');
  const enough = known.flatMap(({ after, ...one }) =>
    after && after.calls >= minCalls && one.before.calls >= minCalls ? [{ ...one, after }] : [],
  );
  const timeOf = (list: readonly { before: Sample; rate: number }[]): number =>
    list.reduce((total, { before, rate }) => total + before.meanMs * rate, 0);
  const coverage = timeOf(known) > 0 ? timeOf(enough) / timeOf(known) : 0;
  if (enough.length === 0 || coverage < leastCoverage) {
    return unknown(
      `${enough.length} of ${known.length} statements were called ${minCalls} times before and after; they make up ${percent(coverage)} of the time, and ${percent(leastCoverage)} are needed.`,
    );
  }
  const before = together(enough.map((one) => ({ sample: one.before, rate: one.rate })));
  const after = together(enough.map((one) => ({ sample: one.after, rate: one.rate })));
  const { low, high } = quotientBounds(after, before);
  const effect = {
    ratio: after.ms / before.ms - 1,
    low: low - 1,
    high: high - 1,
    msPerHour: after.ms - before.ms,
  };
  return { effect, ...verdictOf(effect, worse) };
}

/** Time in an hour, with the square of its standard error. */
interface Hourly {
  ms: number;
  variance: number;
}

function together(list: readonly { sample: Sample; rate: number }[]): Hourly {
  return list.reduce(
    ({ ms, variance }, { sample, rate }) => ({
      ms: ms + sample.meanMs * rate,
      variance: variance + (sample.errorMs * rate) ** 2,
    }),
    { ms: 0, variance: 0 },
  );
}

/** More than this is as good as no bound. */
const mostTimes = 1000;

/**
 * Bounds of a quotient of two times by Fieller's theorem (J. R. Stat. Soc. B 16, 1954): all r for which `above − r · below` may be 0. They are above 1
 * just when the difference is above 0 for certain, however little is known of the time below.
 */
function quotientBounds(above: Hourly, below: Hourly): { low: number; high: number } {
  const a = below.ms ** 2 - certainty ** 2 * below.variance;
  const b = above.ms * below.ms;
  const c = above.ms ** 2 - certainty ** 2 * above.variance;
  // Of a time above that may be 0 there is no lower bound, of one below no upper one.
  const root = Math.sqrt(Math.max(0, b ** 2 - a * c));
  const low = c > 0 ? c / (b + root) : 0;
  return { low, high: a > 0 ? Math.min((b + root) / a, mostTimes) : mostTimes };
}

function verdictOf({ ratio, low, high }: Effect, worse: number): Pick<Judgement, 'verdict' | 'reason'> {
  const measured = `The statements that it concerns take ${change(ratio)} (${signed(low)} to ${signed(high)}, with 99 % certainty).`;
  if (high < 0 && ratio <= -leastGain) return { verdict: 'better', reason: measured };
  if (low > 0 && ratio >= worse) return { verdict: 'worse', reason: measured };
  if (high - low < worse) return { verdict: 'same', reason: `${measured} That is no gain.` };
  return { verdict: 'unknown', reason: `${measured} More calls are needed to tell.` };
}

/** Calls per hour over both times together. */
function rateOf(before: Sample, after: Sample | null): number {
  const hours = before.hours + (after?.hours ?? 0);
  return hours > 0 ? (before.calls + (after?.calls ?? 0)) / hours : before.calls + (after?.calls ?? 0);
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;
const signed = (ratio: number): string => `${ratio > 0 ? '+' : '−'}${percent(Math.abs(ratio))}`;
const change = (ratio: number): string => (ratio <= 0 ? `${percent(-ratio)} less time` : `${percent(ratio)} more time`);
