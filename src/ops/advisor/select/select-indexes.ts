import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import { Choice } from './choice.ts';
import { compact, type CompactMatrix, mostOf } from './compact.ts';
import type { Progress } from './search.ts';
import type { Selection, SelectionProblem } from './types.ts';
import type { Answer, Work } from './worker.ts';

export interface SelectOptions {
  /** Then the best choice so far is returned, with what is known of the best there is. Default: 30 s. */
  timeLimitMs?: number;
  /** Ends it at once, with an error. */
  signal?: AbortSignal;
}

/** How long a thread may overstay before it is ended: within a step of the solver it does not look at the time. */
const graceMs = 250;

/**
 * Chooses the set of indexes under which a workload costs least, their write costs included, within a budget of size. Works in a thread
 * of its own. The same problem gives the same answer unless the time limit ends it.
 * @throws {PitcrewError} `E_BAD_REQUEST` for a problem that is none, `E_MISSING_PACKAGE` without the package `highs`, `E_ABORTED` by
 * the signal.
 */
export async function selectIndexes(problem: SelectionProblem, options: SelectOptions = {}): Promise<Selection> {
  const { timeLimitMs = 30_000, signal } = options;
  const started = performance.now();
  const matrix = compact(problem);
  if (signal?.aborted) throw aborted(signal);
  const progress = matrix.queryOf.length === 0 ? nothing : await searched(matrix, timeLimitMs, started, signal);
  return {
    ...judged(matrix, progress),
    selected: progress.chosen.flatMap((index) => problem.indexes[index]?.id ?? []).toSorted(),
    seconds: (performance.now() - started) / 1000,
  };
}

/** Nothing is chosen, and nothing could be saved. */
const nothing: Progress = { chosen: [], most: 0 };

/** The cost of a choice, and what is known of the best there is. */
function judged(matrix: CompactMatrix, { chosen, most }: Progress): Pick<Selection, 'cost' | 'bound' | 'gap'> {
  const choice = new Choice(matrix);
  for (const index of chosen) choice.add(index);
  const cost = matrix.base - choice.value;
  // What differs by rounding is the same.
  const bound = matrix.base - most >= cost * (1 - 1e-9) ? cost : Math.max(0, matrix.base - most);
  return { cost, bound, gap: cost > 0 ? (cost - bound) / cost : 0 };
}

function searched(
  matrix: CompactMatrix,
  timeLimitMs: number,
  started: number,
  signal: AbortSignal | undefined,
): Promise<Progress> {
  const left = (): number => Math.max(1, started + timeLimitMs - performance.now());
  const work: Work = { matrix, timeLimitMs: left() };
  // From the sources as from dist: the thread's file has the ending of this one.
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: work,
    execArgv: [],
  });
  // Until the thread tells more.
  let best: Progress = { chosen: [], most: mostOf(matrix) };
  const { promise, resolve, reject } = Promise.withResolvers<Progress>();
  const stop = (): void => resolve(best);
  const timer = setTimeout(stop, left() + graceMs);
  const abort = (): void => reject(aborted(signal));
  signal?.addEventListener('abort', abort, { once: true });
  worker.on('message', (answer: Answer) => {
    if (answer.kind === 'progress') best = answer.progress;
    else if (answer.kind === 'done') resolve(best);
    else reject(missing(answer.message));
  });
  worker.once('error', (error) => reject(toPitcrewError(error)));
  worker.once('exit', stop);
  return promise.finally(async () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  });
}

function missing(message: string): PitcrewError {
  return new PitcrewError('E_MISSING_PACKAGE', 'the solver for sets of indexes is not installed', {
    detail: message,
    hint: 'Install the package "highs": npm install highs',
  });
}

function aborted(signal: AbortSignal | undefined): PitcrewError {
  return new PitcrewError('E_ABORTED', 'the choice of indexes was aborted', { cause: signal?.reason });
}
