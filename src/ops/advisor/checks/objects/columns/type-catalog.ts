import { type DatabaseConnection, quoteIdentifier, type ServerProfile } from '../../../../../engine/postgres/index.ts';

/** A column whose type may hurt. Of partitions only those of the partitioned table. */
export interface TypedColumn {
  oid: number;
  schema: string;
  table: string;
  name: string;
  /** As format_type() gives it. */
  type: string;
  base: string;
  /** Length of `char(n)` and digits after the point of `numeric(p, s)`; `null` without. */
  length: number | null;
  scale: number | null;
  rows: number;
  /** It is in an index, or in a key. */
  indexed: boolean;
  primary: boolean;
  /** Other columns of the table have a time zone. */
  zonedBeside: boolean;
  /** An expression of an index looks into it. */
  inExpression: boolean;
  /** All sampled values look like this; `null` when they do not, or cannot be seen. */
  looksLike: 'uuid' | 'integer' | null;
}

/** A foreign key whose column has another type than the key that it refers to. */
export interface MixedKey {
  constraint: string;
  schema: string;
  table: string;
  name: string;
  type: string;
  parentSchema: string;
  parentTable: string;
  parentName: string;
  parentType: string;
  /** Both types share an operator family, so that indexes serve both without a cast. */
  sameFamily: boolean;
  /** It cannot hold all values of the key. */
  narrower: boolean;
  rows: number;
}

const relevant = `('bpchar', 'money', 'json', 'timestamp', 'numeric', 'float4', 'float8', 'text', 'varchar')`;

export async function readTypedColumns(connection: DatabaseConnection): Promise<TypedColumn[]> {
  return connection.runPlanned<TypedColumn>(
    `
    WITH relation AS MATERIALIZED (
      SELECT c.oid, c.relname, n.nspname, c.reltuples
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
         AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), candidate AS MATERIALIZED (
      SELECT r.*, a.attnum, a.attname, a.atttypmod, a.atttypid, t.typname AS base,
             EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND a.attnum = ANY (i.indkey::int2[])) AS indexed
        FROM relation r
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t      ON t.oid = a.atttypid AND t.typname IN ${relevant}
                           AND t.typnamespace = 'pg_catalog'::regnamespace
    )
    SELECT c.oid                                              AS "oid",
           c.nspname                                          AS "schema",
           c.relname                                          AS "table",
           c.attname                                          AS "name",
           format_type(c.atttypid, c.atttypmod)               AS "type",
           c.base                                             AS "base",
           CASE WHEN c.base = 'bpchar' AND c.atttypmod > 4 THEN c.atttypmod - 4 END AS "length",
           CASE WHEN c.base = 'numeric' AND c.atttypmod > 4 THEN (c.atttypmod - 4) & 2047 END AS "scale",
           greatest(c.reltuples, 0)::float8                   AS "rows",
           c.indexed                                          AS "indexed",
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
                      AND c.attnum = ANY (i.indkey::int2[]))  AS "primary",
           c.base = 'timestamp' AND EXISTS (SELECT FROM pg_attribute z WHERE z.attrelid = c.oid AND NOT z.attisdropped
                            AND z.atttypid = 'timestamptz'::regtype) AS "zonedBeside",
           c.base = 'json' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indexprs IS NOT NULL
                            AND i.indexprs::text ~ (':varattno ' || c.attnum || ' ')) AS "inExpression",
           CASE WHEN cardinality(s.samples) < 10 THEN NULL
                WHEN (SELECT bool_and(v ~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$') FROM unnest(s.samples) v)
                THEN 'uuid'
                WHEN (SELECT bool_and(v ~ '^(0|[1-9][0-9]{0,17})$') FROM unnest(s.samples) v) THEN 'integer'
           END                                                AS "looksLike"
      FROM candidate c
      LEFT JOIN LATERAL (
           SELECT coalesce(p.histogram_bounds, p.most_common_vals)::text::text[] AS samples
             FROM pg_stats p
            WHERE p.schemaname = c.nspname AND p.tablename = c.relname AND p.attname = c.attname
              AND c.base IN ('text', 'varchar', 'bpchar') AND c.indexed
            ORDER BY p.inherited
            LIMIT 1) s ON true
     -- Text is looked at where it is a key, because its values have to be looked at.
     WHERE c.base NOT IN ('text', 'varchar') OR c.indexed
     ORDER BY c.reltuples DESC, c.nspname, c.relname, c.attnum
    `,
  );
}

export async function readMixedKeys(connection: DatabaseConnection): Promise<MixedKey[]> {
  return connection.run<MixedKey>(
    `
    SELECT k.conname                                          AS "constraint",
           n.nspname                                          AS "schema",
           c.relname                                          AS "table",
           a.attname                                          AS "name",
           format_type(a.atttypid, a.atttypmod)               AS "type",
           pn.nspname                                         AS "parentSchema",
           p.relname                                          AS "parentTable",
           b.attname                                          AS "parentName",
           format_type(b.atttypid, b.atttypmod)               AS "parentType",
           EXISTS (SELECT FROM pg_amop o
                     JOIN pg_am m ON m.oid = o.amopmethod AND m.amname = 'btree'
                    WHERE o.amopstrategy = 3 AND o.amoplefttype = a.atttypid AND o.amoprighttype = b.atttypid)
             OR (a.atttypid IN ('text'::regtype, 'varchar'::regtype) AND b.atttypid IN ('text'::regtype, 'varchar'::regtype))
                                                              AS "sameFamily",
           a.attlen > 0 AND b.attlen > a.attlen               AS "narrower",
           greatest(c.reltuples, 0)::float8                   AS "rows"
      FROM pg_constraint k
     CROSS JOIN unnest(k.conkey, k.confkey) u (own, other)
      JOIN pg_class c      ON c.oid = k.conrelid
      JOIN pg_namespace n  ON n.oid = c.relnamespace
      JOIN pg_attribute a  ON a.attrelid = c.oid AND a.attnum = u.own
      JOIN pg_class p      ON p.oid = k.confrelid
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
      JOIN pg_attribute b  ON b.attrelid = p.oid AND b.attnum = u.other
     WHERE k.contype = 'f' AND k.conparentid = 0 AND a.atttypid <> b.atttypid
     ORDER BY c.reltuples DESC, n.nspname, c.relname, a.attname
    `,
  );
}

/** json columns that statements look into, as far as pg_stat_statements shows: `schema.table.column`. */
export async function readQueriedJson(
  connection: DatabaseConnection,
  { statements }: ServerProfile,
  columns: readonly TypedColumn[],
): Promise<Set<string>> {
  const queried = new Set<string>();
  if (!statements.usable) return queried;
  // Looked for with the text alone: parsing every statement would cost the server nothing, but us a lot.
  for (const { schema, table, name } of columns.slice(0, 20)) {
    const [row] = await connection.run<{ found: boolean }>(
      `
      SELECT EXISTS (SELECT FROM ${quoteIdentifier(statements.schema)}.pg_stat_statements
                      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND position($1 IN query) > 0
                        AND query ~ ('\\m' || $2 || '"?\\s*(->|#>)')) AS "found"
      `,
      [table, name.replaceAll(/[^\p{L}\p{N}_]/gu, '.')],
    );
    if (row?.found) queried.add(`${schema}.${table}.${name}`);
  }
  return queried;
}
