import type { DatabaseConnection } from '../../../../engine/postgres/index.ts';
import type { ExistingIndex, ExistingKey, ForeignKey, OperatorClass } from './types.ts';

interface KeyRow {
  table: number;
  oid: number;
  schema: string;
  name: string;
  method: string;
  where: string | null;
  unique: boolean;
  valid: boolean;
  bytes: number;
  definition: string;
  constraint: string | null;
  referred: boolean;
  replicaIdentity: boolean;
  clustered: boolean;
  inherited: boolean;
  position: number;
  keys: number;
  expression: string;
  column: string | null;
  descending: boolean | null;
  nullsFirst: boolean | null;
  operatorClass: string | null;
  collation: string | null;
}

/** Indexes of some tables, by table. */
export async function readExistingIndexes(
  connection: DatabaseConnection,
  oids: string,
  blockSize: number,
): Promise<Map<number, ExistingIndex[]>> {
  const rows = await connection.run<KeyRow>(
    `
    SELECT i.indrelid                                   AS "table",
           i.indexrelid                                 AS "oid",
           n.nspname                                    AS "schema",
           c.relname                                    AS "name",
           m.amname                                     AS "method",
           pg_get_expr(i.indpred, i.indrelid)           AS "where",
           i.indisunique                                AS "unique",
           i.indisvalid AND i.indisready                AS "valid",
           c.relpages::int8 * $2::int8                  AS "bytes",
           pg_get_indexdef(i.indexrelid)                AS "definition",
           (SELECT min(k.contype::text) FROM pg_constraint k
             WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS "constraint",
           EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conindid = i.indexrelid AND k.contype = 'f')       AS "referred",
           i.indisreplident                             AS "replicaIdentity",
           i.indisclustered                             AS "clustered",
           c.relispartition                             AS "inherited",
           p.position                                   AS "position",
           i.indnkeyatts                                AS "keys",
           pg_get_indexdef(i.indexrelid, p.position, true) AS "expression",
           a.attname                                    AS "column",
           (i.indoption[p.position - 1] & 1) = 1        AS "descending",
           (i.indoption[p.position - 1] & 2) = 2        AS "nullsFirst",
           CASE WHEN NOT o.opcdefault THEN o.opcname END AS "operatorClass",
           CASE WHEN i.indcollation[p.position - 1] NOT IN (0, coalesce(a.attcollation, 0))
                THEN i.indcollation[p.position - 1]::regcollation::text END    AS "collation"
      FROM pg_index i
      JOIN pg_class c      ON c.oid = i.indexrelid
      JOIN pg_namespace n  ON n.oid = c.relnamespace
      JOIN pg_am m         ON m.oid = c.relam
     CROSS JOIN LATERAL generate_series(1, i.indnatts) AS p (position)
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid
                              AND a.attnum = i.indkey[p.position - 1] AND a.attnum > 0
      LEFT JOIN pg_opclass o   ON o.oid = i.indclass[p.position - 1] AND p.position <= i.indnkeyatts
     WHERE i.indrelid = ANY ($1::oid[])
     ORDER BY i.indexrelid, p.position
    `,
    [oids, blockSize],
  );
  const byTable = new Map<number, ExistingIndex[]>();
  for (const columns of Map.groupBy(rows, ({ oid }) => oid).values()) {
    const [first] = columns;
    if (first) byTable.set(first.table, [...(byTable.get(first.table) ?? []), indexOf(first, columns)]);
  }
  return byTable;
}

function indexOf(first: KeyRow, columns: readonly KeyRow[]): ExistingIndex {
  const { oid, schema, name, method, where, unique, valid, bytes, definition, keys } = first;
  return Object.freeze({
    oid,
    schema,
    name,
    method,
    keys: columns.filter(({ position }) => position <= keys).map(keyOf),
    include: columns.filter(({ position }) => position > keys).flatMap(({ column }) => column ?? []),
    where: where ?? undefined,
    unique,
    valid,
    bytes,
    neededFor: neededFor(first),
    definition,
  });
}

function keyOf(row: KeyRow): ExistingKey {
  return {
    expression: row.expression,
    column: row.column ?? undefined,
    descending: row.descending ?? false,
    nullsFirst: row.nullsFirst ?? false,
    operatorClass: row.operatorClass ?? undefined,
    collation: row.collation ?? undefined,
  };
}

const constraints: Record<string, string> = {
  p: 'the primary key',
  u: 'a unique constraint',
  x: 'an exclusion constraint',
};

function neededFor({
  constraint,
  referred,
  replicaIdentity,
  clustered,
  inherited,
  unique,
}: KeyRow): string | undefined {
  if (constraint !== null) return constraints[constraint] ?? 'a constraint';
  if (referred) return 'a foreign key';
  if (replicaIdentity) return 'the replica identity';
  if (unique) return 'uniqueness';
  if (inherited) return 'the index of a partitioned table';
  return clustered ? 'CLUSTER' : undefined;
}

/** Foreign keys that go out from some tables or come in to them. */
export async function readForeignKeys(connection: DatabaseConnection, oids: string): Promise<ForeignKey[]> {
  return connection.run<ForeignKey & object>(
    `
    SELECT k.conname  AS "name",
           k.conrelid AS "child",
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
                  ORDER BY u.place)       AS "childColumns",
           k.confrelid AS "parent",
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, place)
                   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
                  ORDER BY u.place)       AS "parentColumns"
      FROM pg_constraint k
     WHERE k.contype = 'f'
       AND k.conparentid = 0
       AND (k.conrelid = ANY ($1::oid[]) OR k.confrelid = ANY ($1::oid[]))
     ORDER BY k.oid
    `,
    [oids],
  );
}

interface ClassRow {
  method: string;
  name: string;
  schema: string;
  isDefault: boolean;
  type: string;
  searches: string[];
  orders: string[];
}

/** Operator classes of GIN, GiST and SP-GiST with their operators: those of extensions as well. */
export async function readOperatorClasses(connection: DatabaseConnection): Promise<OperatorClass[]> {
  const rows = await connection.run<ClassRow>(
    `
    SELECT m.amname     AS "method",
           o.opcname    AS "name",
           n.nspname    AS "schema",
           o.opcdefault AS "isDefault",
           t.typname    AS "type",
           coalesce(array_agg(DISTINCT p.oprname::text) FILTER (WHERE r.amoppurpose = 's'), '{}') AS "searches",
           coalesce(array_agg(DISTINCT p.oprname::text) FILTER (WHERE r.amoppurpose = 'o'), '{}') AS "orders"
      FROM pg_opclass o
      JOIN pg_am m        ON m.oid = o.opcmethod AND m.amname IN ('gin', 'gist')
      JOIN pg_namespace n ON n.oid = o.opcnamespace
      JOIN pg_type t      ON t.oid = o.opcintype
      JOIN pg_amop r      ON r.amopfamily = o.opcfamily AND r.amoplefttype = o.opcintype
      JOIN pg_operator p  ON p.oid = r.amopopr
     GROUP BY m.amname, o.oid, n.nspname, t.typname
     ORDER BY m.amname, o.opcname
    `,
  );
  return rows.map(({ schema, name, searches, orders, ...row }) => ({
    ...row,
    name: schema === 'pg_catalog' || schema === 'public' ? name : `"${schema.replaceAll('"', '""')}".${name}`,
    searches: new Set(searches),
    orders: new Set(orders),
  }));
}
