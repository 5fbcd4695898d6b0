import { toPitcrewError } from '../../../errors.ts';
import type { Check, CheckAnswer, CheckContext } from '../types.ts';
import { unknown } from './answers.ts';
import { checks } from './index.ts';

/** What one check answered, and how long it took. */
export interface CheckResult {
  /** Id of the check. */
  check: string;
  title: string;
  answer: CheckAnswer;
  ms: number;
}

export interface RunChecksOptions {
  /** Ids of the checks to run; all by default. Ids that do not exist are left out. */
  only?: readonly string[];
  /** How long one check may take; 60,000 by default, 600,000 for exact answers. */
  timeoutMs?: number;
}

/**
 * Asks the checks, one after the other, so that the database is never asked two things at once. What several of them need is
 * read once. A check that fails or takes too long answers that it is unknown, and why; nothing is thrown.
 */
export async function runChecks(context: CheckContext, options: RunChecksOptions = {}): Promise<CheckResult[]> {
  const asked = checks.filter(({ id }) => options.only?.includes(id) ?? true);
  const timeoutMs = options.timeoutMs ?? (context.exact ? 600_000 : 60_000);
  const results: CheckResult[] = [];
  const run: CheckContext = { ...context, readings: new Map() };
  for (const check of asked) results.push(await runCheck(check, run, timeoutMs));
  return results;
}

async function runCheck(check: Check, context: CheckContext, timeoutMs: number): Promise<CheckResult> {
  const began = performance.now();
  const answer = await limited(timeoutMs, check, context).catch(unknownFrom);
  return { check: check.id, title: check.title, answer, ms: performance.now() - began };
}

async function limited(timeoutMs: number, check: Check, context: CheckContext): Promise<CheckAnswer> {
  const late = Promise.withResolvers<CheckAnswer>();
  const timer = setTimeout(
    () => late.resolve(unknown(`The check did not end within ${Math.round(timeoutMs / 1000)} seconds`)),
    timeoutMs,
  );
  try {
    return await Promise.race([check.run(context), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unknownFrom(thrown: unknown): CheckAnswer {
  const { message, detail, hint } = toPitcrewError(thrown);
  return unknown(detail ? `${message}: ${detail}` : message, hint ?? null);
}
