import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { Store, TimeRange } from '../../ops/store/index.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../context.ts';
import { meanMsOf } from '../present/statements.ts';

/** History is read in whole buckets of this width, one minute behind so that every sample has arrived. */
const intervalMs = 60_000;
/** Slow statements of one database that one minute can add to the log. */
const mostPerInterval = 20;
const longestText = 2000;

export interface MonitorLogOptions {
  monitors: readonly DatabaseMonitor[];
  store: Store | undefined;
  /** Mean from which a statement is slow, in ms: the setting `monitor.slowStatement`. */
  slowMs: number;
  /** Takes what changes in health. */
  performance: Logger;
  /** Takes slow statements. */
  slow: Logger;
}

/**
 * Logs what the monitors find: changes of the health score as they come, and every minute the statements whose mean in
 * that minute was slow. Returns what ends it.
 */
export function logMonitors(options: MonitorLogOptions): () => void {
  const { monitors, performance } = options;
  const unsubscribe = monitors.map((monitor) =>
    monitor.onEvent((event) => {
      if (event.type !== 'health') return;
      const { database, score, grade, status } = event;
      performance.info({ database, score, grade, status }, 'health');
    }),
  );
  const timer = setInterval(() => {
    const to = Math.floor(Date.now() / intervalMs - 1) * intervalMs;
    void logSlowStatements(options, { from: new Date(to - intervalMs), to: new Date(to) });
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    for (const off of unsubscribe) off();
  };
}

/** Logs the slow statements of a time range, the slowest in sum first. While the store is away there is nothing to log. */
export async function logSlowStatements(
  { monitors, store, slowMs, slow }: MonitorLogOptions,
  range: TimeRange,
): Promise<void> {
  if (store === undefined) return;
  for (const { name: database, targetId } of monitors) {
    try {
      const { statements } = await store.history.statements({
        targetId,
        ...range,
        orderBy: 'totalExecUs',
        descending: true,
        minMeanUs: slowMs * 1000,
        limit: mostPerInterval,
      });
      for (const { key, counters, text } of statements) {
        const { calls, rows } = counters;
        const meanMs = Math.round(meanMsOf(counters) ?? 0);
        const statement = text?.slice(0, longestText) ?? null;
        slow.info({ database, user: key.user, queryId: key.queryId, calls, meanMs, rows, statement }, 'slow statement');
      }
    } catch (error) {
      slow.debug({ database, reason: messageOf(error) }, 'slow statements cannot be told');
    }
  }
}
