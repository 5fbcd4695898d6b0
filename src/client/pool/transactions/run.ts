import type pg from 'pg';
import { Transaction, type TransactionClient } from './client.ts';
import { TransactionConnection } from './connection.ts';
import {
  chainOf,
  connectionLost,
  endedInside,
  isRetryable,
  isServerError,
  outcomeUnknown,
  rolledBack,
} from './failures.ts';
import { planned, type TransactionOptions, type TransactionPlan } from './options.ts';
import { endsWithin, pause, stopAt, untilStopped } from './stop.ts';

/** The longest wait before the first retry and before any, in ms; in between it doubles. */
const firstWaitMs = 10;
const longestWaitMs = 1000;

/** Gives a connection to a transaction; the signal says that it is not wanted any more. */
export type Acquire = (signal: AbortSignal | undefined) => Promise<pg.PoolClient>;

/**
 * Runs a function in a transaction on a connection of its own: commits when it returns, rolls back when it throws. What the
 * function throws is thrown unchanged, errors of the server among it.
 *
 * The function is called again, up to `retries` times, when the server gave the transaction up for another's sake (40001,
 * 40P01; also as the `cause` of what was thrown), each time on a new connection and after a random wait of up to
 * 10, 20, 40 … 1000 ms ("full jitter", M. Brooker, Exponential Backoff And Jitter). So what it does besides statements of the
 * transaction should bear repeating, or wait for `onCommit`. It is never called again when COMMIT got no answer.
 *
 * @throws `E_CONNECTION_LOST` when the connection ended before COMMIT was sent: nothing was kept.
 * @throws `E_OUTCOME_UNKNOWN` when it ended, or the time for it was over, before COMMIT was answered.
 * @throws `E_TRANSACTION` when the server rolled back at COMMIT because a failed statement's error was not passed on, or
 *   when the function leaves a cursor or stream open.
 * @throws `E_ABORTED` after `timeoutMs`; the reason of `signal` when it is aborted.
 * @throws `E_USAGE` for options that no transaction can have; and what `acquire` throws.
 */
export async function runTransaction<T>(
  acquire: Acquire,
  fn: (client: TransactionClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const plan = planned(options);
  using stop = stopAt(options.signal, options.timeoutMs);
  const signal = stop?.signal;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const result = await attempted(acquire, fn, plan, attempt, signal);
    if (result.done) {
      await called(result.callbacks);
      return result.value;
    }
    if (attempt > plan.retries || signal?.aborted || !result.again) throw result.error;
    await pause(Math.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)), signal);
  }
}

type Result<T> =
  | { done: true; value: T; callbacks: readonly (() => unknown)[] }
  | { done: false; error: unknown; again: boolean };

async function attempted<T>(
  acquire: Acquire,
  fn: (client: TransactionClient) => Promise<T>,
  plan: TransactionPlan,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<Result<T>> {
  const connection = new TransactionConnection(await acquired(acquire, signal), plan.graceMs);
  const transaction = new Transaction(connection, attempt, signal);
  let begun = false;
  let value: T;
  try {
    await untilStopped(connection.statements.run(transaction, [plan.begin]) as Promise<unknown>, signal);
    begun = true;
    value = await untilStopped(fn(transaction), signal);
    await transaction.complete();
    if (connection.lost) throw connection.lost;
    signal?.throwIfAborted();
    if (connection.client.getTransactionStatus() === 'I') throw endedInside();
  } catch (error) {
    transaction.end(signal?.aborted ? signal.reason : undefined);
    const quiet = await connection.quiet(signal?.aborted === true, error);
    if (quiet && (await connection.rollback())) connection.giveBack();
    else connection.destroy(error);
    return failed(connection, error, begun, signal);
  }
  return committed(connection, transaction, plan, value, signal);
}

/** What a transaction comes to that was not committed. */
function failed(
  connection: TransactionConnection,
  error: unknown,
  begun: boolean,
  signal: AbortSignal | undefined,
): Result<never> {
  if (signal?.aborted) return { done: false, error: signal.reason, again: false };
  // What the application threw for reasons of its own stays what it is, whatever became of the connection.
  const lost = connection.lost && [...chainOf(error)].some((link) => connection.ended(link));
  if (!lost) return { done: false, error, again: isRetryable(error) };
  const certain = begun ? 'COMMIT had not been sent.' : 'It had not begun.';
  return { done: false, error: connectionLost(connection.endpoint, certain, error), again: !begun };
}

async function committed<T>(
  connection: TransactionConnection,
  transaction: Transaction,
  plan: TransactionPlan,
  value: T,
  signal: AbortSignal | undefined,
): Promise<Result<T>> {
  const commit = connection.client.query('COMMIT');
  try {
    // Not cancelled, even when stopped: a COMMIT that waits for standbys would then succeed without them.
    await untilStopped(commit, signal).catch(async (error: unknown) => {
      if (signal?.aborted && !(await endsWithin(commit, plan.graceMs))) throw error;
    });
    const { command } = await commit;
    connection.giveBack();
    if (command !== 'ROLLBACK') return { done: true, value, callbacks: transaction.callbacks };
  } catch (error) {
    if (isServerError(error) && (await connection.answers())) {
      connection.giveBack();
      return { done: false, error, again: isRetryable(error) };
    }
    connection.destroy(error);
    if (!plan.readOnly) await called(transaction.callbacksInDoubt);
    const { endpoint } = connection;
    const unknown = plan.readOnly
      ? connectionLost(endpoint, 'It was read-only.', error)
      : outcomeUnknown(endpoint, error);
    return { done: false, error: unknown, again: false };
  }
  const error = rolledBack(transaction.failure, 'transaction');
  return { done: false, error, again: isRetryable(error) };
}

/** A connection; one that comes when the transaction has been stopped goes straight back. */
async function acquired(acquire: Acquire, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  const pending = acquire(signal);
  try {
    return await untilStopped(pending, signal);
  } catch (error) {
    if (signal?.aborted) {
      pending.then(
        (client) => client.release(),
        () => {},
      );
    }
    throw error;
  }
}

/** What became of the transaction stands: a callback that fails must not make it look otherwise, nor keep the others from being called. */
async function called(callbacks: readonly (() => unknown)[]): Promise<void> {
  for (const callback of callbacks) {
    try {
      await callback();
    } catch (error) {
      void Promise.reject(error);
    }
  }
}
