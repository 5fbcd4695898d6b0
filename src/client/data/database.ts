import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import { PitcrewError } from '../../errors.ts';

/**
 * What the helpers work on: a pool or a client of Pitcrew or of `pg`, or the client of a transaction. With a client that is inside a
 * transaction, all that they do is part of it.
 */
export interface Database {
  query(text: string, values?: unknown[]): Promise<Answer>;
}

export interface Answer {
  rows: Record<string, unknown>[];
  rowCount: number | null;
}

/** One connection, for as long as it is lent. */
export interface Session extends Database {
  /** A query object of our own, which drives the connection itself. */
  submit(query: pg.Submittable): void;
  /** Whether it can: clients in pipeline mode and native ones cannot. */
  canSubmit: boolean;
}

type Work<Result> = (session: Session) => Promise<Result>;

interface Transactional {
  transaction<Result>(work: (client: Database) => Promise<Result>, options?: object): Promise<Result>;
}

interface Lending {
  connect(): Promise<Client & EventEmitter & { release(error?: Error): void }>;
}

interface Client extends Database {
  getTransactionStatus?(): string | null;
  pipeline?: boolean;
}

const has = (database: object, method: string): boolean =>
  typeof (database as Record<string, unknown>)[method] === 'function';

const hasTransaction = (database: Database): database is Database & Transactional => has(database, 'transaction');

/** Pools lend connections; clients have a `connect`, too, but nothing else that pools have. */
export function isPool(database: Database): database is Database & Lending {
  return has(database, 'connect') && (hasTransaction(database) || 'totalCount' in database);
}

/** Whether a savepoint is what keeps a failure from spoiling all that is done on it. */
export function isInTransaction(database: Database): boolean {
  if (isPool(database)) return false;
  if (hasTransaction(database)) return true;
  const status = (database as Client).getTransactionStatus?.();
  if (status === undefined) {
    throw new PitcrewError('E_UNSUPPORTED', 'the client does not tell whether it is in a transaction', {
      hint: "Give a pool, a client of a newer `pg` that is not the native one, or the client of Pitcrew's transaction.",
    });
  }
  return status === 'T' || status === 'E';
}

function sessionOf(client: Client): Session {
  return {
    query: (text, values) => client.query(text, values),
    submit: (query) => void (client.query as unknown as (query: pg.Submittable) => unknown)(query),
    canSubmit: client.pipeline !== true && !('native' in client),
  };
}

/** Runs something on one connection. A pool's is closed when the signal aborts. */
async function onConnection<Result>(
  database: Database,
  signal: AbortSignal | undefined,
  work: Work<Result>,
): Promise<Result> {
  if (!isPool(database)) return untilAborted(work(sessionOf(database)), signal);
  signal?.throwIfAborted();
  const client = await database.connect();
  // Whoever waits for a statement hears of a lost connection; without a listener it would end the process.
  const lost = (): void => {};
  client.on('error', lost);
  let failure: Error | undefined;
  try {
    return await untilAborted(work(sessionOf(client)), signal);
  } catch (error) {
    // What is under way would go on, and hold up whoever comes next.
    if (signal?.aborted) failure = error instanceof Error ? error : new Error('aborted', { cause: error });
    throw error;
  } finally {
    client.release(failure);
    client.off('error', lost);
  }
}

/** Runs something that happens whole or not at all: a transaction, or a savepoint on a client that is inside one. */
export async function atomically<Result>(
  database: Database,
  options: { signal: AbortSignal | undefined; retries: number },
  work: Work<Result>,
): Promise<Result> {
  if (hasTransaction(database)) {
    return database.transaction((client) => untilAborted(work(sessionOf(client)), options.signal), options);
  }
  if (isInTransaction(database))
    return inSavepoint(sessionOf(database), () => untilAborted(work(sessionOf(database)), options.signal));
  return onConnection(database, options.signal, async (session) => {
    await session.query('BEGIN');
    try {
      const result = await untilAborted(work(session), options.signal);
      await session.query('COMMIT');
      return result;
    } catch (error) {
      // A lost connection has rolled back by itself. Never awaited behind a statement that was given up.
      const undone = session.query('ROLLBACK').catch(() => {});
      if (!options.signal?.aborted) await undone;
      throw error;
    }
  });
}

/** Runs something in a savepoint of the session's transaction. */
export async function inSavepoint<Result>(session: Session, work: Work<Result>): Promise<Result> {
  await session.query('SAVEPOINT pitcrew_data');
  try {
    const result = await work(session);
    await session.query('RELEASE SAVEPOINT pitcrew_data');
    return result;
  } catch (error) {
    await session.query('ROLLBACK TO SAVEPOINT pitcrew_data; RELEASE SAVEPOINT pitcrew_data').catch(() => {});
    throw error;
  }
}

/** The signal that was given, and that of the transaction which the database may be. */
export function signalOf(database: Database, signal: AbortSignal | undefined): AbortSignal | undefined {
  const { signal: own } = database as { signal?: unknown };
  if (!(own instanceof AbortSignal)) return signal;
  return signal ? AbortSignal.any([signal, own]) : own;
}

/** Waits, unless the signal aborts: then its reason is thrown at once. */
export async function untilAborted<Result>(pending: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return pending;
  const { promise, reject } = Promise.withResolvers<never>();
  const aborted = (): void => reject(signal.reason as Error);
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([pending, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
