import type pg from 'pg';
import type { TransactionConnection } from './connection.ts';
import { alreadyEnded, controlRefused, isServerError, nestedRunning, rolledBack, stillOpen } from './failures.ts';
import { callbackOf, isSubmittable, type StatementOwner } from './statements.ts';
import { untilStopped } from './stop.ts';

/** What the function of a transaction works with. */
export interface TransactionClient {
  /** Runs a statement of the transaction; called in every way that `pg`'s `client.query` can be. */
  readonly query: pg.ClientBase['query'];
  /** 1 when the function is called first, 2 at its first retry, and so on. */
  readonly attempt: number;
  /** Aborted when the transaction is stopped by its signal or its time: for what the function waits for besides statements. */
  readonly signal: AbortSignal | undefined;
  /**
   * A nested transaction, as a savepoint: what its function throws undoes only what was done inside. One at a time, and
   * while it runs, statements go through its own client.
   *
   * @throws `E_TRANSACTION` when another one is running, or when a statement inside failed without its error being passed on.
   */
  transaction<T>(fn: (client: TransactionClient) => Promise<T>): Promise<T>;
  /**
   * Called after COMMIT, with the connection given back; not at all when the transaction, the nested one it was asked for in,
   * or this attempt is rolled back. In the order of asking, each awaited. The transaction has succeeded whatever a callback
   * does: an error of one is an unhandled rejection of the process.
   */
  onCommit(callback: () => unknown): void;
  /**
   * Called in place of those of `onCommit` when COMMIT got no answer, so that nobody knows whether it was done: for what has to be
   * done in doubt, such as forgetting what is cached.
   */
  onOutcomeUnknown(callback: () => unknown): void;
}

/** Statements that would begin or end the transaction behind our back. Savepoints of the application's own are its own affair. */
const control =
  /^[\s;]*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!(?:\s+(?:work|transaction))?\s+to))\b/i;

/** A transaction, or a nested one, while its function runs. */
export class Transaction implements TransactionClient, StatementOwner {
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
  readonly #connection: TransactionConnection;
  readonly #depth: number;
  readonly #onCommit: (() => unknown)[] = [];
  readonly #onOutcomeUnknown: (() => unknown)[] = [];
  #nested: Transaction | undefined;
  #failure: unknown;
  /** Why nothing can be run on it any more. */
  #ended: { reason: unknown } | undefined;

  constructor(connection: TransactionConnection, attempt: number, signal: AbortSignal | undefined, depth = 0) {
    this.#connection = connection;
    this.attempt = attempt;
    this.signal = signal;
    this.#depth = depth;
  }

  readonly query = ((...args: unknown[]): unknown => {
    const refusal = this.#refusal(textOf(args[0]), 'a statement of the outer transaction was run');
    return refusal === undefined ? this.#connection.statements.run(this, args) : refuse(args, refusal.reason);
  }) as pg.ClientBase['query'];

  async transaction<T>(fn: (client: TransactionClient) => Promise<T>): Promise<T> {
    const refusal = this.#refusal(undefined, 'a second nested transaction was begun');
    if (refusal) throw refusal.reason;
    const nested = new Transaction(this.#connection, this.attempt, this.signal, this.#depth + 1);
    this.#nested = nested;
    try {
      const value = await this.#inSavepoint(nested, fn);
      this.#onCommit.push(...nested.#onCommit);
      this.#onOutcomeUnknown.push(...nested.#onOutcomeUnknown);
      return value;
    } finally {
      this.#nested = undefined;
    }
  }

  onCommit(callback: () => unknown): void {
    if (this.#ended) throw this.#ended.reason;
    this.#onCommit.push(callback);
  }

  onOutcomeUnknown(callback: () => unknown): void {
    if (this.#ended) throw this.#ended.reason;
    this.#onOutcomeUnknown.push(callback);
  }

  /** The first statement that the server refused. */
  get failure(): unknown {
    return this.#failure;
  }

  get callbacks(): readonly (() => unknown)[] {
    return this.#onCommit;
  }

  get callbacksInDoubt(): readonly (() => unknown)[] {
    return this.#onOutcomeUnknown;
  }

  failed(error: unknown): void {
    this.#failure ??= error;
  }

  /** From now on nothing is run on it. */
  end(reason: unknown = alreadyEnded('a statement')): void {
    this.#ended ??= { reason };
    this.#nested?.end(reason);
  }

  /**
   * After its function has returned: waits for statements that it did not await.
   *
   * @throws `E_TRANSACTION` when a cursor or stream is open, which nobody might ever read to its end, or a nested transaction
   *   runs, of which it is not known what it will still do.
   */
  async complete(): Promise<void> {
    const nested = this.#nested;
    this.end();
    if (nested) throw nestedRunning('the function of the outer transaction ended');
    const { statements } = this.#connection;
    if (statements.open) throw stillOpen();
    await untilStopped(statements.settled(), this.signal);
  }

  #refusal(text: string | undefined, what: string): { reason: unknown } | undefined {
    if (this.#ended) return this.#ended;
    if (this.signal?.aborted) return { reason: this.signal.reason };
    if (this.#nested) return { reason: nestedRunning(what) };
    return text !== undefined && control.test(text) ? { reason: controlRefused(text) } : undefined;
  }

  async #inSavepoint<T>(nested: Transaction, fn: (client: TransactionClient) => Promise<T>): Promise<T> {
    const { statements } = this.#connection;
    // Its own names: RELEASE and ROLLBACK TO go to the latest savepoint of a name, the application's included.
    const savepoint = `pitcrew_sp${nested.#depth}`;
    await statements.run(this, [`SAVEPOINT ${savepoint}`]);
    try {
      const value = await untilStopped(fn(nested), this.signal);
      await nested.complete();
      await Promise.resolve(statements.run(nested, [`RELEASE SAVEPOINT ${savepoint}`])).catch((error: unknown) => {
        throw inFailedTransaction(error) ? rolledBack(nested.#failure, 'nested transaction') : error;
      });
      return value;
    } catch (error) {
      nested.end();
      // When all of it is being stopped, all of it is rolled back.
      if (this.#ended || this.signal?.aborted) throw error;
      // Should this fail, the transaction has failed, and COMMIT will say so.
      const quiet = await this.#connection.quiet(false, error);
      const undo = `ROLLBACK TO SAVEPOINT ${savepoint}; RELEASE SAVEPOINT ${savepoint}`;
      if (quiet) await Promise.resolve(statements.run(this, [undo])).catch(() => {});
      throw error;
    }
  }
}

/** What RELEASE says when a statement had failed, which says less than that statement's own error. */
function inFailedTransaction(error: unknown): boolean {
  return isServerError(error) && error.code === '25P02';
}

function textOf(first: unknown): string | undefined {
  if (typeof first === 'string') return first;
  if (typeof first !== 'object' || first === null || !('text' in first)) return undefined;
  return typeof first.text === 'string' ? first.text : undefined;
}

/** Answers a call of `query` with an error in the way that the call expects one. */
function refuse(args: readonly unknown[], reason: unknown): unknown {
  const [first] = args;
  if (isSubmittable(first)) throw reason;
  const callback = callbackOf(args);
  if (!callback) return Promise.reject(reason);
  process.nextTick(callback, reason);
  return undefined;
}
