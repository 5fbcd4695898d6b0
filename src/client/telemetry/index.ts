export type { RepeatedStatement, SlowStatement, SlowThresholds, TelemetryLogger, TelemetryOptions } from './options.ts';
export { Reporter, type ReporterOptions, type ReporterSource } from './reporter.ts';
export type { RepeatedFinding } from './scope-calls.ts';
export type { StatementSummary } from './snapshot.ts';
export { createTelemetry, type Telemetry, type TelemetrySnapshot } from './telemetry.ts';
export type { Timer, TimerStats } from './timers.ts';
