export { cacheReporting } from './caches/cache-reporting.ts';
export type { ObserveCacheOptions } from './caches/observed-caches.ts';
export type {
  CacheCommand,
  CacheCommandResult,
  CacheFigures,
  ReportedCache,
  StreamFigures,
  TierFigures,
} from './caches/reported-cache.ts';
export type { RepeatedFinding } from './findings.ts';
export type {
  OtelOptions,
  ParameterOptions,
  ParameterValue,
  RepeatedStatement,
  SlowStatement,
  SlowThresholds,
  TelemetryLogger,
  TelemetryOptions,
} from './options.ts';
export type { PoolCounts, PoolEndpoint } from './pool-counters.ts';
export { Reporter, type ReporterOptions, type ReporterSource } from './reporter.ts';
export type { ScopeSummary } from './scope-stats.ts';
export type { StatementSummary } from './snapshot.ts';
export { createTelemetry, type Telemetry, type TelemetrySnapshot } from './telemetry.ts';
export type { Timer, TimerStats } from './timers.ts';
