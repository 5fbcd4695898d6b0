import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** An index of a table of the current database, without those of the system. */
export interface IndexRow {
  oid: number;
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

/** Indexes of the current database. Takes no lock on any relation. Invalid ones are those with `valid` false. */
export async function readIndexes(connection: DatabaseConnection, profile: ServerProfile): Promise<Reading<IndexRow>> {
  const known = whereKnown(profile, 'pg_stat_all_indexes');
  return read<IndexRow>(
    connection,
    'indexes',
    `
    SELECT c.oid                                              AS "oid",
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
           ${known('last_idx_scan', 'pg_stat_get_lastscan(c.oid)')} AS "lastScan"
      FROM pg_index i
      JOIN pg_class c           ON c.oid = i.indexrelid
      JOIN pg_class t           ON t.oid = i.indrelid
      JOIN pg_namespace n       ON n.oid = t.relnamespace
      JOIN pg_am m              ON m.oid = c.relam
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
     WHERE t.relkind IN ('r', 'm', 'p')
       AND t.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    `,
  );
}
