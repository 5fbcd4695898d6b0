import { PitcrewError } from '../../../errors.ts';

/** One load of a key, which all of its callers share. */
export class Load<Value> {
  /** Where the fence was when it began: what was invalidated later makes its value void. */
  readonly since: number;
  readonly value: Promise<Value>;
  readonly #controller = new AbortController();
  /** Its key was invalidated, or set to something else, meanwhile. */
  isOvertaken = false;

  /** @param work begins at once */
  constructor(since: number, work: (load: Load<Value>) => Promise<Value>) {
    this.since = since;
    this.value = work(this);
    // Where nobody waits for it, nobody hears of its failure.
    this.value.catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }
}

/** Rejects after a time, and has the load's signal abort, when the loader has not answered by then. */
export async function within<Value>(
  ms: number,
  key: string,
  load: { abort(reason: Error): void },
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new PitcrewError('E_CACHE_TIMEOUT', `the loader of "${key}" took longer than ${ms} ms`, {
        hint: 'Raise timeout.hard, or give the entry a grace, so that what is stale can be served meanwhile.',
      });
      load.abort(error);
      reject(error);
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
