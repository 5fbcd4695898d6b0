import type { DatabaseConnection } from '../../../../engine/postgres/index.ts';
import type { TableKind } from './types.ts';

export interface RelationRow {
  oid: number;
  schema: string;
  name: string;
  kind: TableKind;
  persistence: string;
  isPartition: boolean;
  rows: number;
  pages: number;
  inserts: number;
  updates: number;
  deletes: number;
  hotUpdates: number;
}

/** Relations of some names, in every schema that is not the system's. */
export function readRelationsNamed(connection: DatabaseConnection, names: string): Promise<RelationRow[]> {
  return connection.run<RelationRow>(`${relations} AND c.relname = ANY ($1::text[])`, [names]);
}

/** Relations of some oids. */
export function readRelationsById(connection: DatabaseConnection, oids: string): Promise<RelationRow[]> {
  return connection.run<RelationRow>(`${relations} AND c.oid = ANY ($1::oid[])`, [oids]);
}

const relations = `
    SELECT c.oid                                AS "oid",
           n.nspname                            AS "schema",
           c.relname                            AS "name",
           CASE c.relkind WHEN 'r' THEN 'table'
                          WHEN 'p' THEN 'partitioned'
                          WHEN 'm' THEN 'materialized view'
                          WHEN 'v' THEN 'view'
                          WHEN 'f' THEN 'foreign'
                          ELSE 'other' END      AS "kind",
           c.relpersistence                     AS "persistence",
           c.relispartition                     AS "isPartition",
           greatest(c.reltuples, 0)::float8     AS "rows",
           c.relpages                           AS "pages",
           pg_stat_get_tuples_inserted(c.oid)   AS "inserts",
           pg_stat_get_tuples_updated(c.oid)    AS "updates",
           pg_stat_get_tuples_deleted(c.oid)    AS "deletes",
           pg_stat_get_tuples_hot_updated(c.oid) AS "hotUpdates"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f')
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`;

export interface PartitionRow {
  /** The partitioned table that all of it belongs to. */
  root: number;
  oid: number;
  /** What it is a partition of, directly. */
  parent: number;
  schema: string;
  name: string;
  /** It has partitions itself, and no rows. */
  partitioned: boolean;
  foreign: boolean;
  rows: number;
  pages: number;
  inserts: number;
  updates: number;
  deletes: number;
  hotUpdates: number;
}

/** All partitions of partitioned tables, at every level, parents first. */
export function readPartitions(connection: DatabaseConnection, oids: string): Promise<PartitionRow[]> {
  return connection.run<PartitionRow>(
    `
    WITH RECURSIVE parts AS (
      SELECT i.inhparent AS root, i.inhparent AS parent, i.inhrelid AS oid, 1 AS level
        FROM pg_inherits i
       WHERE i.inhparent = ANY ($1::oid[])
       UNION ALL
      SELECT p.root, p.oid, i.inhrelid, p.level + 1
        FROM parts p
        JOIN pg_inherits i ON i.inhparent = p.oid
    )
    SELECT p.root                                AS "root",
           p.oid                                 AS "oid",
           p.parent                              AS "parent",
           n.nspname                             AS "schema",
           c.relname                             AS "name",
           c.relkind = 'p'                       AS "partitioned",
           c.relkind = 'f'                       AS "foreign",
           greatest(c.reltuples, 0)::float8      AS "rows",
           c.relpages                            AS "pages",
           pg_stat_get_tuples_inserted(c.oid)    AS "inserts",
           pg_stat_get_tuples_updated(c.oid)     AS "updates",
           pg_stat_get_tuples_deleted(c.oid)     AS "deletes",
           pg_stat_get_tuples_hot_updated(c.oid) AS "hotUpdates"
      FROM parts p
      JOIN pg_class c     ON c.oid = p.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     ORDER BY p.level, n.nspname, c.relname
    `,
    [oids],
  );
}

export interface ColumnRow {
  table: number;
  name: string;
  number: number;
  type: string;
  baseType: string;
  category: string;
  orderable: boolean;
  bytewise: boolean;
  notNull: boolean;
  distinct: number | null;
  correlation: number | null;
  nulls: number | null;
  width: number | null;
  common: string[] | null;
  shares: number[] | null;
}

/** Columns with their statistics, as far as the role may read those (`pg_stats` shows what it may SELECT). */
export function readColumns(connection: DatabaseConnection, oids: string): Promise<ColumnRow[]> {
  return connection.run<ColumnRow>(
    `
    SELECT a.attrelid                                     AS "table",
           a.attname                                      AS "name",
           a.attnum                                       AS "number",
           format_type(a.atttypid, a.atttypmod)           AS "type",
           b.typname                                      AS "baseType",
           b.typcategory                                  AS "category",
           b.typtype IN ('e', 'r', 'm')
             OR b.typcategory IN ('A', 'S')
             OR EXISTS (SELECT FROM pg_opclass o
                          JOIN pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
                         WHERE o.opcdefault AND o.opcintype = b.oid) AS "orderable",
           CASE WHEN a.attcollation = 0 THEN true
                WHEN a.attcollation = 'pg_catalog."default"'::regcollation
                THEN (SELECT d.datcollate IN ('C', 'POSIX') AND d.datlocprovider = 'c'
                        FROM pg_database d WHERE d.datname = current_database())
                ELSE coalesce(l.collcollate IN ('C', 'POSIX'), false) END AS "bytewise",
           a.attnotnull                                   AS "notNull",
           s.n_distinct::float8                           AS "distinct",
           s.correlation::float8                          AS "correlation",
           s.null_frac::float8                            AS "nulls",
           s.avg_width                                    AS "width",
           CASE WHEN cardinality(s.most_common_freqs) <= 100 AND s.avg_width < 200
                THEN s.most_common_vals::text::text[] END AS "common",
           CASE WHEN cardinality(s.most_common_freqs) <= 100 AND s.avg_width < 200
                THEN s.most_common_freqs::float8[] END    AS "shares"
      FROM pg_attribute a
      JOIN pg_class c          ON c.oid = a.attrelid
      JOIN pg_namespace n      ON n.oid = c.relnamespace
      JOIN pg_type t           ON t.oid = a.atttypid
      JOIN pg_type b           ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
      LEFT JOIN pg_stats s     ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                              AND s.inherited = (c.relkind = 'p')
     WHERE a.attrelid = ANY ($1::oid[])
       AND a.attnum > 0
       AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum
    `,
    [oids],
  );
}

/** The queries of views and materialised views. */
export function readDefinitions(
  connection: DatabaseConnection,
  oids: string,
): Promise<{ oid: number; definition: string | null }[]> {
  return connection.run(
    `SELECT oid AS "oid", pg_get_viewdef(oid) AS "definition" FROM pg_class WHERE oid = ANY ($1::oid[])`,
    [oids],
  );
}
