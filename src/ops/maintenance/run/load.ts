import type { DatabaseConnection } from '../../../engine/postgres/index.ts';
import { bytes, counted } from '../../words/index.ts';

/** When maintenance waits for the server to have more time. */
export interface LoadPolicy {
  /** Sessions at work, without ours; 8 by default. */
  activeSessions: number;
  /** WAL that a replica has not replayed yet, in bytes; 256 MB by default. */
  replayLagBytes: number;
  /** How often it looks; 2000 by default. */
  everyMs: number;
}

export const usualLoad: LoadPolicy = Object.freeze({
  activeSessions: 8,
  replayLagBytes: 256 * 1024 ** 2,
  everyMs: 2000,
});

/** Why nothing is begun now; `undefined` when the server has time. What is hidden from the role counts as no load. */
export async function busyWith(connection: DatabaseConnection, policy: LoadPolicy): Promise<string | undefined> {
  const [row] = await connection.run<{ active: number; lag: number }>(
    `
    SELECT (SELECT count(*)
              FROM pg_stat_activity
             WHERE backend_type = 'client backend'
               AND state = 'active'
               AND pid <> pg_backend_pid()
               AND application_name NOT LIKE 'pitcrew%')                             AS "active",
           (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)
              FROM pg_stat_replication
             WHERE state = 'streaming')                                              AS "lag"
    `,
  );
  if (row && row.active >= policy.activeSessions) return `${counted(row.active, 'session')} at work`;
  if (row && row.lag >= policy.replayLagBytes) return `a replica is ${bytes(row.lag)} behind`;
  return undefined;
}

/** What already works on a table: `VACUUM`, `CREATE INDEX`; `undefined` when nothing does. */
export async function workOn(
  connection: DatabaseConnection,
  schema: string,
  table: string,
): Promise<string | undefined> {
  const [row] = await connection.run<{ command: string }>(
    `
    SELECT p.command AS "command"
      FROM (SELECT datname, relid, 'VACUUM' AS command FROM pg_stat_progress_vacuum
             UNION ALL
            SELECT datname, relid, 'ANALYZE' FROM pg_stat_progress_analyze
             UNION ALL
            SELECT datname, relid, command FROM pg_stat_progress_create_index
             UNION ALL
            SELECT datname, relid, command FROM pg_stat_progress_cluster) p
      JOIN pg_class c     ON c.oid = p.relid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.datname = current_database()
       AND n.nspname = $1
       AND c.relname = $2
    `,
    [schema, table],
  );
  return row?.command;
}

/** Sessions that wait for a lock that the session with this pid holds or asks for. */
export async function waitingFor(connection: DatabaseConnection, pid: number): Promise<number> {
  const [row] = await connection.run<{ waiting: number }>(
    `
    SELECT count(*) AS "waiting"
      FROM (SELECT DISTINCT pid FROM pg_lock_status() WHERE NOT granted AND pid <> $1::int4) w
     WHERE $1::int4 = ANY (pg_blocking_pids(w.pid))
    `,
    [pid],
  );
  return row?.waiting ?? 0;
}
