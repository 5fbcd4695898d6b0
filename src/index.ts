export { Pool, type PoolOptions, type PoolStats, type PoolView } from './client/pool/index.ts';
export { type ErrorCode, PitcrewError } from './errors.ts';
