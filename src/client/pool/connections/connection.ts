import type pg from 'pg';
import { destroy, keepAlive } from '../driver.ts';

/** A connection of its own: one caller at a time. Kept apart from the client, which belongs to the application while it holds it. */
export interface OwnConnection {
  readonly client: pg.PoolClient;
  /** Times on the clock of `performance.now()`. */
  readonly openedAt: number;
  /** When it is to be replaced; Infinity for never. */
  readonly expiresAt: number;
  idleSince: number;
  takenAt: number;
  uses: number;
  /** It was lost or is being closed: never to be lent again. */
  closed: boolean;
}

/** Ends the session politely and, when the peer does not answer within a second, without it. Never throws. */
export async function closeClient(client: pg.Client): Promise<void> {
  keepAlive(client, true);
  const timer = setTimeout(() => destroy(client), 1000);
  timer.unref();
  try {
    await client.end();
  } catch {
    destroy(client);
  } finally {
    clearTimeout(timer);
  }
}

/** A ping that takes longer is a dead peer's. */
const pingTimeoutMs = 1000;

/** Whether the peer is still there; a connection on which it did not answer in time is cut. */
export async function answersPing(client: pg.Client, withinMs = pingTimeoutMs): Promise<boolean> {
  const timer = setTimeout(() => destroy(client), Math.min(withinMs, pingTimeoutMs));
  try {
    await client.query('/* pitcrew ping */');
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
