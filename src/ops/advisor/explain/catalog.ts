import { type ColumnRow, type DatabaseConnection, readColumns } from '../../../engine/postgres/index.ts';
import { describe, type RewriteCatalog } from '../../../sql/index.ts';

/** Names of the tables and views that a statement names; needs `loadParser()` to be done. */
export function tablesNamed(text: string): string[] {
  const { read, written } = describe(text);
  return [...new Set([...read, ...written].map(({ name }) => name))];
}

/**
 * What rewriting is told of columns. A table that is named without its schema is known when no other schema has one of that name: which
 * one is meant otherwise depends on the application's search_path.
 */
export function rewriteCatalog(rows: readonly ColumnRow[]): RewriteCatalog {
  const byName = Map.groupBy(rows, ({ table }) => table);
  return {
    columns({ schema, name }) {
      const found = byName.get(name)?.filter((row) => schema === undefined || row.schema === schema);
      if (!found || found.length === 0 || new Set(found.map((row) => row.schema)).size > 1) return undefined;
      return found;
    },
  };
}

/** Reads what rewriting a statement needs to know of its tables. */
export async function readRewriteCatalog(connection: DatabaseConnection, text: string): Promise<RewriteCatalog> {
  return rewriteCatalog(await readColumns(connection, tablesNamed(text)));
}
