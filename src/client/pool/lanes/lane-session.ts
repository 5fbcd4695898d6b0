import pg from 'pg';
import { backendPid, destroy } from '../driver.ts';

/** How long a statement on a shared connection may wait for a lock, and may take in all, before it is stopped and run again on its own. */
export const laneLimits = { lockMs: 50, statementMs: 250 };

/** What was found when a shared session was set up. */
export interface LaneSession {
  /** A pooler is in between: sessions are not ours to share. */
  pooled: boolean;
  /** Our own limits are in force, so a statement that they stopped may be run again. */
  ownLockLimit: boolean;
  ownStatementLimit: boolean;
  /** What the way there and back takes with hardly any work at its end, in ms. */
  roundTripMs: number;
}

interface SessionRow {
  pid: number;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/** How long a server may take to let us in and set the session up before it is given up. */
const longestSetUpMs = 30_000;

/**
 * Opens a pipelined connection and sets its session up.
 * @param connected runs the application's hooks for it
 */
export async function openLaneSession(
  config: pg.ClientConfig,
  connected: (client: pg.PoolClient) => Promise<void>,
): Promise<{ client: pg.Client; session: LaneSession }> {
  // A limit of pg's for a query destroys the whole connection in pipeline mode: callers' limits are kept by the pool.
  const client = new pg.Client({ ...config, pipeline: true, query_timeout: undefined });
  client.on('error', () => {});
  const givenUp = setTimeout(() => destroy(client), longestSetUpMs);
  try {
    await client.connect();
    await connected(client as pg.PoolClient);
    return { client, session: await setUpLaneSession(client) };
  } catch (error) {
    void client.end().catch(() => {});
    throw error;
  } finally {
    clearTimeout(givenUp);
  }
}

/** Sets the limits of a shared session, unless the application has set tighter ones, which then mean what they say. */
async function setUpLaneSession(client: pg.Client): Promise<LaneSession> {
  const { rows } = await client.query<SessionRow>(`
    SELECT pg_backend_pid()                                                          AS "pid",
           (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout')   AS "statementTimeoutMs",
           (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout')        AS "lockTimeoutMs"
  `);
  const [row] = rows;
  if (!row || row.pid !== backendPid(client)) {
    return { pooled: true, ownLockLimit: false, ownStatementLimit: false, roundTripMs: Infinity };
  }
  const ownLockLimit = isLooser(row.lockTimeoutMs, laneLimits.lockMs);
  const ownStatementLimit = isLooser(row.statementTimeoutMs, laneLimits.statementMs);
  const settings = [
    ...(ownLockLimit ? [`set_config('lock_timeout', '${laneLimits.lockMs}', false)`] : []),
    ...(ownStatementLimit ? [`set_config('statement_timeout', '${laneLimits.statementMs}', false)`] : []),
  ];
  const began = performance.now();
  await client.query(`SELECT ${['1', ...settings].join(', ')}`);
  return { pooled: false, ownLockLimit, ownStatementLimit, roundTripMs: performance.now() - began };
}

/** 0 is no limit at all. */
function isLooser(settingMs: number, limitMs: number): boolean {
  return settingMs === 0 || settingMs > limitMs;
}
