import type { Database } from '../database.ts';
import type { BulkInsertOptions, BulkResult, BulkUpdateOptions, BulkUpsertOptions } from './options.ts';
import { insertPlan, updatePlan, upsertPlan } from './plan.ts';
import { runBulk } from './run.ts';

export type {
  BulkInsertOptions,
  BulkOptions,
  BulkProgress,
  BulkResult,
  BulkUpdateOptions,
  BulkUpsertOptions,
  RejectedRow,
} from './options.ts';

/**
 * Inserts rows at the speed of COPY; a few of them with one statement. Values are written as `pg` writes them.
 * @example
 * ```ts
 * await bulkInsert(pool, { table: 'orders', rows: [{ customer_id: 1, total: '9.90' }] });
 * ```
 * @throws `E_QUERY` when the server refuses a row, which is named (`allOrNothing`); `E_NOT_FOUND` without the table; `E_USAGE` for
 * columns that it does not have and rows that do not fit together; what the server says of everything else, as `pg` makes it
 */
export function bulkInsert(database: Database, options: BulkInsertOptions): Promise<BulkResult> {
  return runBulk(database, options, (relation, columns) =>
    insertPlan(relation, columns, options.onConflict ?? 'error'),
  );
}

/**
 * Updates rows, each by its key, many with one statement. Of several rows with the same key the last one counts. Rows that the table
 * does not have change nothing, and are not among those `written`.
 * @throws as `bulkInsert`
 */
export function bulkUpdate(database: Database, options: BulkUpdateOptions): Promise<BulkResult> {
  return runBulk(database, options, (relation, columns) => updatePlan(relation, columns, options.key));
}

/**
 * Inserts rows, and updates those that are there already. Of several rows with the same key the last one counts, since rows come in
 * the order in which they were true; the first one where nothing is updated.
 * @throws as `bulkInsert`; `E_USAGE` when no unique index has that key
 */
export function bulkUpsert(database: Database, options: BulkUpsertOptions): Promise<BulkResult> {
  return runBulk(database, options, (relation, columns) => upsertPlan(relation, columns, options));
}
