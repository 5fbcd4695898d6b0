import {
  readActivity,
  readCheckpointer,
  readCountersSince,
  readDatabases,
  readUpkeep,
  type Skipped,
} from '../../engine/postgres/index.ts';
import type { CheckContext } from '../advisor/index.ts';

/** The figures that tell how a database fares, since the server counts them. `null`: not known. */
export interface KeyMetrics {
  countedSince: Date | null;
  /** Tables and indexes, from `relpages`. */
  sizeBytes: number;
  connections: number;
  maxConnections: number;
  active: number;
  idleInTransaction: number;
  waitingForLocks: number;
  longestTransactionSeconds: number;
  /** Share of blocks that were found in shared_buffers. */
  cacheHitRatio: number | null;
  commits: number;
  rollbackRatio: number | null;
  deadlocks: number;
  tempBytes: number;
  deadRows: number;
  /** Share of rows that are dead. */
  deadRatio: number | null;
  /** Transactions since the oldest one that is not frozen, as a share of the 2^31 that there are. */
  freezeRatio: number | null;
  /** Share of checkpoints that came early. */
  requestedCheckpoints: number | null;
  skipped: readonly Skipped[];
}

export async function readKeyMetrics({ connection, profile }: CheckContext): Promise<KeyMetrics> {
  const activity = await readActivity(connection, profile);
  const databases = await readDatabases(connection);
  const upkeep = await readUpkeep(connection, profile);
  const checkpointer = await readCheckpointer(connection, profile);
  const [counted] = (await readCountersSince(connection)).rows;
  const database = databases.rows.find(({ current }) => current);
  const clients = activity.rows.filter(
    ({ backendType, application, user }) =>
      (backendType === 'client backend' || (backendType === 'unknown' && user !== null)) && application !== 'pitcrew',
  );
  const now = counted?.now.getTime() ?? Date.now();
  const sum = (of: (row: (typeof upkeep.rows)[number]) => number): number =>
    upkeep.rows.reduce((total, row) => total + of(row), 0);
  const dead = sum(({ deadRows }) => deadRows);
  const live = sum(({ rows, kind }) => (kind === 'partitioned' ? 0 : (rows ?? 0)));
  const blocks = (database?.blocksHit ?? 0) + (database?.blocksRead ?? 0);
  const transactions = (database?.commits ?? 0) + (database?.rollbacks ?? 0);
  const [made] = checkpointer.rows;
  const checkpoints = (made?.timed ?? 0) + (made?.requested ?? 0);
  return {
    countedSince: counted?.since ?? null,
    sizeBytes: sum(({ heapBytes, indexBytes }) => heapBytes + indexBytes),
    connections: clients.length,
    maxConnections: profile.maxConnections,
    active: clients.filter(({ state }) => state === 'active').length,
    idleInTransaction: clients.filter(({ state }) => state?.startsWith('idle in transaction') ?? false).length,
    waitingForLocks: clients.filter(({ waitType }) => waitType === 'Lock').length,
    longestTransactionSeconds: Math.max(
      0,
      ...clients.map(({ transactionStart }) => (transactionStart ? (now - transactionStart.getTime()) / 1000 : 0)),
    ),
    cacheHitRatio: blocks === 0 ? null : (database?.blocksHit ?? 0) / blocks,
    commits: database?.commits ?? 0,
    rollbackRatio: transactions === 0 ? null : (database?.rollbacks ?? 0) / transactions,
    deadlocks: database?.deadlocks ?? 0,
    tempBytes: database?.tempBytes ?? 0,
    deadRows: dead,
    deadRatio: live + dead === 0 ? null : dead / (live + dead),
    freezeRatio: database ? database.xidAge / 2 ** 31 : null,
    requestedCheckpoints: checkpoints === 0 || made === undefined ? null : made.requested / checkpoints,
    skipped: [...activity.skipped, ...databases.skipped, ...upkeep.skipped, ...checkpointer.skipped],
  };
}
