import { bucketOf } from '../../client/telemetry/histogram.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { ApplicationNow, Store } from '../../ops/store/index.ts';
import type { HistogramFamily, MetricFamily } from './exposition.ts';

/** How long a scrape waits for the store before it gives what was known. */
const readWithinMs = 1000;

/** Upper bounds of buckets: doublings from 256 µs to 67 s, where the histogram's own buckets begin. */
const boundsUs = Array.from({ length: 19 }, (_, index) => 2 ** (8 + index));

/**
 * Pools of applications as they are now, and what applications have measured since they were first seen: of all statements
 * together, since fingerprints and lines would be too many. They stand still while the store is away.
 */
export function createApplicationFamilies(store: Store | undefined) {
  const known = new Map<number, ApplicationNow[]>();
  const running = new Map<number, Promise<void>>();

  function refresh({ history }: Store, targetId: number): Promise<void> {
    const reading =
      running.get(targetId) ??
      history
        .applicationsNow({ targetId, now: new Date() })
        .then((applications) => void known.set(targetId, applications))
        // What was known last is given; /metrics goes on.
        .catch(() => {})
        .finally(() => running.delete(targetId));
    running.set(targetId, reading);
    return reading;
  }

  return async (monitors: readonly DatabaseMonitor[]): Promise<(MetricFamily | HistogramFamily)[]> => {
    if (store === undefined) return [];
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, readWithinMs);
    await Promise.race([late, Promise.all(monitors.map(({ targetId }) => refresh(store, targetId)))]);
    clearTimeout(timer);
    return families(
      monitors.flatMap(({ name, targetId }) =>
        (known.get(targetId) ?? []).map((application) => ({ target: name, application })),
      ),
    );
  };
}

interface Row {
  target: string;
  application: ApplicationNow;
}

const poolHelp = {
  open: 'Connections that the pools of an application have open',
  idle: 'Connections of an application that nobody uses',
  waiting: 'Callers of an application that wait for a connection',
  lanes: 'Connections of an application that many callers share',
  max: 'Connections that the pools of an application may open',
} as const;

function families(rows: readonly Row[]): (MetricFamily | HistogramFamily)[] {
  const labelsOf = ({ target, application }: Row) => ({ target, application: application.name });
  const counter = (name: string, help: string, value: (total: ApplicationNow['total']) => number): MetricFamily => ({
    name: `pitcrew_application_${name}`,
    help,
    type: 'counter',
    series: rows.map((row) => ({ labels: labelsOf(row), value: value(row.application.total) })),
  });
  return [
    {
      name: 'pitcrew_application_instances',
      help: 'Processes of an application that report',
      type: 'gauge',
      series: rows.map((row) => ({ labels: labelsOf(row), value: row.application.instances })),
    },
    ...(Object.keys(poolHelp) as (keyof typeof poolHelp)[]).map((figure): MetricFamily => ({
      name: `pitcrew_application_pool_${figure}`,
      help: poolHelp[figure],
      type: 'gauge',
      series: rows.flatMap((row) =>
        row.application.pools.map(({ endpoint, role, [figure]: value }) => ({
          labels: { ...labelsOf(row), endpoint, role },
          value,
        })),
      ),
    })),
    counter('errors', 'Calls of an application that failed', ({ errors }) => errors),
    counter('rows', 'Rows that an application read or changed', (total) => total.rows),
    counter('wait_seconds', 'Time that calls of an application waited for a connection', ({ waitUs }) => waitUs / 1e6),
    {
      name: 'pitcrew_application_call_seconds',
      help: 'Time of calls as an application measured it, waiting for a connection included',
      type: 'histogram',
      series: rows.map((row) => ({ labels: labelsOf(row), ...histogramOf(row.application.total) })),
    },
  ];
}

function histogramOf({ latency, totalUs }: ApplicationNow['total']) {
  const buckets = boundsUs.map((bound) => {
    const first = bucketOf(bound / 1000);
    const below = latency.reduce((sum, [bucket, count]) => sum + (bucket < first ? count : 0), 0);
    return [bound / 1e6, below] as const;
  });
  return { buckets, sum: totalUs / 1e6, count: latency.reduce((sum, [, count]) => sum + count, 0) };
}
