import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { type Reading, read } from './reading.ts';

/** A session of a client with an open transaction, and what it keeps from others. */
export interface OpenTransactionRow {
  pid: number;
  user: string | null;
  database: string | null;
  application: string;
  client: string | null;
  /** `active`, `idle in transaction`, `idle in transaction (aborted)`, …; `null` when hidden from us. */
  state: string | null;
  /** In microseconds since 1970: with the pid it names the session exactly. */
  backendStartMicros: number;
  transactionStart: Date | null;
  /** Seconds that the transaction is open, and that the session is in its state. */
  transactionSeconds: number | null;
  stateSeconds: number | null;
  /** Transactions begun since the oldest one whose row versions it keeps; `null` when it keeps none. */
  xminAge: number | null;
  /** It has changed something: it has a transaction id of its own. */
  writing: boolean;
  /** Locks on tables and indexes that it holds. */
  relationLocks: number;
  /** Sessions that wait for a lock of it. */
  blocks: number;
}

/** Open transactions of clients, in all databases, the oldest first. Sessions of ours are left out. */
export async function readOpenTransactions(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<OpenTransactionRow>> {
  const reading = await read<OpenTransactionRow>(
    connection,
    'open transactions',
    `
    WITH open AS (
      SELECT *
        FROM pg_stat_activity
       -- The kind of a process is hidden together with its state; what has a database and a role is a client's, or works for one.
       WHERE coalesce(backend_type = 'client backend', datid IS NOT NULL AND usesysid IS NOT NULL)
         AND (xact_start IS NOT NULL OR state IS NULL)
         AND pid <> pg_backend_pid()
         AND application_name IS DISTINCT FROM 'pitcrew'
    ), held AS (
      SELECT pid, count(*) FILTER (WHERE granted AND relation IS NOT NULL) AS relations
        FROM pg_lock_status()
       GROUP BY pid
    ), waiting AS (
      SELECT unnest(pg_blocking_pids(w.pid)) AS blocker
        FROM (SELECT DISTINCT pid FROM pg_lock_status() WHERE NOT granted) w
    )
    SELECT o.pid                                                        AS "pid",
           o.usename                                                    AS "user",
           o.datname                                                    AS "database",
           coalesce(o.application_name, '')                             AS "application",
           host(o.client_addr)                                          AS "client",
           o.state                                                      AS "state",
           (extract(epoch FROM o.backend_start) * 1e6)::float8          AS "backendStartMicros",
           o.xact_start                                                 AS "transactionStart",
           extract(epoch FROM clock_timestamp() - o.xact_start)::float8 AS "transactionSeconds",
           extract(epoch FROM clock_timestamp() - o.state_change)::float8 AS "stateSeconds",
           age(o.backend_xmin)                                          AS "xminAge",
           o.backend_xid IS NOT NULL                                    AS "writing",
           coalesce(h.relations, 0)                                     AS "relationLocks",
           (SELECT count(*) FROM waiting w WHERE w.blocker = o.pid)     AS "blocks"
      FROM open o
      LEFT JOIN held h ON h.pid = o.pid
     ORDER BY o.xact_start
    `,
  );
  const hidden = reading.rows.filter(({ state }) => state === null).length;
  if (hidden > 0 && !profile.rights.readAllStats) {
    reading.skipped.push({
      subject: 'open transactions',
      reason: `what ${hidden === 1 ? 'one session' : `${hidden} sessions`} of other users do is hidden from this role`,
      fix: grantRole('pg_read_all_stats', profile.user),
    });
  }
  return reading;
}
