import { constants } from 'node:os';
import { note } from './output.ts';

interface Stoppable {
  stop(): Promise<void>;
}

/**
 * Starts something that runs until SIGINT, SIGTERM or SIGHUP, then stops it in order. A second signal leaves at once.
 * The exit code is 130 after SIGINT (interrupted by the user) and 0 after the others (stopped by a supervisor).
 * @param start is given an `AbortSignal` so that a long start can be interrupted as well.
 */
export async function runUntilSignal(start: (signal: AbortSignal) => Promise<Stoppable>): Promise<void> {
  const abort = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const listener = (signal: NodeJS.Signals): void => {
    // process.exit runs the exit handlers that take embedded servers down.
    if (abort.signal.aborted) process.exit(128 + (constants.signals[signal] ?? 0));
    abort.abort();
    resolve(signal);
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, listener);
  try {
    const running = await start(abort.signal).catch((error: unknown) => {
      if (abort.signal.aborted) return undefined;
      throw error;
    });
    const signal = await stopped;
    note('Stopping …');
    await running?.stop();
    process.exitCode = signal === 'SIGINT' ? 130 : 0;
  } finally {
    for (const signal of signals) process.off(signal, listener);
  }
}

/**
 * Does something that SIGINT or SIGTERM ends early, by the signal that it is given. What it throws then is not an error: the exit code is
 * 130, and nothing is returned. A second signal leaves at once.
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.exitCode = 130;
    return undefined;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/**
 * Does something that runs until SIGINT, SIGTERM or SIGHUP ask it to end in order, or ends by itself. The exit code is 130 after SIGINT (interrupted by the user), else
 * what the work says. A second signal leaves at once.
 */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const listener = (signal: NodeJS.Signals): void => {
    if (abort.signal.aborted) process.exit(128 + (constants.signals[signal] ?? 0));
    if (signal === 'SIGINT') process.exitCode = 130;
    abort.abort();
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, listener);
  try {
    await work(abort.signal);
  } finally {
    for (const signal of signals) process.off(signal, listener);
  }
}
