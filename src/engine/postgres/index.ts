export type { DatabaseConnection, Parameter, Transaction, TransactionLimits } from './connection.ts';
export { quoteIdentifier } from './identifiers.ts';
export { isOwnStatement, marked } from './marker.ts';
export type { Rights, ServerProfile } from './server-profile.ts';
export { changeSetting, type Flavour, grantRole, takesAlterSystem } from './remedies.ts';
export type { Skipped } from './skipped.ts';
export { textList } from './text-list.ts';
export type { StatementsSupport } from './statements-support.ts';
export { type ActivityRow, type LockWait, readActivity } from './catalog/activity.ts';
export { type ColumnRow, readColumns } from './catalog/columns.ts';
export { type DatabaseRow, readDatabases } from './catalog/database.ts';
export { type IndexRow, readIndexes } from './catalog/indexes.ts';
export { type ListedIndex, readIndexList } from './catalog/index-list.ts';
export { type LockRow, readLocks } from './catalog/locks.ts';
export type { Reading } from './catalog/reading.ts';
export { readRelations, type TableWithIndexes } from './catalog/relations.ts';
export { type ReplicationRow, readReplication } from './catalog/replication.ts';
export { readSettings, type SettingRow } from './catalog/settings.ts';
export { readSettingOrigins, type SettingOriginRow } from './catalog/setting-origins.ts';
export { readRoleSettings, type RoleSettingRow } from './catalog/role-settings.ts';
export {
  everyDatabase,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  type StatementRow,
  type StatementScope,
  type StatementsInfoRow,
  type StatementTextRow,
} from './catalog/statements.ts';
export { readTables, type TableRow } from './catalog/tables.ts';
export { cancelBackend, resetStatements, terminateBackend } from './actions.ts';
export { type ChangeLimits, type ChangeOptions, type ChangeSession, connectForChanges } from './change-session.ts';
export { type ConnectOptions, connectDatabase } from './connect.ts';
export { type AnalyzeRequest, analyzeStatement } from './explain-analyze.ts';
export { type ExplainAnswer, type ExplainRequest, explainStatement } from './explain.ts';
export { firstWord, isPlannable, literalsAsCasts } from './explain-text.ts';
export { isSameServer } from './server-identity.ts';
export { noConnectionLeft } from './no-connection-left.ts';
export { probeProfile } from './profile.ts';
export { type ArchiverRow, readArchiver } from './catalog/archiver.ts';
export { type BgwriterRow, readBgwriter } from './catalog/bgwriter.ts';
export { type CheckpointerRow, readCheckpointer } from './catalog/checkpointer.ts';
export { type ConflictRow, readConflicts } from './catalog/conflicts.ts';
export { type DatabaseSizeRow, readDatabaseSizes } from './catalog/database-sizes.ts';
export { type IoRow, readIo } from './catalog/io.ts';
export { type PreparedTransactionRow, readPreparedTransactions } from './catalog/prepared-transactions.ts';
export { type ProgressRow, readProgress } from './catalog/progress.ts';
export { type SequenceRow, readSequences } from './catalog/sequences.ts';
export { type SlotRow, readSlots } from './catalog/slots.ts';
export { type SlruRow, readSlru } from './catalog/slru.ts';
export { type StandbyRow, readStandby } from './catalog/standby.ts';
export { type SubscriptionRow, readSubscriptions } from './catalog/subscriptions.ts';
export { type WalRow, readWal } from './catalog/wal.ts';
export { type WalReceiverRow, readWalReceiver } from './catalog/wal-receiver.ts';
export { addressOf, libpqUrl, parseAddress } from './connection-url.ts';
export { type CountersSinceRow, readCountersSince } from './catalog/counters-since.ts';
export { type ExtensionRow, readExtensions } from './catalog/extensions.ts';
export { type OpenTransactionRow, readOpenTransactions } from './catalog/open-transactions.ts';
export { readUpkeep, type UpkeepRow } from './catalog/upkeep.ts';
export { type ChangedBlocksRow, readChangedBlocks } from './catalog/wal-summaries.ts';
export { clientEnvironment } from './client-environment.ts';
