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
export type { KeyedQuery } from './by-keys.ts';
export type { Database } from './database.ts';
export { type BatchFunction, createLoader, type Loader, type LoaderOptions, type LoaderTable } from './loader.ts';
export type { TableReference } from './names.ts';
export type { OrderBy, OrderTerm } from './order.ts';
export {
  type CursorSecret,
  type KeysetPage,
  type KeysetPageOptions,
  keysetPage,
  type OffsetPage,
  type OffsetPageOptions,
  offsetPage,
  type PageRows,
  type PageSize,
  type QueryRows,
  type TableRows,
} from './pages/index.ts';
export { type RelatedRows, withRelated } from './related.ts';
