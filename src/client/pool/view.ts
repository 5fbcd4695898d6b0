import type pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import { type Call, type Callback, guarded, isSubmittable, type PoolQuery, readCall } from './call.ts';
import type { PoolCore } from './core.ts';
import type { Access } from './routing/router.ts';
import { submit } from './submit.ts';
import { runTransaction, type TransactionClient, type TransactionOptions } from './transactions/index.ts';

export type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/** The pool as seen by those who go to one part of the topology. */
export class PoolView {
  readonly #core: PoolCore;
  readonly #access: Access;

  constructor(core: PoolCore, access: Access) {
    this.#core = core;
    this.#access = access;
  }

  /** See `Pool.query`. */
  readonly query: PoolQuery = ((query: unknown, second?: unknown, third?: unknown) =>
    this.#query(query, second, third)) as PoolQuery;

  /** See `Pool.connect`. */
  connect(): Promise<pg.PoolClient>;
  connect(callback: ConnectCallback): void;
  connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    if (!callback) {
      return new Promise<pg.PoolClient>((resolve, reject) => this.#core.lend(this.#access, resolve, reject)).catch(
        fromHere,
      );
    }
    const told = guarded(callback);
    this.#core.lend(
      this.#access,
      (client) => told(undefined, client, client.release.bind(client)),
      (error) => told(error, undefined, () => {}),
    );
    return undefined;
  }

  /**
   * Runs a function in a transaction on a connection of its own: commits when it returns, rolls back when it throws, and runs
   * it again after a serialization failure or deadlock. See `TransactionOptions`.
   */
  transaction<Result>(
    work: (client: TransactionClient) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result> {
    let client: pg.PoolClient | undefined;
    const acquire = async (signal: AbortSignal | undefined): Promise<pg.PoolClient> =>
      (client = await this.#acquire(signal));
    // Inside the holder's own context it is known that whoever waits there for one more connection holds this one.
    const inside = (transaction: TransactionClient): Promise<Result> => {
      const held = client && this.#core.heldBy(client);
      return held ? held.within(() => work(transaction)) : work(transaction);
    };
    return runTransaction(acquire, inside, options);
  }

  /** A connection, unless the signal says before that it is not wanted any more. */
  #acquire(signal: AbortSignal | undefined): Promise<pg.PoolClient> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', aborted, { once: true });
      this.#core.lend(
        this.#access,
        (client) => {
          signal?.removeEventListener('abort', aborted);
          if (signal?.aborted) client.release();
          else resolve(client);
        },
        reject,
        'transaction',
      );
    });
  }

  #query(query: unknown, second: unknown, third: unknown): unknown {
    if (isSubmittable(query)) {
      const callback = (typeof second === 'function' ? second : third) as Callback | undefined;
      return submit(query, callback, (lent, refused) => this.#core.lend(this.#access, lent, refused));
    }
    if (typeof query === 'function') {
      setImmediate(() => (query as Callback)(new Error(functionFirst), undefined as never));
      return undefined;
    }
    let call: Call;
    try {
      call = readCall(query, second, third);
    } catch (error) {
      // Of `pg.Pool` one learns by the answer, of its clients at once.
      return Promise.reject(error as Error);
    }
    const { callback } = call;
    if (!callback) return this.#core.answer(this.#access, call).catch(fromHere);
    const told = guarded(callback);
    this.#core.run(
      this.#access,
      call,
      (result) => told(undefined, result),
      (error) => told(error, undefined as never),
    );
    return undefined;
  }
}

const functionFirst = 'Passing a function as the first parameter to pool.query is not supported';

/** Errors come from the socket's callback: what the application needs is its own line, which the awaiting promises know. */
function fromHere(error: unknown): never {
  if (error instanceof Error && !(error instanceof PitcrewError)) Error.captureStackTrace(error);
  throw error;
}
