import type pg from 'pg';
import { destroy } from '../driver.ts';
import { cancelRequest } from '../transactions/index.ts';
import type { Statement } from './statement.ts';

/** How long a server may take to accept a cancel request, and then to end the statement, before the connection is given up. */
const cancelGraceMs = 5000;

/**
 * Runs a statement on a connection that it has to itself. `ended` is called once, when the connection is free for others:
 * of a statement that was cancelled not before the request can hit nothing else any more.
 */
export function runAlone(
  statement: Statement,
  client: pg.PoolClient,
  ended: (error: Error | undefined, result: pg.QueryResult) => void,
): void {
  statement.sentAt = performance.now();
  statement.shared = false;
  let cancelled: Promise<void> | undefined;
  let givenUp: NodeJS.Timeout | undefined;
  statement.cancel = () => {
    cancelled ??= cancelRequest(client, cancelGraceMs).then(() => {
      givenUp = setTimeout(() => destroy(client), cancelGraceMs);
    });
  };
  const done = (error: Error | null | undefined, result: pg.QueryResult): void => {
    statement.cancel = undefined;
    if (!cancelled) {
      ended(error ?? undefined, result);
      return;
    }
    void cancelled.then(() => {
      clearTimeout(givenUp);
      ended(error ?? undefined, result);
    });
  };
  const { record, config, values } = statement;
  try {
    if (config) client.query({ ...config, values, query_timeout: undefined } as pg.QueryConfig, done);
    else client.query(record.text, values as unknown[], done);
  } catch (error) {
    ended(error instanceof Error ? error : new Error(String(error)), undefined as never);
  }
}
