import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** Counters of one database. Times in ms. */
export interface DatabaseRow {
  database: string;
  /** True for the database we are connected to. */
  current: boolean;
  backends: number;
  commits: number;
  rollbacks: number;
  blocksRead: number;
  blocksHit: number;
  rowsReturned: number;
  rowsFetched: number;
  rowsInserted: number;
  rowsUpdated: number;
  rowsDeleted: number;
  conflicts: number;
  tempFiles: number;
  tempBytes: number;
  deadlocks: number;
  /** `null` when data checksums are off. */
  checksumFailures: number | null;
  checksumLastFailure: Date | null;
  blockReadMs: number;
  blockWriteMs: number;
  sessionMs: number;
  activeMs: number;
  idleInTransactionMs: number;
  sessions: number;
  sessionsAbandoned: number;
  sessionsFatal: number;
  sessionsKilled: number;
  statsReset: Date | null;
  /** Age in transactions of the oldest unfrozen one; wraps at 2^31. */
  xidAge: number;
  mxidAge: number;
}

/** Counters and freeze ages of every database of the server, templates included. */
export async function readDatabases(connection: DatabaseConnection): Promise<Reading<DatabaseRow>> {
  return read<DatabaseRow>(
    connection,
    'database',
    `
    SELECT d.datname                             AS "database",
           d.datname = current_database()        AS "current",
           s.numbackends                         AS "backends",
           s.xact_commit                         AS "commits",
           s.xact_rollback                       AS "rollbacks",
           s.blks_read                           AS "blocksRead",
           s.blks_hit                            AS "blocksHit",
           s.tup_returned                        AS "rowsReturned",
           s.tup_fetched                         AS "rowsFetched",
           s.tup_inserted                        AS "rowsInserted",
           s.tup_updated                         AS "rowsUpdated",
           s.tup_deleted                         AS "rowsDeleted",
           s.conflicts                           AS "conflicts",
           s.temp_files                          AS "tempFiles",
           s.temp_bytes                          AS "tempBytes",
           s.deadlocks                           AS "deadlocks",
           s.checksum_failures                   AS "checksumFailures",
           s.checksum_last_failure               AS "checksumLastFailure",
           s.blk_read_time                       AS "blockReadMs",
           s.blk_write_time                      AS "blockWriteMs",
           s.session_time                        AS "sessionMs",
           s.active_time                         AS "activeMs",
           s.idle_in_transaction_time            AS "idleInTransactionMs",
           s.sessions                            AS "sessions",
           s.sessions_abandoned                  AS "sessionsAbandoned",
           s.sessions_fatal                      AS "sessionsFatal",
           s.sessions_killed                     AS "sessionsKilled",
           s.stats_reset                         AS "statsReset",
           age(d.datfrozenxid)                   AS "xidAge",
           mxid_age(d.datminmxid)                AS "mxidAge"
      FROM pg_database d
      JOIN pg_stat_database s ON s.datid = d.oid
    `,
  );
}
