export { lsnOf, lsnText } from './lsn.ts';
export { changedTable, decodePgoutput, type WantedColumns } from './pgoutput.ts';
export type { PgoutputMessage, Relation, RelationColumn, TupleValues } from './pgoutput-messages.ts';
export {
  type LogicalHandlers,
  type LogicalStart,
  ReplicationConnection,
  type SystemIdentity,
} from './replication-connection.ts';
export { widenXid } from './xid.ts';
