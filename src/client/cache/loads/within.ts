import { PitcrewError } from '../../../errors.ts';

/** Rejects with `E_CACHE_TIMEOUT` after so many ms, and aborts, when the work has not ended by then. */
export async function within<Value>(
  ms: number,
  key: string,
  controller: AbortController,
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new PitcrewError('E_CACHE_TIMEOUT', `the loader of "${key}" took longer than ${ms} ms`, {
        hint: 'Raise timeout.hard, or give the entry a grace, so that what is stale can be served meanwhile.',
      });
      controller.abort(error);
      reject(error);
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The work's value, or `undefined` when it has none within so many ms; it goes on. */
export async function soon<Value>(ms: number, work: Promise<Value>): Promise<{ value: Value } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whoever gives up does not hold up the others who wait. */
export function abortable<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
