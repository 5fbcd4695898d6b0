import { notOfExtension, type Source, userNamespace } from './source.ts';

/** A table, partitioned table, materialised view, view, foreign table or sequence of the watched database. */
export interface SourceRelation {
  oid: number;
  schema: string;
  name: string;
  /** As in `pg_class.relkind`. */
  kind: 'r' | 'p' | 'm' | 'v' | 'f' | 'S';
  accessMethod: string | null;
  isPartition: boolean;
  /** `RANGE (day)` of a partitioned table. */
  partitionKey: string | null;
  /** `fillfactor=70`. */
  options: string[] | null;
  pages: number;
  rows: number;
  allVisible: number;
  rowSecurity: boolean;
  /** Whether this role may read rows of `pg_stats` about it: all of its columns, without row security. */
  statisticsReadable: boolean;
  /** A sequence that an identity column makes by itself. */
  ofIdentity: boolean;
}

export interface SourceColumn {
  relation: number;
  number: number;
  name: string;
  type: string;
  typeOid: number;
  /** Bytes; -1 for a length of its own per value. */
  typeLength: number;
  /** `c`, `s`, `i`, `d`. */
  typeAlign: string;
  notNull: boolean;
  /** Quoted, where it is not the type's. */
  collation: string | null;
  /** `s` stored, `v` virtual, or empty. */
  generated: string;
  /** `a` always, `d` by default, or empty. */
  identity: string;
  /** Of the default, or what generates it. */
  expression: string | null;
}

/** A child of a partitioned or inherited table. */
export interface SourceInheritance {
  child: number;
  parent: number;
  position: number;
  /** `FOR VALUES FROM (…) TO (…)`; `null` for plain inheritance. */
  bound: string | null;
}

/** Takes no lock on any relation. */
export function readSourceRelations(source: Source): Promise<SourceRelation[]> {
  return source.read<SourceRelation>(`
    SELECT c.oid                              AS "oid",
           n.nspname                          AS "schema",
           c.relname                          AS "name",
           c.relkind                          AS "kind",
           m.amname                           AS "accessMethod",
           c.relispartition                   AS "isPartition",
           CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS "partitionKey",
           c.reloptions                       AS "options",
           c.relpages                         AS "pages",
           c.reltuples::float8                AS "rows",
           c.relallvisible                    AS "allVisible",
           c.relrowsecurity                   AS "rowSecurity",
           has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS "statisticsReadable",
           c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend i
                                        WHERE i.classid = 'pg_class'::regclass
                                          AND i.objid = c.oid
                                          AND i.deptype = 'i') AS "ofIdentity"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_am m   ON m.oid = c.relam
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S')
       AND c.relpersistence <> 't'
       AND ${userNamespace}
       AND ${notOfExtension('pg_class', 'c.oid')}
     ORDER BY c.oid
  `);
}

export function readSourceColumns(source: Source, relations: readonly number[]): Promise<SourceColumn[]> {
  return source.readEach<SourceColumn>(
    `
    SELECT a.attrelid                                   AS "relation",
           a.attnum                                     AS "number",
           a.attname                                    AS "name",
           format_type(a.atttypid, a.atttypmod)         AS "type",
           a.atttypid                                   AS "typeOid",
           a.attlen                                     AS "typeLength",
           a.attalign                                   AS "typeAlign",
           -- Since 18, one that was never validated is of no use to the planner.
           a.attnotnull
             AND NOT EXISTS (SELECT FROM pg_constraint k
                              WHERE k.conrelid = a.attrelid
                                AND k.contype = 'n'
                                AND NOT k.convalidated
                                AND k.conkey = ARRAY[a.attnum]) AS "notNull",
           CASE WHEN a.attcollation <> t.typcollation
                THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS "collation",
           a.attgenerated                               AS "generated",
           a.attidentity                                AS "identity",
           pg_get_expr(d.adbin, d.adrelid)              AS "expression"
      FROM pg_attribute a
      JOIN pg_type t             ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d     ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN pg_collation co  ON co.oid = a.attcollation
      LEFT JOIN pg_namespace cn  ON cn.oid = co.collnamespace
     WHERE a.attrelid = ANY ($2::oid[])
       AND a.attrelid <> ALL ($1::oid[])
       AND a.attnum > 0
       AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum
    `,
    relations,
  );
}

export function readInheritance(source: Source): Promise<SourceInheritance[]> {
  return source.readUnlocked<SourceInheritance>(`
    SELECT i.inhrelid                             AS "child",
           i.inhparent                            AS "parent",
           i.inhseqno                             AS "position",
           pg_get_expr(c.relpartbound, c.oid)     AS "bound"
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid
     WHERE c.relkind IN ('r', 'p', 'f')
       AND c.oid <> ALL ($1::oid[])
     ORDER BY i.inhrelid, i.inhseqno
  `);
}

/**
 * Blocks that the main file of each relation has now, by oid. PostgreSQL's planner asks the file system for it; no right is needed.
 * Relations that are locked exclusively are left out.
 */
export async function readBlocks(source: Source, relations: readonly number[]): Promise<Map<number, number>> {
  const rows = await source.readEach<{ oid: number; blocks: number | null }>(
    `
    SELECT c.oid                                   AS "oid",
           pg_relation_size(c.oid) / current_setting('block_size')::int8 AS "blocks"
      FROM pg_class c
     WHERE c.oid = ANY ($2::oid[])
       AND c.oid <> ALL ($1::oid[])
       AND c.relkind IN ('r', 'm', 'i')
    `,
    relations,
  );
  return new Map(rows.flatMap(({ oid, blocks }) => (blocks === null ? [] : [[oid, blocks]])));
}
