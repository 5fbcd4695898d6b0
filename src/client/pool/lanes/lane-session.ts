import type pg from 'pg';
import { backendPid } from '../driver.ts';

/** How long a statement on a shared connection may wait for a lock, and may take in all, before it is stopped and run again on its own. */
export const laneLimits = { lockMs: 50, statementMs: 250 };

/** What was found when a shared session was set up. */
export interface LaneSession {
  /** A pooler is in between: sessions are not ours to share. */
  pooled: boolean;
  /** Our own limits are in force, so a statement that they stopped may be run again. */
  ownLockLimit: boolean;
  ownStatementLimit: boolean;
}

interface SessionRow {
  pid: number;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/** Sets the limits of a shared session, unless the application has set tighter ones, which then mean what they say. */
export async function setUpLaneSession(client: pg.Client): Promise<LaneSession> {
  const { rows } = await client.query<SessionRow>(`
    SELECT pg_backend_pid()                                                          AS "pid",
           (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout')   AS "statementTimeoutMs",
           (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout')        AS "lockTimeoutMs"
  `);
  const [row] = rows;
  if (!row || row.pid !== backendPid(client)) return { pooled: true, ownLockLimit: false, ownStatementLimit: false };
  const ownLockLimit = isLooser(row.lockTimeoutMs, laneLimits.lockMs);
  const ownStatementLimit = isLooser(row.statementTimeoutMs, laneLimits.statementMs);
  const settings = [
    ...(ownLockLimit ? [`set_config('lock_timeout', '${laneLimits.lockMs}', false)`] : []),
    ...(ownStatementLimit ? [`set_config('statement_timeout', '${laneLimits.statementMs}', false)`] : []),
  ];
  if (settings.length > 0) await client.query(`SELECT ${settings.join(', ')}`);
  return { pooled: false, ownLockLimit, ownStatementLimit };
}

/** 0 is no limit at all. */
function isLooser(settingMs: number, limitMs: number): boolean {
  return settingMs === 0 || settingMs > limitMs;
}
