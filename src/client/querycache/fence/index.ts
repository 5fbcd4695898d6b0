export { type Dependency, keyOf } from './dependency.ts';
export type { EntryId } from './entry-index.ts';
export {
  type ChangedTables,
  Fence,
  type FenceMark,
  type FenceOptions,
  type FenceStats,
  type FenceToken,
} from './fence.ts';
export { snapshotOf, type SnapshotRow, snapshotStatement } from './snapshot-statement.ts';
export { Snapshot, type SnapshotOptions } from './snapshot.ts';
export type { Keys } from './table-changes.ts';
