import type { CheckDefinition } from '../check.ts';
import { backupAge, backupCopies, backupLog, backupProof, backupRuns } from './backups.ts';
import { connections } from './connections.ts';
import { cpu, disk, memory } from './host.ts';
import { checksumFailures, invalidIndexes, preparedTransactions, sequences } from './integrity.ts';
import { reachable } from './reachable.ts';
import { cacheHits, indexUsage } from './reads.ts';
import { lostReplicas, recoveryConflicts, replicationLag } from './replication.ts';
import { blockedSessions, idleInTransaction, longTransactions } from './sessions.ts';
import { dangerousSettings, pendingRestart } from './settings.ts';
import { replicationSlots } from './slots.ts';
import { meanStatementTime, slowStatements, statementStatistics } from './statements.ts';
import { deadlocks, rollbacks } from './transactions.ts';
import { deadRows, plannerStatistics } from './vacuum.ts';
import { wraparound } from './wraparound.ts';
import { archiving, checkpoints, temporaryFiles } from './writes.ts';

/** Every check, in the order in which reports show them. */
export const checks: readonly CheckDefinition[] = Object.freeze([
  reachable,
  connections,
  blockedSessions,
  longTransactions,
  idleInTransaction,
  preparedTransactions,
  statementStatistics,
  meanStatementTime,
  slowStatements,
  rollbacks,
  deadlocks,
  cacheHits,
  indexUsage,
  temporaryFiles,
  deadRows,
  plannerStatistics,
  wraparound,
  sequences,
  invalidIndexes,
  checkpoints,
  archiving,
  replicationLag,
  lostReplicas,
  recoveryConflicts,
  replicationSlots,
  checksumFailures,
  backupAge,
  backupRuns,
  backupCopies,
  backupLog,
  backupProof,
  disk,
  memory,
  cpu,
  dangerousSettings,
  pendingRestart,
]);
