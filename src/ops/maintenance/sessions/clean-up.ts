import { type DatabaseConnection, grantRole, type ServerProfile } from '../../../engine/postgres/index.ts';
import { toPitcrewError } from '../../../errors.ts';
import type { LeftOut, MaintenanceJournal } from '../types.ts';
import { type SessionPolicy, type SessionResult, type StaleSession, usualSessionPolicy } from './policy.ts';

/**
 * Sessions of the current database that the policy would end, the longest first. Never ours, those of superusers, of replication, or
 * of the server itself.
 */
export async function findStaleSessions(
  connection: DatabaseConnection,
  profile: ServerProfile,
  policy: Partial<SessionPolicy> = {},
): Promise<{ sessions: StaleSession[]; leftOut: LeftOut[] }> {
  const { idleInTransactionMs, idleMs, exceptRoles, exceptApplications } = { ...usualSessionPolicy, ...policy };
  const rows = await connection.run<Omit<StaleSession, 'state'> & { state: string | null }>(
    `
    SELECT a.pid                                                         AS "pid",
           a.usename                                                     AS "user",
           coalesce(a.application_name, '')                              AS "application",
           host(a.client_addr)                                           AS "client",
           a.state                                                       AS "state",
           (extract(epoch FROM a.backend_start) * 1e6)::float8           AS "backendStartMicros",
           (extract(epoch FROM a.state_change) * 1e6)::float8            AS "stateChangeMicros",
           extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS "seconds",
           a.backend_xid IS NOT NULL                                     AS "writing"
      FROM pg_stat_activity a
      JOIN pg_roles r ON r.oid = a.usesysid
     WHERE a.datname = current_database()
       AND a.pid <> pg_backend_pid()
       AND coalesce(a.backend_type = 'client backend', true)
       AND NOT r.rolsuper
       AND NOT r.rolreplication
       AND a.application_name NOT LIKE 'pitcrew%'
     ORDER BY a.state_change
    `,
  );
  const sessions = rows.flatMap((row): StaleSession[] => {
    const { user, application, state, seconds } = row;
    if (state === null || exceptRoles.includes(user) || exceptApplications.includes(application)) return [];
    const most = state.startsWith('idle in transaction') ? idleInTransactionMs : state === 'idle' ? idleMs : null;
    return most !== null && seconds * 1000 >= most ? [{ ...row, state }] : [];
  });
  const hidden = rows.filter(({ state }) => state === null).length;
  return {
    sessions,
    leftOut:
      hidden === 0
        ? []
        : [
            {
              subject: 'sessions of other users',
              reason: `what ${hidden === 1 ? 'one of them does' : `${hidden} of them do`} is hidden from this role`,
              fix: grantRole('pg_read_all_stats', profile.user),
            },
          ],
  };
}

/** Ends exactly what was seen: a session that has gone on with its work since then stays. */
export async function endSessions(
  connection: DatabaseConnection,
  sessions: readonly StaleSession[],
  journal: MaintenanceJournal,
  signal?: AbortSignal,
): Promise<SessionResult[]> {
  const results: SessionResult[] = [];
  for (const session of sessions) {
    if (signal?.aborted) break;
    results.push(await endOne(connection, session, journal));
  }
  return results;
}

async function endOne(
  connection: DatabaseConnection,
  session: StaleSession,
  journal: MaintenanceJournal,
): Promise<SessionResult> {
  const { pid, user, state, backendStartMicros, stateChangeMicros } = session;
  const end = await journal.begin({
    subject: `session:${user}@${pid}`,
    statement: `SELECT pg_terminate_backend(${pid})`,
    serverPid: null,
    sessionBegan: null,
  });
  const began = performance.now();
  try {
    const rows = await connection.run<{ done: boolean }>(
      `
      SELECT pg_terminate_backend(pid) AS "done"
        FROM pg_stat_activity
       WHERE pid = $1
         AND (extract(epoch FROM backend_start) * 1e6)::float8 = $2
         AND (extract(epoch FROM state_change) * 1e6)::float8 = $3
         AND state = $4
      `,
      [pid, backendStartMicros, stateChangeMicros, state],
    );
    const done = rows[0]?.done ?? false;
    await end({ outcome: done ? 'done' : 'cancelled', durationMs: performance.now() - began });
    return done
      ? { session, outcome: 'ended', reason: null }
      : { session, outcome: 'gone-on', reason: 'it has ended or gone on with its work' };
  } catch (error) {
    const { message, sqlState } = toPitcrewError(error);
    const reason =
      sqlState === '42501' ? `this role may not end it: ${grantRole('pg_signal_backend', connection.user)}` : message;
    await end({ outcome: 'failed', durationMs: performance.now() - began, error: reason });
    return { session, outcome: 'failed', reason };
  }
}
