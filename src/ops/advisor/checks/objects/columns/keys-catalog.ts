import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';

/** A column of 2 or 4 bytes that is a key, or refers to one, and holds what grows. */
export interface IntegerKey {
  schema: string;
  table: string;
  name: string;
  type: 'smallint' | 'integer';
  /** A sequence fills it; `schema.name`. */
  sequence: string | null;
  readable: boolean;
  /** Rows are there, by the last count. */
  filled: boolean;
  /** The largest value that statistics know of; `null` without any. */
  largest: number | null;
  inserts: number;
  /** A foreign key refers from here; `null` for a key of its own. */
  refersTo: string | null;
}

/** Columns of integers of 2 or 4 bytes that are the only key column of a unique index or of a foreign key. Partitions apart. */
export async function readIntegerKeys(connection: DatabaseConnection): Promise<IntegerKey[]> {
  return connection.runPlanned<IntegerKey>(
    `
    WITH key AS MATERIALIZED (
      SELECT i.indrelid AS relation, i.indkey[0] AS number, NULL::oid AS refers
        FROM pg_index i
       WHERE i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] > 0
       UNION
      SELECT k.conrelid, k.conkey[1], k.confrelid
        FROM pg_constraint k
       WHERE k.contype = 'f' AND k.conparentid = 0 AND cardinality(k.conkey) = 1
    ), single AS MATERIALIZED (
      SELECT DISTINCT ON (relation, number) * FROM key ORDER BY relation, number, refers NULLS FIRST
    )
    SELECT n.nspname                                          AS "schema",
           c.relname                                          AS "table",
           a.attname                                          AS "name",
           CASE t.base WHEN 'int2'::regtype THEN 'smallint' ELSE 'integer' END AS "type",
           (SELECT format('%s.%s', sn.nspname, q.relname)
              FROM pg_depend d
              JOIN pg_class q      ON q.oid = d.objid AND q.relkind = 'S'
              JOIN pg_namespace sn ON sn.oid = q.relnamespace
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
               AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
             LIMIT 1)                                         AS "sequence",
           has_column_privilege(c.oid, a.attnum, 'SELECT') AND NOT row_security_active(c.oid) AS "readable",
           c.reltuples > 0 OR pg_stat_get_live_tuples(c.oid) > 0 AS "filled",
           (SELECT max(v::text::int8)
              FROM (SELECT unnest(s.histogram_bounds::text::text[]) AS v
                     UNION ALL
                    SELECT unnest(s.most_common_vals::text::text[])) u) AS "largest",
           coalesce(pg_stat_get_tuples_inserted(c.oid), 0)    AS "inserts",
           CASE WHEN k.refers IS NOT NULL THEN
             (SELECT format('%s.%s', pn.nspname, p.relname) FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
               WHERE p.oid = k.refers) END                    AS "refersTo"
      FROM single k
      JOIN pg_class c     ON c.oid = k.relation AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
      JOIN LATERAL (SELECT coalesce(nullif(y.typbasetype, 0), y.oid) AS base FROM pg_type y WHERE y.oid = a.atttypid) t
           ON t.base IN ('int2'::regtype, 'int4'::regtype)
      -- Row by row, because the planner cannot tell how few rows a join by names would leave.
      LEFT JOIN LATERAL (
           SELECT p.histogram_bounds, p.most_common_vals
             FROM pg_stats p
            WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.attname = a.attname
            ORDER BY p.inherited DESC
            LIMIT 1) s ON true
     WHERE c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY n.nspname, c.relname, a.attnum
    `,
  );
}

/** Who owns a sequence, by the sequence's `schema.name`. */
export interface SequenceOwner {
  sequence: string;
  schema: string;
  table: string;
  column: string;
  /** As format_type() gives it, of a domain the type beneath. */
  type: string;
  inserts: number;
  increment: number;
  /** The sequence ends where its own type does. */
  endsWithType: boolean;
}

export async function readSequenceOwners(connection: DatabaseConnection): Promise<ReadonlyMap<string, SequenceOwner>> {
  const rows = await connection.run<SequenceOwner>(
    `
    SELECT format('%s.%s', sn.nspname, q.relname)             AS "sequence",
           n.nspname                                          AS "schema",
           c.relname                                          AS "table",
           a.attname                                          AS "column",
           format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS "type",
           coalesce(pg_stat_get_tuples_inserted(c.oid), 0)    AS "inserts",
           s.seqincrement                                     AS "increment",
           s.seqmax IN (32767, 2147483647, 9223372036854775807) AS "endsWithType"
      FROM pg_sequence s
      JOIN pg_class q      ON q.oid = s.seqrelid
      JOIN pg_namespace sn ON sn.oid = q.relnamespace
      JOIN pg_depend d     ON d.classid = 'pg_class'::regclass AND d.objid = q.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
      JOIN pg_class c      ON c.oid = d.refobjid
      JOIN pg_namespace n  ON n.oid = c.relnamespace
      JOIN pg_attribute a  ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
      JOIN pg_type t       ON t.oid = a.atttypid
    `,
  );
  return new Map(rows.map((row) => [row.sequence, row]));
}
