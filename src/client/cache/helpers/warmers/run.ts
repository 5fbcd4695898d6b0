import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../../errors.ts';

/** How far a warmer has come, or has got. */
export interface WarmProgress {
  readonly warmed: number;
  /** Given up, after several attempts. */
  readonly failed: number;
}

export interface WarmResult extends WarmProgress {
  /** Whether it came to an end before its time was over and before it was stopped. */
  readonly complete: boolean;
  readonly tookMs: number;
  /** Of the failure that came last. */
  readonly lastError: string | undefined;
}

export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

export interface WarmRun<Item> {
  /** Asked until it answers. */
  list: () => Items<Item> | PromiseLike<Items<Item>>;
  load: (item: Item) => unknown;
  concurrency: number;
  /** Aborts when the time is over, or the warmer is stopped. */
  signal: AbortSignal;
  onProgress: (progress: WarmProgress) => void;
}

/** Loads of one item that fail before it is given up. */
const mostAttempts = 3;
/** A single item that fails is the item's affair. After so many failures in a row it is the source's, which is left alone for a while. */
const failuresOfOne = 3;
const firstRestMs = 100;
const longestRestMs = 10_000;

/**
 * Loads items, a few at a time, until there are no more or it is stopped. While all that is tried fails, it pauses for
 * 100, 200, 400 … 10,000 ms before every attempt. Never rejects.
 */
export async function warm<Item>({ list, load, concurrency, signal, onProgress }: WarmRun<Item>): Promise<WarmResult> {
  const began = performance.now();
  /** What failed is tried again behind all others that are waiting to be. */
  const again: { item: Item; attempts: number }[] = [];
  let warmed = 0;
  let failed = 0;
  let inRow = 0;
  let lastError: string | undefined;
  let complete = true;
  const source = iteratorOf(await listed(list, signal, (error) => (lastError = messageOf(error))));

  const next = async (): Promise<{ item: Item; attempts: number } | undefined> => {
    // No more wait to be tried again than are under way: else all of a source that is down would.
    const retry = again.length >= concurrency ? again.shift() : undefined;
    if (retry) return retry;
    const { value, done } = await source.next();
    return done === true ? again.shift() : { item: value, attempts: 0 };
  };
  const attempt = async (item: Item, attempts: number): Promise<void> => {
    try {
      await load(item);
      warmed += 1;
      inRow = 0;
    } catch (error) {
      lastError = messageOf(error);
      inRow += 1;
      if (attempts + 1 < mostAttempts) again.push({ item, attempts: attempts + 1 });
      else failed += 1;
    }
    onProgress({ warmed, failed });
  };
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      if (inRow >= failuresOfOne) await rest((inRow - failuresOfOne) / concurrency, signal);
      if (signal.aborted) break;
      const found = await next();
      if (found === undefined) return;
      await attempt(found.item, found.attempts);
    }
    complete = false;
  };
  /** Ends with the signal, though what it waits for does not. */
  const worker = (): Promise<void> =>
    untilAborted(work(), signal).catch((error: unknown) => {
      complete = false;
      if (!signal.aborted) lastError = messageOf(error);
    });

  await Promise.all(Array.from({ length: concurrency }, worker));
  // What is still retried when others have found nothing more belongs to it, too.
  if (complete && again.length > 0) await worker();
  if (!complete) void Promise.resolve(source.return?.()).catch(() => {});
  return { warmed, failed, complete, tookMs: performance.now() - began, lastError };
}

/** What is to be loaded: while that cannot be told, it is asked again after a while, until the signal aborts. */
async function listed<Item>(
  list: WarmRun<Item>['list'],
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<Items<Item>> {
  for (let times = 0; !signal.aborted; times++) {
    try {
      return await untilAborted(Promise.resolve(list()), signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await rest(times, signal);
  }
  return [];
}

function iteratorOf<Item>(items: Items<Item>): {
  next(): IteratorResult<Item, unknown> | Promise<IteratorResult<Item, unknown>>;
  return?(): unknown;
} {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

async function rest(times: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(firstRestMs * 2 ** Math.floor(times), longestRestMs) * (0.5 + Math.random() / 2);
  await delay(ms, undefined, { signal, ref: false }).catch(() => {});
}

/** Waits no longer than the signal lets it: what does not listen to it is left behind. */
export async function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const aborted = (): void => reject(signal.reason as Error);
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
