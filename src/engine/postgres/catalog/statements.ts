import type { DatabaseConnection } from '../connection.ts';
import { quoteIdentifier } from '../identifiers.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { textList } from '../text-list.ts';
import { knownChanges, type Reading, read, skip } from './reading.ts';

/** A row of pg_stat_statements. Times in ms, blocks in blocks; columns that the version lacks are `null`. */
export interface StatementRow {
  /** Changes whenever the counters do; send it back as `known` and the row is left out until then. */
  change: string;
  queryId: string;
  toplevel: boolean;
  /** Name, or the oid in brackets when the database or role is gone. */
  database: string;
  user: string;
  /** Their oids, which stay the same when they are renamed or dropped. */
  databaseId: number;
  userId: number;
  calls: number;
  rows: number;
  plans: number;
  totalPlanMs: number;
  totalExecMs: number;
  minExecMs: number;
  maxExecMs: number;
  meanExecMs: number;
  stddevExecMs: number;
  sharedHit: number;
  sharedRead: number;
  sharedDirtied: number;
  sharedWritten: number;
  localHit: number;
  localRead: number;
  localDirtied: number;
  localWritten: number;
  tempRead: number;
  tempWritten: number;
  /** Shared, and from 17 on local blocks too; temporary blocks apart. */
  blockReadMs: number;
  blockWriteMs: number;
  tempBlockReadMs: number | null;
  tempBlockWriteMs: number | null;
  walRecords: number;
  walFpi: number;
  walBytes: number;
  jitMs: number;
  /** Since when the entry counts (extension 1.11 and newer). */
  statsSince: Date | null;
}

export interface StatementsInfoRow {
  /** Entries dropped for lack of room since the last reset. */
  dealloc: number;
  statsReset: Date | null;
}

export interface StatementTextRow {
  queryId: string;
  toplevel: boolean;
  database: string;
  user: string;
  databaseId: number;
  userId: number;
  /** `null` when we may not read it. */
  text: string | null;
}

/**
 * Of which databases of the server statements are read: of the `own` one that we are connected to, or of all `except` those
 * named (gone ones included).
 */
export type StatementScope = { databases: 'own' } | { except: readonly string[] };

export const everyDatabase: StatementScope = { except: [] };

export interface StatementsQuery {
  /** `change` values of rows read before: only rows that are new or have changed come back. */
  known?: readonly string[];
  /** Every database by default. */
  scope?: StatementScope;
}

const subject = 'pg_stat_statements';

/** Rows of the databases named in `$1` when `$2` is true, of all others when it is false. */
const inScope = '(s.dbid IN (SELECT oid FROM pg_database WHERE datname = ANY ($1::text[]))) = $2::bool';

function scopeParameters(scope: StatementScope, profile: ServerProfile): [string, boolean] {
  return 'databases' in scope ? [textList([profile.database]), true] : [textList(scope.except), false];
}

/** Reads the counters of statements, without their texts. */
export async function readStatements(
  connection: DatabaseConnection,
  profile: ServerProfile,
  { known = [], scope = everyDatabase }: StatementsQuery = {},
): Promise<Reading<StatementRow>> {
  const statements = profile.statements;
  if (!statements.usable) return { rows: [], skipped: statements.skipped };
  const has = (column: string) => statements.columns.has(column);
  const sum = (...columns: string[]) => columns.filter(has).join(' + ') || '0';
  const maybe = (column: string) => (has(column) ? column : 'NULL');
  const changed = `hashint8extended(calls # (plans << 32),
           hashfloat8extended(total_exec_time,
             hashint8extended(queryid, (userid::int8 << 32) # (dbid::int8 << 1) # ${has('toplevel') ? 'toplevel::int' : '1'})))`;
  return read<StatementRow>(
    connection,
    subject,
    `
    SELECT (${changed})::text                                          AS "change",
           s.queryid::text                                             AS "queryId",
           ${has('toplevel') ? 's.toplevel' : 'true'}                  AS "toplevel",
           coalesce(d.datname, '(' || s.dbid || ')')                   AS "database",
           coalesce(r.rolname, '(' || s.userid || ')')                 AS "user",
           s.dbid                                                      AS "databaseId",
           s.userid                                                    AS "userId",
           calls                                                       AS "calls",
           rows                                                        AS "rows",
           plans                                                       AS "plans",
           total_plan_time                                             AS "totalPlanMs",
           total_exec_time                                             AS "totalExecMs",
           min_exec_time                                               AS "minExecMs",
           max_exec_time                                               AS "maxExecMs",
           mean_exec_time                                              AS "meanExecMs",
           stddev_exec_time                                            AS "stddevExecMs",
           shared_blks_hit                                             AS "sharedHit",
           shared_blks_read                                            AS "sharedRead",
           shared_blks_dirtied                                         AS "sharedDirtied",
           shared_blks_written                                         AS "sharedWritten",
           local_blks_hit                                              AS "localHit",
           local_blks_read                                             AS "localRead",
           local_blks_dirtied                                          AS "localDirtied",
           local_blks_written                                          AS "localWritten",
           temp_blks_read                                              AS "tempRead",
           temp_blks_written                                           AS "tempWritten",
           ${sum('blk_read_time', 'shared_blk_read_time', 'local_blk_read_time')}    AS "blockReadMs",
           ${sum('blk_write_time', 'shared_blk_write_time', 'local_blk_write_time')} AS "blockWriteMs",
           ${maybe('temp_blk_read_time')}                              AS "tempBlockReadMs",
           ${maybe('temp_blk_write_time')}                             AS "tempBlockWriteMs",
           wal_records                                                 AS "walRecords",
           wal_fpi                                                     AS "walFpi",
           wal_bytes                                                   AS "walBytes",
           ${sum('jit_generation_time', 'jit_inlining_time', 'jit_optimization_time', 'jit_emission_time')} AS "jitMs",
           ${maybe('stats_since')}                                     AS "statsSince"
      FROM ${quoteIdentifier(statements.schema)}.pg_stat_statements(false) s
      LEFT JOIN pg_database d ON d.oid = s.dbid
      LEFT JOIN pg_roles    r ON r.oid = s.userid
     WHERE s.queryid IS NOT NULL
       AND ${inScope}
       -- A list that is a constant is hashed, at a fifth less of the whole time than a subquery. CASE spares the planner to
       -- estimate every element of it.
       AND CASE WHEN ${changed} = ANY ($3::int8[]) THEN false ELSE true END
    `,
    [...scopeParameters(scope, profile), knownChanges(known)],
    'runPlanned',
  ).then((reading) =>
    profile.rights.readAllStats
      ? reading
      : {
          ...reading,
          skipped: [
            ...reading.skipped,
            {
              subject,
              reason: 'statements of other users are hidden from this role',
              fix: grantRole('pg_read_all_stats', profile.user),
            },
          ],
        },
  );
}

/** Evictions and the time of the last reset. One row; none before extension 1.9. */
export async function readStatementsInfo(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<StatementsInfoRow>> {
  const statements = profile.statements;
  if (!statements.usable) return { rows: [], skipped: statements.skipped };
  if (!statements.hasInfo) {
    return skip(
      'pg_stat_statements_info',
      `needs extension version 1.9, found ${statements.version}`,
      statements.update,
    );
  }
  return read<StatementsInfoRow>(
    connection,
    'pg_stat_statements_info',
    `
    SELECT dealloc     AS "dealloc",
           stats_reset AS "statsReset"
      FROM ${quoteIdentifier(statements.schema)}.pg_stat_statements_info()
    `,
  );
}

/** Longer texts are cut. */
const longestText = 100_000;

/**
 * Texts of the statements with these query ids. Reads the file with all texts once (5,000 statements: 5 ms), so ask for many
 * together and only for ids that were not seen before.
 */
export async function readStatementTexts(
  connection: DatabaseConnection,
  profile: ServerProfile,
  queryIds: readonly string[],
  scope: StatementScope = everyDatabase,
): Promise<Reading<StatementTextRow>> {
  const statements = profile.statements;
  if (!statements.usable) return { rows: [], skipped: statements.skipped };
  if (queryIds.length === 0) return { rows: [], skipped: [] };
  return read<StatementTextRow>(
    connection,
    subject,
    `
    SELECT s.queryid::text                                             AS "queryId",
           ${statements.columns.has('toplevel') ? 's.toplevel' : 'true'} AS "toplevel",
           coalesce(d.datname, '(' || s.dbid || ')')                   AS "database",
           coalesce(r.rolname, '(' || s.userid || ')')                 AS "user",
           s.dbid                                                      AS "databaseId",
           s.userid                                                    AS "userId",
           left(nullif(s.query, '<insufficient privilege>'), ${longestText}) AS "text"
      FROM ${quoteIdentifier(statements.schema)}.pg_stat_statements(true) s
      LEFT JOIN pg_database d ON d.oid = s.dbid
      LEFT JOIN pg_roles    r ON r.oid = s.userid
     WHERE ${inScope}
       AND s.queryid IN (SELECT unnest($3::int8[]))
    `,
    [...scopeParameters(scope, profile), `{${queryIds.join(',')}}`],
  );
}
