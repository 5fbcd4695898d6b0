import { PitcrewError } from '../../../errors.ts';

/** What may stop a transaction from outside: its caller's signal and its time. */
export interface Stop extends Disposable {
  readonly signal: AbortSignal;
}

/** `undefined` when nothing may stop it, which costs nothing. */
export function stopAt(signal: AbortSignal | undefined, timeoutMs: number | undefined): Stop | undefined {
  if (signal === undefined && timeoutMs === undefined) return undefined;
  const controller = new AbortController();
  const follow = () => controller.abort(signal?.reason);
  if (signal?.aborted) follow();
  else signal?.addEventListener('abort', follow, { once: true });
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => controller.abort(timedOut(timeoutMs)), timeoutMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', follow);
    },
  };
}

function timedOut(timeoutMs: number): PitcrewError {
  return new PitcrewError('E_ABORTED', `the transaction was stopped after ${timeoutMs} ms`, {
    detail: 'It was rolled back: timeoutMs counts from the call, with the wait for a connection and retries.',
  });
}

/** The work's result, or the signal's reason as soon as it is aborted; the work itself goes on and nobody hears of it. */
export function untilStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const stopped = () => reject(signal.reason);
    if (signal.aborted) stopped();
    else signal.addEventListener('abort', stopped, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
  });
}

/** Whether the work was over, well or badly, within so many ms. */
export function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    const ended = () => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(ended, ended);
  });
}

/** Resolves after so many ms, or at once when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(over, ms);
    function over(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', over);
      resolve();
    }
    if (signal?.aborted) over();
    else signal?.addEventListener('abort', over);
  });
}
