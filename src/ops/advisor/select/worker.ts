import { parentPort, workerData } from 'node:worker_threads';
import type { CompactMatrix } from './compact.ts';
import { loadHighs } from './highs.ts';
import type { Progress } from './search.ts';
import { solve } from './solver.ts';

/** What the thread is given. */
export interface Work {
  matrix: CompactMatrix;
  timeLimitMs: number;
}

/** What it answers: any number of `progress`, then one of the others. */
export type Answer = { kind: 'progress'; progress: Progress } | { kind: 'done' } | { kind: 'missing'; message: string };

const { matrix, timeLimitMs } = workerData as Work;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows, not of threads
const answer = (message: Answer): void => parentPort?.postMessage(message);

class MissingPackage extends Error {}

async function load(): ReturnType<typeof loadHighs> {
  try {
    return await loadHighs();
  } catch (cause) {
    throw new MissingPackage(cause instanceof Error ? cause.message : String(cause));
  }
}

try {
  await solve(matrix, performance.now() + timeLimitMs, load, (progress) => answer({ kind: 'progress', progress }));
  answer({ kind: 'done' });
} catch (error) {
  if (!(error instanceof MissingPackage)) throw error;
  answer({ kind: 'missing', message: error.message });
}
