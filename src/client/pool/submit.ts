import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { Callback, Submittable } from './call.ts';

/** Gives a connection, or says why there is none. */
type Lend = (lent: (client: pg.PoolClient) => void, refused: (error: Error) => void) => void;

/** Runs a cursor, stream or query object on a connection that it keeps until it has ended, and returns it at once. */
export function submit(query: Submittable, callback: Callback | undefined, lend: Lend): Submittable {
  lend(
    (client) => {
      let released = false;
      releaseAtEnd(query, (error) => {
        if (released) return;
        released = true;
        client.release(error);
      });
      client.query(query);
    },
    (error) => {
      if (callback) callback(error, undefined as never);
      else (query as Partial<Driven>).handleError?.(error);
    },
  );
  return query;
}

/** What `pg` calls of a query object. */
interface Driven {
  handleReadyForQuery: (...args: unknown[]) => void;
  handleError: (error: Error, ...args: unknown[]) => void;
}

function releaseAtEnd(query: Submittable, release: (error?: Error) => void): void {
  const events = query as unknown as Partial<EventEmitter> & { destroyed?: boolean };
  const driven = query as unknown as Driven;
  if (events.destroyed === undefined) {
    // Cursors say nothing when they are closed early, but the server does: it is ready for the next one.
    const { handleReadyForQuery, handleError } = driven;
    driven.handleReadyForQuery = (...args) => {
      handleReadyForQuery.apply(query, args);
      release();
    };
    // After an error it is not told of that any more.
    driven.handleError = (...args) => {
      handleError.apply(query, args);
      release();
    };
  } else {
    // A stream; it is closed when it was read whole, failed or was destroyed.
    events.once?.('close', () => release());
  }
  events.once?.('error', (error: Error) => release(error));
}
