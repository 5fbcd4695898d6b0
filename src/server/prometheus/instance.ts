import { type MetricDefinition, metricDefinitions } from '../../ops/monitor/index.ts';
import type { ConnectionState, DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { MetricFamily } from './exposition.ts';

const connectionStates: ConnectionState[] = [
  'connecting',
  'watching',
  'unreachable',
  'refused',
  'unsupported',
  'standby-daemon',
];

/**
 * Name of a metric for Prometheus, without `_total`: `database.temp_bytes` → `pitcrew_database_temp_bytes`. These names
 * are part of the interface and stay.
 */
export function prometheusName(name: string): string {
  return `pitcrew_${name.replace(/^pitcrew\./, '').replaceAll('.', '_')}`;
}

/**
 * Every collected metric of the databases. The label `target` is the watched database's name in the settings; labels of
 * the metric's own keep their names.
 */
export function instanceFamilies(monitors: readonly DatabaseMonitor[]): MetricFamily[] {
  const latest = monitors.flatMap((monitor) =>
    [...monitor.latest().values()].map((metric) => ({ target: monitor.name, metric })),
  );
  const byName = Map.groupBy(latest, ({ metric }) => metric.name);
  return Object.entries(metricDefinitions as Record<string, MetricDefinition>).map(([name, { kind, help }]) => ({
    name: prometheusName(name),
    help,
    type: kind,
    series: (byName.get(name) ?? []).map(({ target, metric }) => ({
      labels: { target, ...metric.labels },
      value: kind === 'counter' ? metric.total : metric.value,
    })),
  }));
}

/** How the watching itself goes: connection, collectors, health. */
export function watchFamilies(monitors: readonly DatabaseMonitor[]): MetricFamily[] {
  const statuses = monitors.map((monitor) => ({ target: monitor.name, monitor, status: monitor.status() }));
  const collectors = statuses.flatMap(({ target, status }) =>
    status.collectors.map((collector) => ({ labels: { target, collector: collector.name }, collector })),
  );
  const checks = statuses.flatMap(({ target, monitor }) =>
    monitor.health().checks.map(({ id, pointsLost }) => ({ labels: { target, check: id }, value: pointsLost })),
  );
  return [
    {
      name: 'pitcrew_up',
      help: 'Whether the database is being watched',
      type: 'gauge',
      series: statuses.map(({ target, status }) => ({
        labels: { target },
        value: status.connection === 'watching' ? 1 : 0,
      })),
    },
    {
      name: 'pitcrew_connection_state',
      help: 'State of the connection to the database: 1 for the one it is in',
      type: 'gauge',
      series: statuses.flatMap(({ target, status }) =>
        connectionStates.map((state) => ({ labels: { target, state }, value: status.connection === state ? 1 : 0 })),
      ),
    },
    {
      name: 'pitcrew_health_score',
      help: 'Health score, 0 to 100; absent while too little is known',
      type: 'gauge',
      series: statuses.flatMap(({ target, monitor }) => {
        const { score } = monitor.health();
        return score === null ? [] : [{ labels: { target }, value: score }];
      }),
    },
    {
      name: 'pitcrew_health_points_lost',
      help: 'Points that each health check costs',
      type: 'gauge',
      series: checks,
    },
    {
      name: 'pitcrew_collector_up',
      help: 'Whether the collector last succeeded',
      type: 'gauge',
      series: collectors.map(({ labels, collector }) => ({ labels, value: collector.state === 'ok' ? 1 : 0 })),
    },
    {
      name: 'pitcrew_collector_runs',
      help: 'Runs of a collector',
      type: 'counter',
      series: collectors.map(({ labels, collector }) => ({ labels, value: collector.runs })),
    },
    {
      name: 'pitcrew_collector_failures',
      help: 'Runs of a collector that failed',
      type: 'counter',
      series: collectors.map(({ labels, collector }) => ({ labels, value: collector.failures })),
    },
    {
      name: 'pitcrew_collector_last_success_timestamp_seconds',
      help: 'When the collector last succeeded',
      type: 'gauge',
      series: collectors.flatMap(({ labels, collector }) =>
        collector.lastSuccess === null ? [] : [{ labels, value: collector.lastSuccess.getTime() / 1000 }],
      ),
    },
    {
      name: 'pitcrew_collector_last_duration_seconds',
      help: 'How long the last run of the collector took',
      type: 'gauge',
      series: collectors.flatMap(({ labels, collector }) =>
        collector.lastDurationMs === null ? [] : [{ labels, value: collector.lastDurationMs / 1000 }],
      ),
    },
  ];
}
