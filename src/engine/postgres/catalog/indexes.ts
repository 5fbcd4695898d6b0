import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { changeOf, knownChanges, type Reading, read, whereKnown } from './reading.ts';

/** An index of a table of the current database, without those of the system. */
export interface IndexRow {
  oid: number;
  /** Changes whenever the row does; send it back as `known` and the row is left out until then. */
  change: string;
  tableOid: number;
  schema: string;
  table: string;
  name: string;
  /** `btree`, `gin`, … */
  method: string;
  /** True for the index of a partitioned table, which has no storage. */
  partitioned: boolean;
  /** False while CREATE INDEX CONCURRENTLY runs, or after it failed. */
  valid: boolean;
  ready: boolean;
  unique: boolean;
  primary: boolean;
  /** `p` primary key, `u` unique, `x` exclusion; `null` when no constraint needs it. */
  constraint: string | null;
  replicaIdentity: boolean;
  estimatedRows: number | null;
  /** From `relpages`. */
  bytes: number;
  scans: number;
  rowsRead: number;
  rowsFetched: number;
  blocksRead: number;
  blocksHit: number;
  /** 16+. */
  lastScan: Date | null;
}

/**
 * Indexes of the current database. With `known`, the `change` values of rows read before, only new and changed
 * ones. Takes no lock on any relation. Invalid ones are those with `valid` false.
 */
export async function readIndexes(
  connection: DatabaseConnection,
  profile: ServerProfile,
  known: readonly string[] = [],
): Promise<Reading<IndexRow>> {
  const column = whereKnown(profile, 'pg_stat_all_indexes');
  const change = changeOf(
    'c.oid::int8',
    'hashtext(c.relname::text)',
    'i.indisvalid::int4 + 2 * i.indisready::int4 + 4 * i.indisprimary::int4 + 8 * i.indisreplident::int4',
    'c.relpages',
    'c.reltuples::int8',
    'coalesce(pg_stat_get_numscans(c.oid), 0)',
    'coalesce(pg_stat_get_tuples_returned(c.oid), 0)',
    'coalesce(pg_stat_get_blocks_fetched(c.oid), 0)',
  );
  return read<IndexRow>(
    connection,
    'indexes',
    `
    SELECT c.oid                                              AS "oid",
           (${change})::text                                  AS "change",
           i.indrelid                                         AS "tableOid",
           n.nspname                                          AS "schema",
           t.relname                                          AS "table",
           c.relname                                          AS "name",
           m.amname                                           AS "method",
           c.relkind = 'I'                                    AS "partitioned",
           i.indisvalid                                       AS "valid",
           i.indisready                                       AS "ready",
           i.indisunique                                      AS "unique",
           i.indisprimary                                     AS "primary",
           k.contype                                          AS "constraint",
           i.indisreplident                                   AS "replicaIdentity",
           nullif(c.reltuples, -1)                            AS "estimatedRows",
           c.relpages::int8 * ${profile.blockSize}            AS "bytes",
           pg_stat_get_numscans(c.oid)                        AS "scans",
           pg_stat_get_tuples_returned(c.oid)                 AS "rowsRead",
           pg_stat_get_tuples_fetched(c.oid)                  AS "rowsFetched",
           pg_stat_get_blocks_fetched(c.oid)
             - pg_stat_get_blocks_hit(c.oid)                  AS "blocksRead",
           pg_stat_get_blocks_hit(c.oid)                      AS "blocksHit",
           ${column('last_idx_scan', 'pg_stat_get_lastscan(c.oid)')} AS "lastScan"
      FROM pg_index i
      JOIN pg_class c           ON c.oid = i.indexrelid
      JOIN pg_class t           ON t.oid = i.indrelid
      JOIN pg_namespace n       ON n.oid = t.relnamespace
      JOIN pg_am m              ON m.oid = c.relam
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
     -- Only what pg_class says of the index itself, so that the rest is looked up for what is sent alone.
     WHERE c.relkind IN ('i', 'I')
       AND c.relpersistence <> 't'
       AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace
                                   WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))
       AND ${change} NOT IN (SELECT unnest($1::int8[]))
    `,
    [knownChanges(known)],
  );
}
