export { databaseOf } from './driver.ts';
export type { EndpointOptions, PoolOptions, ReplicaOptions } from './options.ts';
export { Pool, type PoolStats } from './pool.ts';
export type { IsolationLevel, TransactionClient, TransactionOptions } from './transactions/index.ts';
export type { PoolView } from './view.ts';
