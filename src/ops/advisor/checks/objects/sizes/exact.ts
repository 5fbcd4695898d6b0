import type { PitcrewError } from '../../../../../errors.ts';
import { toPitcrewError } from '../../../../../errors.ts';
import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import type { Untold } from '../../../types.ts';

/** Reading a whole index or table may take so long. */
const statementTimeoutMs = 300_000;
const lockTimeoutMs = 100;

/** Measures with the extension `pgstattuple`. */
export interface Measure {
  /** Pages that a B-tree's entries would take at a fill factor, and those that it has. */
  btree(oid: number, fillFactor: number): Promise<Measured>;
  /** Pages that a table's living rows would take at a fill factor, and those that it has. */
  heap(oid: number, fillFactor: number): Promise<Measured>;
}

export type Measured = { ideal: number; actual: number } | { failed: string };

/** The measure, or why there is none. */
export async function openMeasure(connection: DatabaseConnection): Promise<Measure | Untold> {
  const [extension] = await connection.run<{ schema: string }>(
    `
    SELECT n.nspname AS "schema"
      FROM pg_extension e
      JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'pgstattuple'
    `,
  );
  if (!extension) {
    return {
      reason: 'Exact sizes were asked for, but the extension pgstattuple is not installed',
      fix: 'CREATE EXTENSION pgstattuple',
    };
  }
  const call = (name: string): string => `${quoteIdentifier(extension.schema)}.${name}`;
  const ask = async (sql: string, oid: number, fillFactor: number): Promise<Measured> => {
    try {
      const [row] = await connection.rolledBack({ statementTimeoutMs, lockTimeoutMs }, (transaction) =>
        transaction.execute<{ ideal: number; actual: number }>(sql, [oid, fillFactor]),
      );
      return row ?? { failed: 'it is gone' };
    } catch (error) {
      return { failed: reasonOf(toPitcrewError(error)) };
    }
  };
  return {
    btree: (oid, fillFactor) =>
      ask(
        `
        SELECT /* pitcrew */
               (CASE WHEN leaf_pages > 0 THEN ceil(leaf_pages * avg_leaf_density / $2::float8) ELSE 0 END
                 + internal_pages + 1)::float8                                     AS "ideal",
               (index_size / current_setting('block_size')::int8)::float8          AS "actual"
          FROM ${call('pgstatindex')}($1::oid::regclass)
        `,
        oid,
        fillFactor,
      ),
    heap: (oid, fillFactor) =>
      ask(
        `
        SELECT /* pitcrew */
               ceil((approx_tuple_len + 4 * approx_tuple_count)
                    / (current_setting('block_size')::float8 - 24) * 100 / $2::float8) AS "ideal",
               (table_len / current_setting('block_size')::int8)::float8               AS "actual"
          FROM ${call('pgstattuple_approx')}($1::oid::regclass)
        `,
        oid,
        fillFactor,
      ),
  };
}

function reasonOf({ message, detail }: PitcrewError): string {
  return detail ?? message;
}
