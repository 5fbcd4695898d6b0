import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { type Reading, read } from './reading.ts';

/** A process of the server, as in pg_stat_activity, with what it waits for. */
export interface ActivityRow {
  pid: number;
  database: string | null;
  user: string | null;
  application: string;
  /** Address of the client; `null` for local sockets and background processes. */
  client: string | null;
  backendType: string;
  state: string | null;
  waitType: string | null;
  waitEvent: string | null;
  queryId: string | null;
  /** As the server shows it, so it can hold literals; cut to 4 kB. Empty when it is hidden from the role. */
  query: string;
  backendStart: Date | null;
  transactionStart: Date | null;
  queryStart: Date | null;
  stateChange: Date | null;
  /** pids it waits for; asked only for sessions that wait for a lock. */
  blockedBy: number[];
  waitsFor: LockWait | null;
}

/** The lock that a session waits for. */
export interface LockWait {
  mode: string;
  lockType: string;
  /** `schema.name` when it is of this database, else its oid; `null` when the lock is not of a relation. */
  relation: string | null;
  since: Date | null;
}

type ProcessRow = Omit<ActivityRow, 'blockedBy' | 'waitsFor' | 'database' | 'user'> & {
  databaseId: number | null;
  userId: number | null;
};

interface WaitRow {
  pid: number;
  blockedBy: number[];
  mode: string | null;
  lockType: string | null;
  relation: string | null;
  since: Date | null;
}

interface Names {
  /** By oid; `null` for what was dropped under a session. */
  databases: ReadonlyMap<number, string | null>;
  roles: ReadonlyMap<number, string | null>;
  /** Readings left until they are read anew: databases and roles can be renamed. */
  readingsLeft: number;
}

const namesOf = new WeakMap<DatabaseConnection, Names>();
const readingsPerNames = 60;

/** Names of databases and roles: joining them to every reading would take as long as reading the processes does. */
async function readNames(connection: DatabaseConnection, rows: readonly ProcessRow[]): Promise<Names> {
  const known = namesOf.get(connection);
  const complete = rows.every(
    ({ databaseId, userId }) =>
      (databaseId === null || known?.databases.has(databaseId)) && (userId === null || known?.roles.has(userId)),
  );
  if (known && complete && known.readingsLeft > 0) {
    known.readingsLeft -= 1;
    return known;
  }
  const found = await connection.run<{ kind: 'database' | 'role'; oid: number; name: string }>(
    `
    SELECT 'database' AS "kind", oid AS "oid", datname AS "name" FROM pg_database
     UNION ALL
    SELECT 'role', oid, rolname FROM pg_roles
    `,
  );
  const ofKind = (kind: 'database' | 'role', used: (number | null)[]): Map<number, string | null> => {
    const names = new Map<number, string | null>(used.filter((oid) => oid !== null).map((oid) => [oid, null]));
    for (const row of found) if (row.kind === kind) names.set(row.oid, row.name);
    return names;
  };
  const names: Names = {
    databases: ofKind(
      'database',
      rows.map(({ databaseId }) => databaseId),
    ),
    roles: ofKind(
      'role',
      rows.map(({ userId }) => userId),
    ),
    readingsLeft: readingsPerNames,
  };
  namesOf.set(connection, names);
  return names;
}

/**
 * Every process of the server. Costs one call of pg_stat_get_activity; who blocks whom is asked only for the sessions that
 * wait for a lock, because pg_blocking_pids stops the lock manager for a moment.
 */
export async function readActivity(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<ActivityRow>> {
  const { rows, skipped } = await read<ProcessRow>(
    connection,
    'activity',
    `
    SELECT a.pid                                      AS "pid",
           nullif(a.datid, 0)                         AS "databaseId",
           nullif(a.usesysid, 0)                      AS "userId",
           coalesce(a.application_name, '')           AS "application",
           host(a.client_addr)                        AS "client",
           coalesce(a.backend_type, 'unknown')        AS "backendType",
           a.state                                    AS "state",
           a.wait_event_type                          AS "waitType",
           a.wait_event                               AS "waitEvent",
           a.query_id::text                           AS "queryId",
           CASE WHEN a.query = '<insufficient privilege>' THEN '' ELSE left(coalesce(a.query, ''), 4096) END AS "query",
           a.backend_start                            AS "backendStart",
           a.xact_start                               AS "transactionStart",
           a.query_start                              AS "queryStart",
           a.state_change                             AS "stateChange"
      FROM pg_stat_get_activity(NULL) a
    `,
  );
  const names = await readNames(connection, rows);
  const waiting = rows.filter((row) => row.waitType === 'Lock').map((row) => row.pid);
  const waits = waiting.length === 0 ? new Map<number, WaitRow>() : await readWaits(connection, waiting);
  if (!profile.rights.readAllStats) {
    skipped.push({
      subject: 'activity',
      reason: 'what sessions of other users do is hidden from this role',
      fix: grantRole('pg_read_all_stats', profile.user),
    });
  }
  return {
    rows: rows.map(({ databaseId, userId, ...row }) => {
      const wait = waits.get(row.pid);
      return {
        ...row,
        database: databaseId === null ? null : (names.databases.get(databaseId) ?? null),
        user: userId === null ? null : (names.roles.get(userId) ?? null),
        blockedBy: wait?.blockedBy ?? [],
        waitsFor:
          wait?.mode && wait.lockType
            ? { mode: wait.mode, lockType: wait.lockType, relation: wait.relation, since: wait.since }
            : null,
      };
    }),
    skipped,
  };
}

async function readWaits(connection: DatabaseConnection, pids: number[]): Promise<Map<number, WaitRow>> {
  const rows = await connection.run<WaitRow>(
    `
    SELECT w.pid                                      AS "pid",
           pg_blocking_pids(w.pid)                    AS "blockedBy",
           l.mode                                     AS "mode",
           l.locktype                                 AS "lockType",
           CASE WHEN l.database IN (0, d.oid) THEN l.relation::regclass::text ELSE l.relation::text END AS "relation",
           l.waitstart                                AS "since"
      FROM unnest($1::int4[]) w(pid)
     CROSS JOIN (SELECT oid FROM pg_database WHERE datname = current_database()) d
      LEFT JOIN pg_lock_status() l ON l.pid = w.pid AND NOT l.granted
    `,
    [`{${pids.join(',')}}`],
  );
  return new Map(rows.map((row) => [row.pid, row]));
}
