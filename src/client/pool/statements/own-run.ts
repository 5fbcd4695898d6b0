import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { destroy, forgetPrepared, whenReady } from '../driver.ts';
import { isConnectionLost, isStalePrepared } from '../failures.ts';
import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';
import { cancelRequest } from '../transactions/index.ts';
import { ask } from './ask-before.ts';
import type { Statement } from './statement.ts';

/** How long a server may take to end a statement that is to be cancelled, before the connection is given up. */
const cancelGraceMs = 5000;
/** Pause after the first request; it doubles. */
const firstPauseMs = 50;

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
  statement.endedAt = 0;
  statement.shared = false;
  const answered = Promise.withResolvers<void>();
  let isAnswered = false;
  let cancelled: Promise<void> | undefined;
  statement.cancel = () => {
    cancelled ??= cancelUntil(answered.promise, () => isAnswered, client);
  };
  let isAnew = false;
  const done = (error: Error | null | undefined, result: pg.QueryResult): void => {
    // Of values that cannot be written `pg` tells twice: at once, and when the server has heard that there is nothing to do.
    if (isAnswered) return;
    const { name } = statement.config ?? {};
    if (name && !isAnew && !cancelled && isStalePrepared(error)) {
      isAnew = true;
      void prepareAnew(client, name).then(send);
      return;
    }
    statement.cancel = undefined;
    isAnswered = true;
    const free = (): void => ended(error ?? undefined, result);
    if (cancelled) {
      answered.resolve();
      void cancelled.then(() => whenReady(client, free));
    } else if (error && !isConnectionLost(error, client)) {
      // Only then is it known whether it is inside a transaction.
      whenReady(client, free);
    } else {
      free();
    }
  };
  const { record, config, values, preface } = statement;
  const send = (): void => {
    try {
      if (config) client.query({ ...config, values, query_timeout: undefined } as pg.QueryConfig, done);
      else client.query(record.text, values as unknown[], done);
    } catch (error) {
      ended(error instanceof Error ? error : new Error(String(error)), undefined as never);
    }
  };
  if (preface) ask(preface, client, send);
  else send();
}

/** Has the server forget a named statement, so that the next use of the name prepares it as its tables are now. Never rejects. */
async function prepareAnew(client: pg.PoolClient, name: string): Promise<void> {
  forgetPrepared(client, name);
  // Where it is not known any more there is nothing to forget.
  await client.query(`DEALLOCATE ${quoteIdentifier(name)}`).catch(() => {});
}

/** A request that arrives before the statement has begun stops nothing: so it is asked again until there is an answer. */
async function cancelUntil(answered: Promise<void>, isAnswered: () => boolean, client: pg.PoolClient): Promise<void> {
  const giveUpAt = performance.now() + cancelGraceMs;
  for (let pauseMs = firstPauseMs; !isAnswered(); pauseMs *= 2) {
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) {
      destroy(client);
      return;
    }
    await cancelRequest(client, leftMs);
    await Promise.race([answered, delay(Math.min(pauseMs, leftMs))]);
  }
}
