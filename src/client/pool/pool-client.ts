import type pg from 'pg';
import { isSubmittable, readCall, type Submittable } from './call.ts';
import type { OwnConnection } from './connections/connection.ts';
import { isDrivenByOthers, isInTransaction, limitQueries, whenReady } from './driver.ts';
import type { Endpoint } from './endpoint.ts';

/** Told of every statement on a lent client; gives what is to be told of its end. */
export type StatementWatcher = (
  text: string,
  values: readonly unknown[] | undefined,
) => (error: Error | undefined, result: pg.QueryResult | undefined) => void;

export interface Lending {
  endpoint: Endpoint;
  connection: OwnConnection;
  watch: StatementWatcher;
  /** Told of every cursor, stream or query object, before it is sent. */
  submits(query: Submittable): void;
  /** Its session may not be as it was. */
  isChanged(): boolean;
  queryTimeoutMs: number;
  /** Told before the connection goes back. */
  onRelease(error: Error | boolean | undefined): void;
  /** It came back inside a transaction, which is rolled back. */
  onOpenTransaction(): void;
}

function releasedTwice(): never {
  throw new Error('Release called on client which has already been released to the pool.');
}

/**
 * Lends a client: its statements are watched, and `release` gives it back, once. A client that comes back inside a
 * transaction is rolled back first, and is closed when that fails: the next caller must never find itself in someone else's
 * transaction.
 */
export function lend(lending: Lending): pg.PoolClient {
  const { endpoint, connection, isChanged, queryTimeoutMs, onRelease, onOpenTransaction } = lending;
  const { client } = connection;
  // Where the application has put its own in the place of the class's method.
  const own = Object.getOwnPropertyDescriptor(client, 'query');
  const plain = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]) => watched(plain, args, lending)) as typeof client.query;
  if (queryTimeoutMs > 0) limitQueries(client, queryTimeoutMs);
  let released = false;
  client.release = (error?: Error | boolean): void => {
    if (released) releasedTwice();
    released = true;
    client.release = releasedTwice;
    if (own) Object.defineProperty(client, 'query', own);
    else Reflect.deleteProperty(client, 'query');
    if (queryTimeoutMs > 0) limitQueries(client, 0);
    onRelease(error);
    if (error) {
      endpoint.release(connection, 'released with an error');
      return;
    }
    if (isDrivenByOthers(client)) endpoint.release(connection, 'released with an open cursor or stream');
    // Statements that nobody waits for come to their end first.
    else whenReady(client, giveBack);
  };
  const giveBack = (): void => {
    const changed = isChanged();
    if (!isInTransaction(client)) {
      endpoint.release(connection, undefined, changed);
      return;
    }
    onOpenTransaction();
    client.query('ROLLBACK').then(
      () => endpoint.release(connection, undefined, changed),
      () => endpoint.release(connection, 'could not be rolled back'),
    );
  };
  return client;
}

function watched(plain: (...args: unknown[]) => unknown, args: unknown[], { watch, submits }: Lending): unknown {
  const [query, second, third] = args;
  if (isSubmittable(query)) submits(query);
  if (isSubmittable(query) || query === undefined || query === null) return plain(...args);
  const { text, values, callback, config } = readCall(query, second, third);
  const ended = watch(text, values);
  // `pg` takes no options behind the values.
  const plainly = typeof query === 'string' && config ? [{ ...config, values }] : args;
  if (callback) {
    const told = (error: Error | undefined, result: pg.QueryResult): void => {
      ended(error, result);
      callback(error, result);
    };
    return values === undefined ? plain(query, told) : plain(query, values, told);
  }
  const answer = plain(...plainly) as Promise<pg.QueryResult>;
  return answer.then(
    (result) => {
      ended(undefined, result);
      return result;
    },
    (error: Error) => {
      ended(error, undefined);
      throw error;
    },
  );
}
