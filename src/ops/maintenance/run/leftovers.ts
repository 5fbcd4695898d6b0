import { type ChangeSession, type DatabaseConnection, quoteIdentifier } from '../../../engine/postgres/index.ts';
import { messageOf } from '../../../errors.ts';
import type { MaintenanceTask } from '../types.ts';

interface Invalid {
  oid: number;
  schema: string;
  name: string;
}

/** Invalid indexes of a table. */
export function readInvalid(connection: DatabaseConnection, { schema, table }: MaintenanceTask): Promise<Invalid[]> {
  return connection.run<Invalid>(
    `
    SELECT c.oid      AS "oid",
           m.nspname  AS "schema",
           c.relname  AS "name"
      FROM pg_index i
      JOIN pg_class c     ON c.oid = i.indexrelid AND c.relkind = 'i'
      JOIN pg_namespace m ON m.oid = c.relnamespace
      JOIN pg_class t     ON t.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE NOT i.indisvalid
       AND n.nspname = $1
       AND t.relname = $2
    `,
    [schema, table],
  );
}

/** Transactions that are open now have to end before it is gone: whoever interrupted us does not wait long. */
const patienceMs = 10_000;

/** What REINDEX CONCURRENTLY calls the new and the old index while it works. */
const leftover = /_cc(new|old)\d*$/;

/**
 * Removes what a REINDEX that did not end well left behind, and nothing that was there before it. Not interrupted by what
 * interrupted the REINDEX.
 * @returns what could not be removed, as a sentence.
 */
export async function removeLeftovers(
  session: ChangeSession,
  connection: DatabaseConnection,
  task: MaintenanceTask,
  before: readonly Invalid[],
): Promise<string | undefined> {
  const known = new Set(before.map(({ oid }) => oid));
  const left = (await readInvalid(connection, task)).filter(({ oid, name }) => !known.has(oid) && leftover.test(name));
  for (const { schema, name } of left) {
    const index = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
    try {
      await session.run(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`, [], {
        statementTimeoutMs: 0,
        lockTimeoutMs: patienceMs,
      });
    } catch (error) {
      return `the invalid index ${name} is left, to be dropped: ${messageOf(error)}`;
    }
  }
  return undefined;
}
