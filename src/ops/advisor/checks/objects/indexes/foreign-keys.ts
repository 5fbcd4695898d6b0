import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import type { IndexDetails } from './catalog.ts';
import { nodesOf } from './keys.ts';

/** A foreign key of a table that holds rows: of a plain table or of a partition. */
export interface ForeignKey {
  /** The constraint as it was made: that of the partitioned table for those of its partitions. */
  rootOid: number;
  name: string;
  schema: string;
  table: string;
  /** The table or partition that holds the rows. */
  tableOid: number;
  leafSchema: string;
  leafTable: string;
  /** How many tables stand between the root and this partition; 0 for a plain table. */
  depth: number;
  /** Referencing columns by number, in the table that holds the rows. */
  columns: number[];
  columnNames: string[];
  collations: number[];
  parentSchema: string;
  parentTable: string;
  parentDeletes: number;
  parentUpdates: number;
  /** From `reltuples`, else the counted rows. */
  rows: number;
  bytes: number;
}

/** Foreign keys where rows are, each named after the constraint that was declared. */
export async function readForeignKeys(connection: DatabaseConnection): Promise<ForeignKey[]> {
  return connection.run<ForeignKey>(
    `
    WITH RECURSIVE declared AS (
      SELECT k.oid, k.oid AS root, 0 AS depth
        FROM pg_constraint k
       WHERE k.contype = 'f' AND k.conparentid = 0
       UNION ALL
      SELECT k.oid, d.root, d.depth + 1
        FROM pg_constraint k
        JOIN declared d ON d.oid = k.conparentid
    )
    SELECT DISTINCT ON (d.root, t.oid)
           d.root                                             AS "rootOid",
           r.conname                                          AS "name",
           rn.nspname                                         AS "schema",
           rt.relname                                         AS "table",
           t.oid                                              AS "tableOid",
           n.nspname                                          AS "leafSchema",
           t.relname                                          AS "leafTable",
           CASE WHEN t.oid = rt.oid THEN 0 ELSE d.depth END   AS "depth",
           k.conkey::int2[]                                   AS "columns",
           a.names                                            AS "columnNames",
           a.collations                                       AS "collations",
           pn.nspname                                         AS "parentSchema",
           p.relname                                          AS "parentTable",
           coalesce(pg_stat_get_tuples_deleted(r.confrelid), 0) AS "parentDeletes",
           coalesce(pg_stat_get_tuples_updated(r.confrelid), 0) AS "parentUpdates",
           greatest(t.reltuples, pg_stat_get_live_tuples(t.oid), 0)::float8 AS "rows",
           t.relpages::int8 * current_setting('block_size')::int8 AS "bytes"
      FROM declared d
      JOIN pg_constraint k ON k.oid = d.oid
      JOIN pg_constraint r ON r.oid = d.root
      JOIN pg_class t      ON t.oid = k.conrelid AND t.relkind = 'r'
      JOIN pg_namespace n  ON n.oid = t.relnamespace
      JOIN pg_class rt     ON rt.oid = r.conrelid
      JOIN pg_namespace rn ON rn.oid = rt.relnamespace
      JOIN pg_class p      ON p.oid = r.confrelid
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
     CROSS JOIN LATERAL (
           SELECT array_agg(c.attname::text ORDER BY u.position)   AS names,
                  array_agg(c.attcollation ORDER BY u.position)    AS collations
             FROM unnest(k.conkey) WITH ORDINALITY u (number, position)
             JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.number) a
     WHERE t.relpersistence <> 't'
     ORDER BY d.root, t.oid, d.depth
    `,
  );
}

/**
 * Whether the index finds the rows of a foreign key by itself: its first keys are the referencing columns in any order, and
 * it holds every row that references something.
 */
export function serves(index: IndexDetails, key: ForeignKey): boolean {
  if (index.tableOid !== key.tableOid || !index.valid || !index.ready || index.keyCount < key.columns.length)
    return false;
  if (index.method !== 'btree' && !(index.method === 'hash' && key.columns.length === 1)) return false;
  const leading = index.columns.slice(0, key.columns.length);
  const collated = (column: number, position: number): boolean => {
    const at = key.columns.indexOf(column);
    return at >= 0 && index.collations[position] === key.collations[at];
  };
  return leading.every(collated) && new Set(leading).size === leading.length && holdsAll(index, key);
}

/** A partial index does when it leaves out only NULLs of the referencing columns: they reference nothing. */
function holdsAll({ predicate }: IndexDetails, { columns }: ForeignKey): boolean {
  if (predicate === null) return true;
  const isAnd = predicate.startsWith('{BOOLEXPR :boolop and :args (');
  const parts = isAnd ? nodesOf(predicate.slice(predicate.indexOf('('))) : [predicate];
  return parts.every((part) => {
    const column = /^\{NULLTEST :arg \{VAR [^{}]*:varattno (\d+) [^{}]*\} :nulltesttype 1 /.exec(part)?.[1];
    return column !== undefined && columns.includes(Number(column));
  });
}
