export { type CachingPool, createPool, type CreatePoolOptions, type MeasuredPool } from './client/create-pool.ts';
export type { AcquireOutcome, EndpointRole, PoolObserver, PoolWarning, StatementOutcome } from './client/observer.ts';
export {
  type EndpointOptions,
  type IsolationLevel,
  Pool,
  type PoolOptions,
  type PoolStats,
  type PoolView,
  type ReplicaOptions,
  type TransactionClient,
  type TransactionOptions,
} from './client/pool/index.ts';
export {
  type CachedQueries,
  type ChangeOptions,
  type DeclaredReads,
  type QueryCacheOptions,
  type QueryCacheStats,
  type QueryExplanation,
  removeTriggers,
  type ResultMemoryOptions,
  type StatementPolicy,
} from './client/querycache/index.ts';
export { currentScope, type RequestScope, runInScope } from './client/scope.ts';
export { requestName, scopeHook, scopeMiddleware, withScope } from './client/scope-middleware.ts';
export {
  type CacheCommand,
  type CacheCommandResult,
  type CacheFigures,
  cacheReporting,
  createTelemetry,
  type ObserveCacheOptions,
  type OtelOptions,
  type ParameterOptions,
  type ParameterValue,
  Reporter,
  type ReportedCache,
  type ReporterOptions,
  type RepeatedStatement,
  type ScopeSummary,
  type SlowStatement,
  type StatementSummary,
  type StreamFigures,
  type Telemetry,
  type TelemetryOptions,
  type TelemetrySnapshot,
  type TierFigures,
  type Timer,
  type TimerStats,
} from './client/telemetry/index.ts';
export { type ErrorCode, PitcrewError } from './errors.ts';
