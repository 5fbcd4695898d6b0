import { Monitor, type MonitorOptions } from './monitor.ts';
import type { DatabaseMonitor } from './types.ts';

export { type BackupFacts, largeTableRows, type Verdict, verdicts } from './health/index.ts';
export { isLocalAddress } from './host/index.ts';
export type { MonitorLogger } from './logger.ts';
export { type MetricDefinition, metricDefinitions, type MetricName } from './metrics.ts';
export type { MonitorOptions } from './monitor.ts';
export { statementScopes, type TargetStatements } from './statement-scopes.ts';
export * from './types.ts';

/**
 * Begins to watch a database and returns at once; the first connection may still fail, which `status()` then tells. It
 * never gives up: what is lost is tried again until `stop`.
 * @example
 * ```ts
 * const monitor = createMonitor({ name: 'shop', url, config: config.monitor, actions: config.actions, store, logger });
 * await monitor.collectNow();
 * console.log(monitor.health().score);
 * await monitor.stop();
 * ```
 */
export function createMonitor(options: MonitorOptions): DatabaseMonitor {
  return new Monitor(options);
}
