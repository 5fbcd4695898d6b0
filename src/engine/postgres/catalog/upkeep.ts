import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read } from './reading.ts';

/** What decides whether a table needs VACUUM or ANALYZE. */
export interface UpkeepRow {
  oid: number;
  schema: string;
  name: string;
  kind: 'table' | 'partition' | 'partitioned' | 'materialized view';
  unlogged: boolean;
  /** Heap and indexes, from `relpages`; 0 for a partitioned table. */
  heapBytes: number;
  indexBytes: number;
  pages: number;
  allVisiblePages: number;
  /** `reltuples`; `null` when never vacuumed or analysed. Of a partitioned table: as of its last ANALYZE. */
  rows: number | null;
  /** Of a partitioned table: the sum of the rows of its partitions; else `null`. */
  partitionRows: number | null;
  deadRows: number;
  modifiedSinceAnalyze: number;
  insertedSinceVacuum: number;
  updates: number;
  deletes: number;
  /** By hand or automatic, whichever came last; `null` when none is known. */
  lastVacuum: Date | null;
  lastAnalyze: Date | null;
  /** Transactions since the oldest one that is not frozen, TOAST included; `null` for a partitioned table. */
  frozenXidAge: number | null;
  frozenMxidAge: number | null;
  /** Storage parameters: `autovacuum_enabled=false`, … */
  options: string[];
  /** Index scans of all its indexes. */
  indexScans: number;
  /** The role has the rights of its owner: for its settings, and to make and drop indexes. */
  isOwned: boolean;
  /** The role may REINDEX its indexes: as its owner, or by MAINTAIN (17+). */
  mayReindex: boolean;
  /** The role may VACUUM and ANALYZE it: as who may REINDEX, or as the owner of the database. */
  mayVacuum: boolean;
  /** The role may name what is in its schema, without which it may do nothing of that. */
  mayUseSchema: boolean;
}

/**
 * Tables, partitions, partitioned tables and materialised views of the current database that are not temporary: all of them, or the one
 * with that oid.
 */
export async function readUpkeep(
  connection: DatabaseConnection,
  profile: ServerProfile,
  oid: number | null = null,
): Promise<Reading<UpkeepRow>> {
  const maintain = profile.versionNumber >= 170_000 ? `OR has_table_privilege(c.oid, 'MAINTAIN')` : '';
  return read<UpkeepRow>(
    connection,
    'upkeep of tables',
    `
    SELECT c.oid                                                AS "oid",
           n.nspname                                            AS "schema",
           c.relname                                            AS "name",
           CASE WHEN c.relkind = 'p' THEN 'partitioned'
                WHEN c.relkind = 'm' THEN 'materialized view'
                WHEN c.relispartition THEN 'partition'
                ELSE 'table' END                                AS "kind",
           c.relpersistence = 'u'                               AS "unlogged",
           c.relpages::int8 * ${profile.blockSize}              AS "heapBytes",
           coalesce(i.pages, 0)::int8 * ${profile.blockSize}    AS "indexBytes",
           c.relpages                                           AS "pages",
           c.relallvisible                                      AS "allVisiblePages",
           nullif(c.reltuples, -1)::float8                      AS "rows",
           CASE WHEN c.relkind = 'p' THEN (
             SELECT sum(greatest(l.reltuples, 0))
               FROM pg_partition_tree(c.oid) p
               JOIN pg_class l ON l.oid = p.relid
              WHERE p.isleaf)::float8 END                       AS "partitionRows",
           pg_stat_get_dead_tuples(c.oid)                       AS "deadRows",
           pg_stat_get_mod_since_analyze(c.oid)                 AS "modifiedSinceAnalyze",
           pg_stat_get_ins_since_vacuum(c.oid)                  AS "insertedSinceVacuum",
           pg_stat_get_tuples_updated(c.oid)                    AS "updates",
           pg_stat_get_tuples_deleted(c.oid)                    AS "deletes",
           greatest(pg_stat_get_last_vacuum_time(c.oid),
                    pg_stat_get_last_autovacuum_time(c.oid))    AS "lastVacuum",
           greatest(pg_stat_get_last_analyze_time(c.oid),
                    pg_stat_get_last_autoanalyze_time(c.oid))   AS "lastAnalyze",
           greatest(CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END,
                    CASE WHEN t.relfrozenxid <> '0' THEN age(t.relfrozenxid) END) AS "frozenXidAge",
           greatest(CASE WHEN c.relminmxid <> '0' THEN mxid_age(c.relminmxid) END,
                    CASE WHEN t.relminmxid <> '0' THEN mxid_age(t.relminmxid) END) AS "frozenMxidAge",
           coalesce(c.reloptions, '{}')                         AS "options",
           coalesce(i.scans, 0)                                 AS "indexScans",
           pg_has_role(c.relowner, 'USAGE')                     AS "isOwned",
           pg_has_role(c.relowner, 'USAGE') ${maintain}         AS "mayReindex",
           pg_has_role(d.datdba, 'USAGE')
             OR pg_has_role(c.relowner, 'USAGE') ${maintain}    AS "mayVacuum",
           has_schema_privilege(n.oid, 'USAGE')                 AS "mayUseSchema"
      FROM pg_class c
      JOIN pg_namespace n  ON n.oid = c.relnamespace
      JOIN pg_database d   ON d.datname = current_database()
      LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
      LEFT JOIN LATERAL (
             SELECT sum(x.relpages) AS pages, sum(pg_stat_get_numscans(x.oid)) AS scans
               FROM pg_index d
               JOIN pg_class x ON x.oid = d.indexrelid
              WHERE d.indrelid = c.oid) i ON true
     WHERE c.relkind IN ('r', 'm', 'p')
       AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND ($1::oid IS NULL OR c.oid = $1::oid)
    `,
    [oid],
  );
}
