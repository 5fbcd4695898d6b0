export { lsnOf, lsnText } from './lsn.ts';
export { changedTable, decodePgoutput, type WantedColumns } from './pgoutput.ts';
export type { PgoutputMessage, Relation, RelationColumn, TupleValues } from './pgoutput-messages.ts';
export { type LogicalHandlers, type LogicalStart, ReplicationConnection } from './replication-connection.ts';
export type { SystemIdentity } from './system-identity.ts';
export { widenXid } from './xid.ts';
