import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';

/** An index of the current database as the checks of indexes look at it; those of the system and of temporary tables apart. */
export interface IndexDetails {
  oid: number;
  tableOid: number;
  schema: string;
  table: string;
  name: string;
  method: string;
  /** The index of a partitioned table; it has no storage. */
  partitioned: boolean;
  /** The index of the partitioned table that this one belongs to; `null` when it stands alone. */
  parentOid: number | null;
  valid: boolean;
  ready: boolean;
  unique: boolean;
  /** False for a deferrable constraint's index, which proves nothing to the planner and to ON CONFLICT. */
  immediate: boolean;
  nullsNotDistinct: boolean;
  /** Name of the constraint that needs it: primary key, unique, exclusion; `null` when none does. */
  constraint: string | null;
  constraintType: 'p' | 'u' | 'x' | null;
  /** Foreign keys of other tables rest on it. */
  referenced: boolean;
  replicaIdentity: boolean;
  /** CLUSTER goes by it. */
  clustered: boolean;
  /** Columns by number, 0 for an expression; keys first, then what is included. */
  columns: number[];
  keyCount: number;
  /** Column names where they are columns, else `null`. */
  columnNames: (string | null)[];
  /** Operator family, input type and parameters of each key. */
  operators: string[];
  collations: number[];
  /** Bit 1: descending, bit 2: NULLs first. */
  options: number[];
  /** Trees of the expressions, as one list; `null` without any. Comparable. */
  expressions: string | null;
  /** Tree of the predicate of a partial index. Comparable. */
  predicate: string | null;
  /** `null` when not known. */
  estimatedRows: number | null;
  bytes: number;
  tableRows: number | null;
  tableBytes: number;
  scans: number;
}

/**
 * Trees that PostgreSQL stores say where in a statement's text each part stood; that must not make a difference. A tree is read
 * rather than pg_get_expr() asked, because that waits for locks of the table.
 */
const comparable = (tree: string): string => `regexp_replace(${tree}::text, ' :location -?[0-9]+', '', 'g')`;

/** Every index once. Takes no lock on any relation: sizes come from `relpages`. */
export async function readIndexDetails(connection: DatabaseConnection): Promise<IndexDetails[]> {
  return connection.run<IndexDetails>(
    `
    WITH attribute AS MATERIALIZED (
      SELECT a.attrelid, a.attnum, a.attname
        FROM pg_attribute a
       WHERE a.attrelid IN (SELECT indrelid FROM pg_index) AND a.attnum > 0
    ), named AS MATERIALIZED (
      SELECT i.indexrelid, array_agg(a.attname::text ORDER BY k.position) AS names
        FROM pg_index i
       CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k (number, position)
        LEFT JOIN attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       GROUP BY i.indexrelid
    ), operator AS MATERIALIZED (
      SELECT i.indexrelid,
             array_agg(o.opcfamily || ' ' || o.opcintype || coalesce(' ' || array_to_string(p.attoptions, ','), '')
                       ORDER BY k.position)                   AS operators
        FROM pg_index i
       CROSS JOIN unnest(i.indclass::oid[]) WITH ORDINALITY k (class, position)
        JOIN pg_opclass o   ON o.oid = k.class
        LEFT JOIN pg_attribute p ON p.attrelid = i.indexrelid AND p.attnum = k.position AND p.attoptions IS NOT NULL
       GROUP BY i.indexrelid
    )
    SELECT c.oid                                              AS "oid",
           t.oid                                              AS "tableOid",
           n.nspname                                          AS "schema",
           t.relname                                          AS "table",
           c.relname                                          AS "name",
           m.amname                                           AS "method",
           c.relkind = 'I'                                    AS "partitioned",
           h.inhparent                                        AS "parentOid",
           i.indisvalid                                       AS "valid",
           i.indisready AND i.indislive                       AS "ready",
           i.indisunique                                      AS "unique",
           i.indimmediate                                     AS "immediate",
           i.indnullsnotdistinct                              AS "nullsNotDistinct",
           k.conname                                          AS "constraint",
           k.contype                                          AS "constraintType",
           i.indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype = 'f') AS "referenced",
           i.indisreplident                                   AS "replicaIdentity",
           i.indisclustered                                   AS "clustered",
           i.indkey::int2[]                                   AS "columns",
           i.indnkeyatts                                      AS "keyCount",
           e.names                                            AS "columnNames",
           o.operators                                        AS "operators",
           i.indcollation::oid[]                              AS "collations",
           i.indoption::int2[]                                AS "options",
           ${comparable('i.indexprs')}                        AS "expressions",
           ${comparable('i.indpred')}                         AS "predicate",
           nullif(c.reltuples, -1)                            AS "estimatedRows",
           c.relpages::int8 * current_setting('block_size')::int8 AS "bytes",
           nullif(t.reltuples, -1)                            AS "tableRows",
           t.relpages::int8 * current_setting('block_size')::int8 AS "tableBytes",
           coalesce(pg_stat_get_numscans(c.oid), 0)           AS "scans"
      FROM pg_index i
      JOIN pg_class c           ON c.oid = i.indexrelid
      JOIN pg_class t           ON t.oid = i.indrelid
      JOIN pg_namespace n       ON n.oid = t.relnamespace
      JOIN pg_am m              ON m.oid = c.relam
      JOIN named e              ON e.indexrelid = i.indexrelid
      JOIN operator o           ON o.indexrelid = i.indexrelid
      LEFT JOIN pg_inherits h   ON h.inhrelid = i.indexrelid
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
     WHERE c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY n.nspname, t.relname, c.relname
    `,
  );
}

/** The index in a few words of columns: `(user_id, at)`; expressions as "an expression". */
export function columnsOf({ columnNames, keyCount }: IndexDetails): string {
  return `(${columnNames
    .slice(0, keyCount)
    .map((name) => name ?? 'expression')
    .join(', ')})`;
}
