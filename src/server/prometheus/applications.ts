import { bucketOf } from '../../client/telemetry/histogram.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type {
  ActivityTotal,
  ApplicationNow,
  CacheNow,
  CacheTotal,
  LatencyCounts,
  Store,
} from '../../ops/store/index.ts';
import { cacheFamilies } from './caches.ts';
import type { HistogramFamily, MetricFamily } from './exposition.ts';

/** How long a scrape waits for the store before it gives what was known. */
const readWithinMs = 1000;

/** Upper bounds of buckets: doublings from 256 µs to 67 s, where the histogram's own buckets begin. */
const boundsUs = Array.from({ length: 19 }, (_, index) => 2 ** (8 + index));

/**
 * Pools and caches of applications as they are now, and what applications have measured since they were first seen: of all statements
 * together, since fingerprints and lines would be too many. They stand still while the store is away.
 */
export function createApplicationFamilies(store: Store | undefined) {
  const known = new Map<number, Known>();
  const running = new Map<number, Promise<void>>();

  function refresh({ history }: Store, targetId: number): Promise<void> {
    const reading =
      running.get(targetId) ??
      readKnown(history, targetId)
        .then((read) => void known.set(targetId, read))
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
    const found = monitors.map(({ name, targetId }) => ({ target: name, ...(known.get(targetId) ?? nothing) }));
    return [
      ...families(
        found.flatMap(({ target, applications }) => applications.map((application) => ({ target, application }))),
      ),
      ...activityFamilies(found.flatMap(({ target, activities }) => activities.map((total) => ({ target, total })))),
      ...cacheFamilies(found),
    ];
  };
}

interface Known {
  applications: ApplicationNow[];
  activities: ActivityTotal[];
  caches: CacheNow[];
  cacheTotals: CacheTotal[];
}

const nothing: Known = { applications: [], activities: [], caches: [], cacheTotals: [] };

async function readKnown(history: Store['history'], targetId: number): Promise<Known> {
  const now = new Date();
  const [applications, activities, caches, cacheTotals] = await Promise.all([
    history.applicationsNow({ targetId, now }),
    history.activityTotals({ targetId, now }),
    history.cachesNow({ targetId, now }),
    history.cacheTotals({ targetId, now }),
  ]);
  return { applications, activities, caches, cacheTotals };
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

interface ActivityRow {
  target: string;
  total: ActivityTotal;
}

/** Requests of an application together, its timers (some of them at most), its waits for connections. */
function activityFamilies(rows: readonly ActivityRow[]): (MetricFamily | HistogramFamily)[] {
  const of = (kind: ActivityTotal['kind']) => rows.filter(({ total }) => total.kind === kind);
  const labelsOf = ({ target, total }: ActivityRow) => ({ target, application: total.application });
  const counter = (
    kind: ActivityTotal['kind'],
    name: string,
    help: string,
    value: (total: ActivityTotal) => number,
  ): MetricFamily => ({
    name: `pitcrew_application_${name}`,
    help,
    type: 'counter',
    series: of(kind).map((row) => ({ labels: labelsOf(row), value: value(row.total) })),
  });
  const histogram = (kind: ActivityTotal['kind'], name: string, help: string): HistogramFamily => ({
    name: `pitcrew_application_${name}_seconds`,
    help,
    type: 'histogram',
    series: of(kind).map((row) => ({
      labels: kind === 'timer' ? { ...labelsOf(row), timer: row.total.name } : labelsOf(row),
      ...histogramOf(row.total),
    })),
  });
  return [
    histogram('scope', 'request', 'Time of requests and jobs of an application that used the database'),
    counter('scope', 'request_statements', 'Statements of requests and jobs', ({ statements }) => statements),
    counter(
      'scope',
      'request_database_seconds',
      'Time that requests and jobs waited for the database, added up over statements that ran at once',
      ({ statementUs }) => statementUs / 1e6,
    ),
    histogram('timer', 'timer', 'Durations that an application measures under names of its own'),
    histogram('pool', 'acquire', 'Waiting for a connection of its own, however that ended'),
    counter('pool', 'acquire_timeouts', 'Waits for a connection that took too long', ({ timeouts }) => timeouts),
    counter('pool', 'acquire_errors', 'Waits for a connection that failed otherwise', ({ errors }) => errors),
    counter('pool', 'connections_opened', 'Connections that an application opened', ({ opened }) => opened),
    counter(
      'pool',
      'connection_open_errors',
      'Connections that an application could not open',
      ({ openErrors }) => openErrors,
    ),
    counter('pool', 'connections_closed', 'Connections that an application closed or lost', ({ closed }) => closed),
  ];
}

function histogramOf({ latency, totalUs }: { latency: LatencyCounts; totalUs: number }) {
  const buckets = boundsUs.map((bound) => {
    const first = bucketOf(bound / 1000);
    const below = latency.reduce((sum, [bucket, count]) => sum + (bucket < first ? count : 0), 0);
    return [bound / 1e6, below] as const;
  });
  return { buckets, sum: totalUs / 1e6, count: latency.reduce((sum, [, count]) => sum + count, 0) };
}
