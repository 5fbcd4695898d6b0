import { setImmediate as nextTurn } from 'node:timers/promises';
import { PitcrewError } from '../../../../errors.ts';
import type { Cache } from '../../cache.ts';
import { type Duration, durationMs } from '../../options.ts';
import { type Items, untilAborted, warm, type WarmProgress, type WarmResult } from './run.ts';
import { Alarm, nextTimes, type Schedule } from './schedule.ts';

export interface WarmerOptions<Args extends unknown[], Item> {
  /** For progress and results. */
  name: string;
  /** What to load: a list, or a function that is asked each time, with what `warm` was called with. */
  keys: Items<Item> | ((...args: Args) => Items<Item> | PromiseLike<Items<Item>>);
  /** Loads one of them through the cache: a call of a cached function, or of `cache.remember`. */
  load: (item: Item, context: { signal: AbortSignal }) => unknown;
  /** `'start'` and times of a schedule; only when `warm` is called by default. */
  on?: 'start' | Schedule | readonly ('start' | Schedule)[] | undefined;
  /** Loads at the same time, of all that was asked of this warmer; 4 by default. */
  concurrency?: number | undefined;
  /** After that it ends, done or not; 1 minute by default. */
  timeBudget?: Duration | undefined;
  onProgress?: ((progress: WarmProgress) => void) | undefined;
  onEnd?: ((result: WarmResult) => void) | undefined;
}

export interface WarmerStatus {
  readonly name: string;
  /** How far it is while it runs. */
  readonly running: WarmProgress | undefined;
  readonly last: (WarmResult & { readonly endedAt: Date }) | undefined;
  /** When it runs by its schedule. */
  readonly nextAt: Date | undefined;
}

export interface Warmer<Args extends unknown[]> extends Disposable {
  /** Warms now, as at an event such as a sign-in. Never rejects: what fails is in the result. */
  warm(...args: Args): Promise<WarmResult>;
  status(): WarmerStatus;
  /** Ends what is under way, and its schedule. */
  stop(): void;
}

/**
 * Fills a cache before it is asked: at start, by a schedule, or at an event. Never holds up whoever makes it, and keeps no
 * process alive: a start begins in the next turn of the event loop. While the source fails it pauses for longer and longer. What
 * the cache has is not loaded again, unless `load` does so (`getOrder.refresh`).
 * @example
 * ```ts
 * createWarmer(cache, { name: 'top orders', on: 'start', keys: () => topKeys.previous(100), load: (key) => getOrder(idOf(key)) });
 * const user = createWarmer(cache, { name: 'user', keys: (id: number) => [id], load: (id) => getProfile(id) });
 * app.on('sign-in', ({ id }) => void user.warm(id));
 * ```
 * @throws `E_CONFIG` for options that make no sense
 */
export function createWarmer<Item, Args extends unknown[] = []>(
  cache: Cache,
  options: WarmerOptions<Args, Item>,
): Warmer<Args> {
  const { name, keys, load, on = [], concurrency = 4, timeBudget = '1m', onProgress, onEnd } = options;
  const budgetMs = durationMs('timeBudget', timeBudget);
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new PitcrewError('E_CONFIG', 'concurrency must be a whole number of at least 1', {
      detail: `Found ${concurrency}.`,
    });
  }
  const triggers = [on].flat() as ('start' | Schedule)[];
  const times = triggers.filter((each) => each !== 'start').map(nextTimes);
  const stopping = new AbortController();
  const alarm = new Alarm();
  const limit = limiter(concurrency);
  const running = new Set<WarmProgress>();
  let last: WarmerStatus['last'];
  let nextAt: Date | undefined;

  const warmer: Warmer<Args> = {
    async warm(...args) {
      const end = AbortSignal.any([stopping.signal, AbortSignal.timeout(budgetMs)]);
      const state = { warmed: 0, failed: 0 };
      running.add(state);
      // Whoever calls is not held up by what `keys` does at once.
      await nextTurn();
      const result = await warm({
        list: () => (typeof keys === 'function' ? keys(...args) : keys),
        load: (item) => limit(end, async () => load(item, { signal: end })),
        concurrency,
        signal: end,
        onProgress: (progress) => {
          Object.assign(state, progress);
          onProgress?.(progress);
        },
      });
      await untilAborted(cache.settled(), end).catch(() => {});
      running.delete(state);
      last = { ...result, endedAt: new Date() };
      onEnd?.(result);
      return result;
    },
    status: () => ({ name, running: totalOf(running), last, nextAt }),
    stop() {
      alarm.clear();
      nextAt = undefined;
      stopping.abort(new Error(`the warmer ${name} was stopped`));
    },
    [Symbol.dispose]: () => warmer.stop(),
  };

  function byItself(): Promise<WarmResult> {
    // A list that depends on an event is asked without one: its type says that it can be.
    return warmer.warm(...([] as unknown as Args));
  }
  function schedule(): void {
    if (times.length === 0 || stopping.signal.aborted) return;
    const at = Math.min(...times.map((next) => next(Date.now())));
    nextAt = new Date(at);
    // The next time counts from the end: a run that takes long does not overtake itself.
    alarm.set(at, () => void byItself().finally(schedule));
  }
  if (triggers.includes('start')) void byItself();
  schedule();
  return warmer;
}

/** Runs no more than so many at a time. What is given up makes room at once. */
function limiter(most: number): <Value>(signal: AbortSignal, work: () => Promise<Value>) => Promise<Value> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (signal, work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await untilAborted(work(), signal);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

function totalOf(running: ReadonlySet<WarmProgress>): WarmProgress | undefined {
  if (running.size === 0) return undefined;
  const total = { warmed: 0, failed: 0 };
  for (const { warmed, failed } of running) {
    total.warmed += warmed;
    total.failed += failed;
  }
  return total;
}
