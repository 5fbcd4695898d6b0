import { type Source, userNamespace } from './source.ts';

export interface SourceIndex {
  oid: number;
  table: number;
  schema: string;
  name: string;
  method: string;
  /** Of a partitioned table, without storage. */
  partitioned: boolean;
  /** Made along with the index of the partitioned table above. */
  hasParent: boolean;
  /** A primary key, unique or exclusion constraint makes it. */
  ofConstraint: boolean;
  /** CREATE INDEX. */
  definition: string;
  options: string[] | null;
  pages: number;
  rows: number;
  keyCount: number;
  /** Attribute numbers of keys and carried columns; 0 for an expression. */
  columns: number[];
}

/** Valid indexes of tables and materialised views. */
export function readSourceIndexes(source: Source): Promise<SourceIndex[]> {
  return source.readUnlocked<SourceIndex>(`
    SELECT c.oid                       AS "oid",
           i.indrelid                  AS "table",
           n.nspname                   AS "schema",
           c.relname                   AS "name",
           m.amname                    AS "method",
           c.relkind = 'I'             AS "partitioned",
           c.relispartition            AS "hasParent",
           EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS "ofConstraint",
           pg_get_indexdef(c.oid)      AS "definition",
           c.reloptions                AS "options",
           c.relpages                  AS "pages",
           c.reltuples::float8         AS "rows",
           i.indnkeyatts               AS "keyCount",
           i.indkey::int2[]            AS "columns"
      FROM pg_index i
      JOIN pg_class c     ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_am m        ON m.oid = c.relam
     WHERE i.indisvalid
       AND i.indislive
       AND i.indrelid <> ALL ($1::oid[])
       AND c.oid <> ALL ($1::oid[])
       AND c.relpersistence <> 't'
       AND ${userNamespace}
     ORDER BY c.oid
  `);
}
