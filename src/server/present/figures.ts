import type { HealthCheck, LatestMetric } from '../../ops/monitor/index.ts';
import type { MetricName } from '../../ops/monitor/index.ts';
import type { Series, SeriesAnswer } from '../../ops/store/index.ts';
import type { Dashboard } from '../api/performance.ts';
import { ratio } from './values.ts';

type Figure = Dashboard['figures'][number];

/** Value of a metric at one moment, its series summed up or the largest taken; `null` when it is not known. */
type Read = (name: MetricName, how?: 'sum' | 'max') => number | null;

interface FigureDefinition {
  id: string;
  title: string;
  unit: Figure['unit'];
  /** Metrics that `value` reads. */
  metrics: MetricName[];
  value(read: Read): number | null;
  limit?(read: Read): number | null;
  /** The health check that judges it. */
  check: string | null;
}

const share = (part: number | null, whole: number | null): number | null =>
  part === null || whole === null ? null : ratio(part, whole);

const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

const figureDefinitions: readonly FigureDefinition[] = [
  {
    id: 'statements',
    title: 'Statements',
    unit: 'per second',
    metrics: ['statements.calls'],
    value: (read) => read('statements.calls'),
    check: 'statement-statistics',
  },
  {
    id: 'mean-time',
    title: 'Mean statement time',
    unit: 'ms',
    metrics: ['statements.exec_seconds', 'statements.calls'],
    value(read) {
      const seconds = share(read('statements.exec_seconds'), read('statements.calls'));
      return seconds === null ? null : seconds * 1000;
    },
    check: 'mean-statement-time',
  },
  {
    id: 'slow-share',
    title: 'Slow statements',
    unit: 'ratio',
    metrics: ['statements.slow_calls', 'statements.calls'],
    value: (read) => share(read('statements.slow_calls'), read('statements.calls')),
    check: 'slow-statements',
  },
  {
    id: 'transactions',
    title: 'Transactions',
    unit: 'per second',
    metrics: ['database.commits', 'database.rollbacks'],
    value: (read) => plus(read('database.commits'), read('database.rollbacks')),
    check: null,
  },
  {
    id: 'rollback-share',
    title: 'Rolled back',
    unit: 'ratio',
    metrics: ['database.commits', 'database.rollbacks'],
    value: (read) => share(read('database.rollbacks'), plus(read('database.commits'), read('database.rollbacks'))),
    check: 'rollbacks',
  },
  {
    id: 'connections',
    title: 'Connections',
    unit: 'count',
    metrics: ['sessions.total', 'sessions.max_connections'],
    value: (read) => read('sessions.total'),
    limit: (read) => read('sessions.max_connections', 'max'),
    check: 'connections',
  },
  {
    id: 'buffer-hits',
    title: 'Buffer hit ratio',
    unit: 'ratio',
    metrics: ['database.blocks_hit', 'database.blocks_read'],
    value: (read) =>
      share(read('database.blocks_hit'), plus(read('database.blocks_hit'), read('database.blocks_read'))),
    check: 'cache-hits',
  },
  {
    id: 'database-size',
    title: 'Database size',
    unit: 'bytes',
    metrics: ['database.size_bytes'],
    value: (read) => read('database.size_bytes'),
    check: 'disk',
  },
  {
    id: 'wal',
    title: 'WAL written',
    unit: 'bytes per second',
    metrics: ['wal.bytes'],
    value: (read) => read('wal.bytes'),
    check: 'checkpoints',
  },
  {
    id: 'temp-files',
    title: 'Temporary files',
    unit: 'bytes per second',
    metrics: ['database.temp_bytes'],
    value: (read) => read('database.temp_bytes'),
    check: 'temporary-files',
  },
  {
    id: 'replication-lag',
    title: 'Replication lag',
    unit: 'seconds',
    metrics: ['replication.replay_lag_seconds', 'replication.own_lag_seconds'],
    value: (read) => read('replication.own_lag_seconds', 'max') ?? read('replication.replay_lag_seconds', 'max'),
    check: 'replication-lag',
  },
  {
    id: 'own-cost',
    title: "Pitcrew's own cost",
    // Seconds of execution per second: a share of one CPU.
    unit: 'ratio',
    metrics: ['pitcrew.own_backend_seconds'],
    value: (read) => read('pitcrew.own_backend_seconds'),
    check: null,
  },
];

/** Metrics whose history the dashboard's figures need. */
export const figureMetrics: MetricName[] = [...new Set(figureDefinitions.flatMap(({ metrics }) => metrics))];

/**
 * The headline figures: the value now from the monitor, the course from history (empty without it). `database` is the
 * one that is watched on its server.
 */
export function figures(
  latest: ReadonlyMap<string, LatestMetric>,
  history: SeriesAnswer | undefined,
  checks: readonly HealthCheck[],
  database: string | undefined,
): Figure[] {
  // Sizes are collected of every database of the server; the figure is the watched one's.
  const ours = ({ labels }: { labels: Readonly<Record<string, string>> }) =>
    database === undefined || (labels.database ?? database) === database;
  const now = readLatest([...latest.values()].filter(ours));
  const course = readHistory((history?.series ?? []).filter(ours));
  return figureDefinitions.map(({ id, title, unit, value, limit, check }) => ({
    id,
    title,
    unit,
    value: value(now),
    ...(limit === undefined ? {} : { limit: limit(now) }),
    spark: course.map(({ at, read }) => [at, value(read)] satisfies [number, number | null]),
    status: statusOf(check, value(now), checks),
  }));
}

/** A figure that no check judges, or that none needs to judge here, is fine when it is known. */
function statusOf(check: string | null, value: number | null, checks: readonly HealthCheck[]): Figure['status'] {
  const judged = checks.find(({ id, weight }) => id === check && weight > 0);
  if (judged !== undefined) return judged.status;
  return value === null ? 'unknown' : 'ok';
}

function readLatest(latest: readonly LatestMetric[]): Read {
  const byName = Map.groupBy(latest, ({ name }) => name);
  return (name, how = 'sum') =>
    combine(
      (byName.get(name) ?? []).map(({ value }) => value),
      how,
    );
}

function readHistory(series: readonly Series[]): { at: number; read: Read }[] {
  const values = new Map<number, Map<string, number[]>>();
  for (const { name, points } of series) {
    for (const { at, value } of points) {
      const byName = values.get(at) ?? new Map<string, number[]>();
      values.set(at, byName);
      if (value !== null) byName.set(name, [...(byName.get(name) ?? []), value]);
    }
  }
  return [...values]
    .toSorted(([a], [b]) => a - b)
    .map(([at, byName]) => ({ at, read: (name, how = 'sum') => combine(byName.get(name) ?? [], how) }));
}

function combine(values: readonly number[], how: 'sum' | 'max'): number | null {
  if (values.length === 0) return null;
  return how === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
}
