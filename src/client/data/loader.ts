import { messageOf, PitcrewError } from '../../errors.ts';
import { currentScope, type RequestScope } from '../scope.ts';
import { type KeyedQuery, readByKeys } from './by-keys.ts';

export interface LoaderOptions<Key> {
  /** Keys in one call of the function, at most. Default 1,000. */
  maxBatch?: number | undefined;
  /**
   * `scope` (default): within a request scope what was loaded is remembered until its end, so that a request sees each thing once
   * and the same; outside of one nothing is. `false`: nothing is.
   */
  memory?: 'scope' | false | undefined;
  /** What makes two keys the same. Default: the key, and for arrays and objects their JSON. */
  sameAs?: ((key: Key) => unknown) | undefined;
}

/**
 * Loads for many keys at once. Answers either with an array in the order of the keys, in which an `Error` fails its key only, or
 * with a `Map`, in which what is missing is `undefined`.
 */
export type BatchFunction<Key, Value> = (
  keys: readonly Key[],
) => PromiseLike<readonly (Value | Error)[] | ReadonlyMap<Key, Value | Error>>;

/** Where a loader reads rows by key from. With a key of several columns, keys are arrays of their values, in the order of `key`. */
export interface LoaderTable extends KeyedQuery {
  /** One row per key (default), or all. */
  many?: boolean | undefined;
}

export interface Loader<Key, Value> {
  /** What is there for a key. All calls in one turn of the event loop become one call of the function. */
  load(key: Key): Promise<Value>;
  /** In the order of the keys. Fails with the first key that failed. */
  loadMany(keys: Iterable<Key>): Promise<Value[]>;
  /** What the caller's scope is to remember for a key, such as what it has just written. */
  prime(key: Key, value: Value): void;
  /** Forgets, in the caller's scope, what was loaded for a key, or all. */
  clear(key?: Key): void;
}

/**
 * Makes a loader: what many parts of a program ask for one by one comes with one statement.
 * @example
 * ```ts
 * const customers = createLoader({ database: pool, table: 'customers', key: 'id' });
 * const [first, second] = await Promise.all([customers.load(1), customers.load(2)]); // one statement
 * ```
 * @throws `E_USAGE` when the function does not answer as it should
 */
export function createLoader<Key, Value>(
  batch: BatchFunction<Key, Value>,
  options?: LoaderOptions<Key>,
): Loader<Key, Value>;
export function createLoader<Key = unknown, Row = Record<string, unknown>>(
  table: LoaderTable & { many: true },
  options?: LoaderOptions<Key>,
): Loader<Key, Row[]>;
export function createLoader<Key = unknown, Row = Record<string, unknown>>(
  table: LoaderTable,
  options?: LoaderOptions<Key>,
): Loader<Key, Row | undefined>;
export function createLoader<Key, Value>(
  source: BatchFunction<Key, Value> | LoaderTable,
  options: LoaderOptions<Key> = {},
): Loader<Key, Value> {
  const { maxBatch = 1000 } = options;
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new PitcrewError('E_USAGE', `maxBatch cannot be ${String(maxBatch)}`, {
      hint: 'Give a whole number from 1.',
    });
  }
  const batch = typeof source === 'function' ? source : (fromTable(source) as unknown as BatchFunction<Key, Value>);
  return new BatchingLoader(batch, { ...options, maxBatch });
}

function fromTable({ many = false, ...query }: LoaderTable): BatchFunction<unknown, unknown> {
  return async (keys) => {
    const composite = Array.isArray(query.key);
    const found = await readByKeys(
      query,
      keys.map((key) => (composite ? (key as readonly unknown[]) : [key])),
    );
    return many ? found : found.map(([row]) => row);
  };
}

/** What is remembered, and what waits to be loaded, for one scope. */
interface Memory<Key, Value> {
  loaded: Map<unknown, Promise<Value>>;
  waiting: Batch<Key, Value> | undefined;
}

interface Batch<Key, Value> {
  keys: Key[];
  answers: PromiseWithResolvers<Value>[];
  promises: Map<unknown, Promise<Value>>;
}

class BatchingLoader<Key, Value> implements Loader<Key, Value> {
  readonly #batch: BatchFunction<Key, Value>;
  readonly #maxBatch: number;
  readonly #remembers: boolean;
  readonly #sameAs: (key: Key) => unknown;
  /** Of callers without a scope: they remember nothing, but share batches. */
  readonly #outside: Memory<Key, Value> = { loaded: new Map(), waiting: undefined };

  constructor(batch: BatchFunction<Key, Value>, options: LoaderOptions<Key> & { maxBatch: number }) {
    this.#batch = batch;
    this.#maxBatch = options.maxBatch;
    this.#remembers = options.memory !== false;
    this.#sameAs = options.sameAs ?? identity;
  }

  load(key: Key): Promise<Value> {
    const memory = this.#memory();
    const same = this.#sameAs(key);
    const known = memory.loaded.get(same) ?? memory.waiting?.promises.get(same);
    if (known) return known;
    const batch = (memory.waiting ??= this.#begin(memory));
    const answer = Promise.withResolvers<Value>();
    batch.keys.push(key);
    batch.answers.push(answer);
    batch.promises.set(same, answer.promise);
    if (this.#remembers && memory !== this.#outside) this.#remember(memory, same, answer.promise);
    if (batch.keys.length >= this.#maxBatch) memory.waiting = undefined;
    return answer.promise;
  }

  loadMany(keys: Iterable<Key>): Promise<Value[]> {
    return Promise.all(Array.from(keys, (key) => this.load(key)));
  }

  prime(key: Key, value: Value): void {
    const memory = this.#memory();
    if (this.#remembers && memory !== this.#outside) memory.loaded.set(this.#sameAs(key), Promise.resolve(value));
  }

  clear(...keys: [key?: Key]): void {
    const memory = this.#memory();
    // Whoever asks from now on must not get what was asked for before.
    memory.waiting = undefined;
    if (keys.length === 0) memory.loaded.clear();
    else memory.loaded.delete(this.#sameAs(keys[0] as Key));
  }

  /** Failures are not remembered: the next one to ask may have more luck. */
  #remember(memory: Memory<Key, Value>, same: unknown, promise: Promise<Value>): void {
    memory.loaded.set(same, promise);
    promise.catch(() => {
      if (memory.loaded.get(same) === promise) memory.loaded.delete(same);
    });
  }

  /** Each scope has its own, so that a request sees what it has written, and its statements are counted as its own. */
  #memory(): Memory<Key, Value> {
    const scope: RequestScope | undefined = currentScope()?.root;
    if (!scope || scope.ended) return this.#outside;
    const kept = scope.kept(this) as Memory<Key, Value> | undefined;
    if (kept) return kept;
    const memory: Memory<Key, Value> = { loaded: new Map(), waiting: undefined };
    scope.keep(this, memory);
    return memory;
  }

  #begin(memory: Memory<Key, Value>): Batch<Key, Value> {
    const batch: Batch<Key, Value> = { keys: [], answers: [], promises: new Map() };
    // After all that this turn of the event loop has to do, answers of the database among it.
    setImmediate(() => {
      if (memory.waiting === batch) memory.waiting = undefined;
      void this.#run(batch);
    });
    return batch;
  }

  async #run({ keys, answers }: Batch<Key, Value>): Promise<void> {
    try {
      const found = await this.#batch(keys);
      const values = found instanceof Map ? keys.map((key) => found.get(key)) : (found as readonly (Value | Error)[]);
      if (!Array.isArray(values) || values.length !== keys.length) {
        throw new PitcrewError('E_USAGE', 'the batch function of a loader did not answer for every key', {
          detail: `It got ${keys.length} keys and gave ${Array.isArray(values) ? `${values.length} values` : messageOf(values)}.`,
          hint: 'Give an array with a value for each key, in their order, or a Map.',
        });
      }
      for (const [i, answer] of answers.entries()) {
        const value = values[i] as Value | Error;
        if (value instanceof Error) answer.reject(value);
        else answer.resolve(value);
      }
    } catch (error) {
      for (const answer of answers) answer.reject(error);
    }
  }
}

/** Keys that look the same are the same. */
function identity(key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return key;
  return JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
