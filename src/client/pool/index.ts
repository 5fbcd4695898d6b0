export type { Call, CacheWish, QueryOptions } from './call.ts';
export { databaseOf } from './driver.ts';
export type { EndpointOptions, PoolOptions, ReplicaOptions } from './options.ts';
export { Pool, type PoolStats } from './pool.ts';
export { type RawResult, rawConfig, rawOf, resultOf } from './raw-result.ts';
export { isPending } from './result-keeper.ts';
export type { KeeperHost, LentWrites, PendingResult, Preface, ResultKeeper } from './result-keeper.ts';
export type { IsolationLevel, TransactionClient, TransactionOptions } from './transactions/index.ts';
export type { PoolView } from './view.ts';
