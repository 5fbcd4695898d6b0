import type { ChangeSession } from '../../../../engine/postgres/index.ts';
import { bytes, duration } from '../../../words/index.ts';
import type { Remedy } from '../../types.ts';
import { freeBytesOf } from './free-space.ts';
import { ask } from './look.ts';
import { missingRights } from './rights.ts';
import { shapeOf } from './shape.ts';

/** What stands against running a remedy now. */
export interface Preflight {
  /** Why it is not run now. */
  refusals: string[];
  /** What could not be told: it is run only when somebody says so. */
  doubts: string[];
  /** Bytes that it takes while it runs; `null` where nothing is said of it. */
  needsBytes: number | null;
  /** Bytes that are free where the data is; `null`: not known. */
  freeBytes: number | null;
}

/** While an index is built, sort files and the log take about as much again. */
const spaceFactor = 2;
/** So much of what is free may be used. */
const spaceShare = 0.9;

/** Looks whether a remedy can be run now without harm. */
export async function preflight(
  session: ChangeSession,
  url: string,
  remedy: Pick<Remedy, 'needsBytes'>,
  statements: readonly string[],
  longTransactionMs: number,
): Promise<Preflight> {
  const shapes = statements.map(shapeOf);
  const refusals: string[] = [];
  const doubts: string[] = [];
  const [server] = await ask<{ standby: boolean; readOnly: boolean; backups: number }>(
    session,
    `
    SELECT pg_is_in_recovery()                                     AS "standby",
           current_setting('default_transaction_read_only')::bool  AS "readOnly",
           (SELECT count(*) FROM pg_stat_progress_basebackup)      AS "backups"
    `,
  );
  if (server?.standby) refusals.push('the server is a standby: changes are made on its primary');
  else if (server?.readOnly) refusals.push('sessions of this role are read only (default_transaction_read_only)');
  if (server && server.backups > 0) {
    refusals.push('a base backup is under way: what is changed now would make it larger and slower');
  }
  refusals.push(...(await missingRights(session, shapes)));
  if (shapes.some(({ concurrently }) => concurrently)) {
    const { old, hidden } = await longTransactions(session, longTransactionMs);
    refusals.push(...old);
    if (hidden > 0) {
      doubts.push(
        'whether a long transaction would hold it up cannot be told: this role does not see the sessions of others (GRANT pg_monitor)',
      );
    }
  }
  const needsBytes = remedy.needsBytes === undefined ? null : remedy.needsBytes * spaceFactor;
  const freeBytes = needsBytes === null ? null : await freeBytesOf(session, url);
  if (needsBytes !== null && freeBytes === null) {
    doubts.push(
      `whether there is room for it cannot be told: about ${bytes(needsBytes)} are needed, and the disk of the server is not ours to see`,
    );
  } else if (needsBytes !== null && freeBytes !== null && needsBytes > freeBytes * spaceShare) {
    refusals.push(`about ${bytes(needsBytes)} of disk are needed while it runs, and ${bytes(freeBytes)} are free`);
  }
  return { refusals, doubts, needsBytes, freeBytes };
}

interface OpenTransaction {
  pid: number | null;
  name: string;
  seconds: number | null;
}

/**
 * Transactions of this database that have a snapshot or an id, which is what concurrent builds wait for. Autovacuum's do not hold them up.
 */
async function longTransactions(session: ChangeSession, longMs: number): Promise<{ old: string[]; hidden: number }> {
  const rows = await ask<OpenTransaction>(
    session,
    `
    SELECT pid                                                          AS "pid",
           concat_ws(', ', usename, nullif(application_name, ''))       AS "name",
           extract(epoch FROM clock_timestamp() - xact_start)::float8   AS "seconds"
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND pid <> pg_backend_pid()
       -- The kind of a process is hidden together with its state; what has a role is a client's, or works for one.
       AND coalesce(backend_type IN ('client backend', 'parallel worker', 'background worker'), usesysid IS NOT NULL)
       AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR state IS NULL)
     UNION ALL
    SELECT NULL, 'prepared transaction ' || gid, extract(epoch FROM clock_timestamp() - prepared)::float8
      FROM pg_prepared_xacts
     WHERE database = current_database()
     ORDER BY 3 DESC NULLS LAST
    `,
  );
  const old = rows.filter(({ seconds }) => seconds !== null && seconds * 1000 > longMs);
  return {
    old: old.slice(0, 3).map(({ pid, name, seconds }) => {
      const who = pid === null ? name : `session ${pid} (${name})`;
      return `${who} has been in a transaction for ${duration(seconds ?? 0)}: a concurrent build would wait for it`;
    }),
    hidden: rows.filter(({ pid, seconds }) => pid !== null && seconds === null).length,
  };
}
