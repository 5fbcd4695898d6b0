import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { changeOf, knownChanges, type Reading, read, whereKnown } from './reading.ts';

/** A table, partition, partitioned table or materialized view of the current database, without those of the system. */
export interface TableRow {
  oid: number;
  /** Changes whenever the row does; send it back as `known` and the row is left out until then. */
  change: string;
  schema: string;
  name: string;
  kind: 'table' | 'partitioned' | 'materialized view' | 'partition';
  /** `p` permanent, `u` unlogged. */
  persistence: 'p' | 'u';
  /** `reltuples`; `null` when never vacuumed or analyzed. */
  estimatedRows: number | null;
  /** From `relpages`, which VACUUM, ANALYZE and index builds bring up to date. */
  heapBytes: number;
  /** TOAST table and its index. */
  toastBytes: number;
  seqScans: number;
  seqRowsRead: number;
  /** Rows fetched by bitmap scans, whichever index. */
  rowsFetched: number;
  inserts: number;
  updates: number;
  deletes: number;
  hotUpdates: number;
  /** Updates that put the new version on another page (16+). */
  newPageUpdates: number | null;
  liveRows: number;
  deadRows: number;
  modifiedSinceAnalyze: number;
  insertedSinceVacuum: number;
  heapRead: number;
  heapHit: number;
  toastRead: number;
  toastHit: number;
  /** 16+. */
  lastSeqScan: Date | null;
  lastVacuum: Date | null;
  lastAutovacuum: Date | null;
  lastAnalyze: Date | null;
  lastAutoanalyze: Date | null;
  vacuums: number;
  autovacuums: number;
  analyzes: number;
  autoanalyzes: number;
  /** Time spent in vacuum and analyze, by hand and automatic (18+). */
  vacuumMs: number | null;
  analyzeMs: number | null;
  /** `null` for what has no storage of its own. */
  frozenXidAge: number | null;
  frozenMxidAge: number | null;
}

/**
 * Tables of the current database. With `known`, the `change` values of rows read before, only new and changed
 * ones. Takes no lock on any of them: sizes come from `relpages`.
 */
export async function readTables(
  connection: DatabaseConnection,
  profile: ServerProfile,
  known: readonly string[] = [],
): Promise<Reading<TableRow>> {
  const column = whereKnown(profile, 'pg_stat_all_tables');
  const change = changeOf(
    'c.oid::int8',
    'hashtext(c.relname::text)',
    'hashtext(n.nspname::text)',
    'c.relispartition::int4',
    'c.relpages',
    'c.reltuples::int8',
    'coalesce(pg_stat_get_numscans(c.oid), 0)',
    'coalesce(pg_stat_get_tuples_inserted(c.oid), 0)',
    'coalesce(pg_stat_get_tuples_updated(c.oid), 0)',
    'coalesce(pg_stat_get_tuples_deleted(c.oid), 0)',
    'coalesce(pg_stat_get_dead_tuples(c.oid), 0)',
    'coalesce(pg_stat_get_mod_since_analyze(c.oid), 0)',
    'coalesce(pg_stat_get_blocks_fetched(c.oid), 0)',
    'coalesce(pg_stat_get_vacuum_count(c.oid) + pg_stat_get_autovacuum_count(c.oid), 0)',
    'coalesce(pg_stat_get_analyze_count(c.oid) + pg_stat_get_autoanalyze_count(c.oid), 0)',
  );
  return read<TableRow>(
    connection,
    'tables',
    `
    SELECT c.oid                                              AS "oid",
           (${change})::text                                  AS "change",
           n.nspname                                          AS "schema",
           c.relname                                          AS "name",
           CASE WHEN c.relkind = 'p' THEN 'partitioned'
                WHEN c.relkind = 'm' THEN 'materialized view'
                WHEN c.relispartition THEN 'partition'
                ELSE 'table' END                              AS "kind",
           c.relpersistence                                   AS "persistence",
           nullif(c.reltuples, -1)                            AS "estimatedRows",
           c.relpages::int8 * ${profile.blockSize}            AS "heapBytes",
           coalesce(t.relpages::int8 + x.relpages, 0) * ${profile.blockSize} AS "toastBytes",
           pg_stat_get_numscans(c.oid)                        AS "seqScans",
           pg_stat_get_tuples_returned(c.oid)                 AS "seqRowsRead",
           pg_stat_get_tuples_fetched(c.oid)                  AS "rowsFetched",
           pg_stat_get_tuples_inserted(c.oid)                 AS "inserts",
           pg_stat_get_tuples_updated(c.oid)                  AS "updates",
           pg_stat_get_tuples_deleted(c.oid)                  AS "deletes",
           pg_stat_get_tuples_hot_updated(c.oid)              AS "hotUpdates",
           ${column('n_tup_newpage_upd', 'pg_stat_get_tuples_newpage_updated(c.oid)')} AS "newPageUpdates",
           pg_stat_get_live_tuples(c.oid)                     AS "liveRows",
           pg_stat_get_dead_tuples(c.oid)                     AS "deadRows",
           pg_stat_get_mod_since_analyze(c.oid)               AS "modifiedSinceAnalyze",
           pg_stat_get_ins_since_vacuum(c.oid)                AS "insertedSinceVacuum",
           pg_stat_get_blocks_fetched(c.oid)
             - pg_stat_get_blocks_hit(c.oid)                  AS "heapRead",
           pg_stat_get_blocks_hit(c.oid)                      AS "heapHit",
           coalesce(pg_stat_get_blocks_fetched(t.oid)
             - pg_stat_get_blocks_hit(t.oid), 0)              AS "toastRead",
           coalesce(pg_stat_get_blocks_hit(t.oid), 0)         AS "toastHit",
           ${column('last_seq_scan', 'pg_stat_get_lastscan(c.oid)')} AS "lastSeqScan",
           pg_stat_get_last_vacuum_time(c.oid)                AS "lastVacuum",
           pg_stat_get_last_autovacuum_time(c.oid)            AS "lastAutovacuum",
           pg_stat_get_last_analyze_time(c.oid)               AS "lastAnalyze",
           pg_stat_get_last_autoanalyze_time(c.oid)           AS "lastAutoanalyze",
           pg_stat_get_vacuum_count(c.oid)                    AS "vacuums",
           pg_stat_get_autovacuum_count(c.oid)                AS "autovacuums",
           pg_stat_get_analyze_count(c.oid)                   AS "analyzes",
           pg_stat_get_autoanalyze_count(c.oid)               AS "autoanalyzes",
           ${column('total_vacuum_time', 'pg_stat_get_total_vacuum_time(c.oid) + pg_stat_get_total_autovacuum_time(c.oid)')} AS "vacuumMs",
           ${column('total_analyze_time', 'pg_stat_get_total_analyze_time(c.oid) + pg_stat_get_total_autoanalyze_time(c.oid)')} AS "analyzeMs",
           CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END   AS "frozenXidAge",
           CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) END  AS "frozenMxidAge"
      FROM pg_class c
      JOIN pg_namespace n  ON n.oid = c.relnamespace
      LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
      LEFT JOIN pg_index i ON i.indrelid = t.oid
      LEFT JOIN pg_class x ON x.oid = i.indexrelid
     WHERE c.relkind IN ('r', 'm', 'p')
       AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND ${change} NOT IN (SELECT unnest($1::int8[]))
    `,
    [knownChanges(known)],
  );
}
