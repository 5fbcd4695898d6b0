import type { DatabaseConnection } from '../connection.ts';
import { textList } from '../text-list.ts';

/** A column of a table or view. */
export interface ColumnRow {
  schema: string;
  table: string;
  name: string;
  /** Name of its type in pg_type; with a note behind it where its collation takes different texts for the same. */
  type: string;
  /** Certainly: constraints that were never validated and those of foreign tables do not count. */
  notNull: boolean;
}

/** So many tables are asked for at most: no statement of a person names more. */
const mostTables = 200;

/** Columns of the tables and views of these names, in all schemas but the system's, in their order. */
export async function readColumns(connection: DatabaseConnection, tables: readonly string[]): Promise<ColumnRow[]> {
  const names = [...new Set(tables)].slice(0, mostTables);
  if (names.length === 0) return [];
  return connection.run<ColumnRow>(
    `
    SELECT n.nspname AS "schema",
           c.relname AS "table",
           a.attname AS "name",
           CASE WHEN l.collisdeterministic IS FALSE THEN t.typname || ' (nondeterministic)' ELSE t.typname END AS "type",
           a.attnotnull AND c.relkind IN ('r', 'p') AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_constraint k
             WHERE  k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)
           ) AS "notNull"
    FROM   pg_catalog.pg_class c
    JOIN   pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN   pg_catalog.pg_attribute a ON a.attrelid = c.oid
    JOIN   pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT   JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    WHERE  c.relname = ANY ($1::text[]::name[])
    AND    c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND    a.attnum > 0 AND NOT a.attisdropped
    AND    n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER  BY c.oid, a.attnum`,
    [textList(names)],
  );
}
