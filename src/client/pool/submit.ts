import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { Callback, Submittable } from './call.ts';

/** Gives a connection, or says why there is none. */
type Lend = (lent: (client: pg.PoolClient) => void, refused: (error: Error) => void) => void;

/** Runs a cursor, stream or query object on a connection that it keeps until it has ended, and returns it at once. */
export function submit(query: Submittable, callback: Callback | undefined, lend: Lend): Submittable {
  if (callback) query.callback ??= callback;
  lend(
    (client) => {
      let released = false;
      releaseAtEnd(query, () => {
        if (released) return;
        released = true;
        client.release();
      });
      client.query(query);
    },
    // It tells its user, who may throw.
    (error) => process.nextTick(() => (query as Partial<Driven>).handleError?.(error)),
  );
  return query;
}

/** What `pg` calls of a query object. */
interface Driven {
  handleReadyForQuery: (...args: unknown[]) => void;
  handleError: (error: Error, ...args: unknown[]) => void;
}

/** Adds no listener of errors: those that nobody listens to are uncaught exceptions, as with `pg`. */
function releaseAtEnd(query: Submittable, release: () => void): void {
  const stream = query as unknown as Partial<EventEmitter> & { destroyed?: boolean };
  if (stream.destroyed !== undefined) {
    // It is closed when it was read or written whole, failed or was destroyed.
    stream.once?.('close', release);
    return;
  }
  // Cursors say nothing when they are closed early, but the server does.
  whenAnswered(query, release);
}

/** What is sent, as far as the object tells: those of `pg` and `pg-copy-streams` and cursors do, other streams by their cursor. */
export function submittedText(query: Submittable): string | undefined {
  const { text, cursor } = query as { text?: unknown; cursor?: { text?: unknown } };
  const told = text ?? cursor?.text;
  return typeof told === 'string' ? told : undefined;
}

/** Calls back, perhaps more than once, when the server is done with a query object, before that is told. */
export function whenAnswered(query: Submittable, answered: () => void): void {
  const driven = query as unknown as Partial<Driven>;
  const { handleReadyForQuery, handleError } = driven;
  driven.handleReadyForQuery = (...args) => {
    answered();
    handleReadyForQuery?.apply(query, args);
  };
  // After an error it is not told of that any more.
  driven.handleError = (...args) => {
    answered();
    handleError?.apply(query, args);
  };
}
