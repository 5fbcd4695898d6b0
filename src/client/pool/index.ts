export type { EndpointOptions, PoolOptions, ReplicaOptions } from './options.ts';
export { Pool, type PoolStats } from './pool.ts';
export type { PoolView } from './view.ts';
