export {
  type BulkInsertOptions,
  type BulkOptions,
  type BulkProgress,
  type BulkResult,
  type BulkUpdateOptions,
  type BulkUpsertOptions,
  bulkInsert,
  bulkUpdate,
  bulkUpsert,
  type RejectedRow,
} from './bulk/index.ts';
export type { Database } from './database.ts';
export type { TableReference } from './names.ts';
