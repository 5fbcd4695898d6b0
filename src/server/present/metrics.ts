import { type MetricDefinition, type MetricName, metricDefinitions } from '../../ops/monitor/index.ts';
import type { Series, SeriesAnswer } from '../../ops/store/index.ts';
import type { Metrics } from '../api/performance.ts';
import { isoRange } from './values.ts';

/** Every metric's name. */
export const metricNames = Object.keys(metricDefinitions) as MetricName[];

/** What is known of a metric by its name; `undefined` for a name that this version does not know. */
function definitionOf(name: string): MetricDefinition | undefined {
  return Object.hasOwn(metricDefinitions, name) ? metricDefinitions[name as MetricName] : undefined;
}

/** Series over one time axis: a series that has no point where another has one is `null` there. */
export function alignedSeries(database: string, answer: SeriesAnswer): Metrics {
  const at = timeAxis(answer.series);
  return {
    database,
    ...isoRange(answer),
    step: answer.step,
    at,
    series: answer.series.map((series) => presentSeries(series, at)),
  };
}

/** Every moment at which one of the series has a point. */
export function timeAxis(series: readonly Series[]): number[] {
  return [...new Set(series.flatMap(({ points }) => points.map((point) => point.at)))].toSorted((a, b) => a - b);
}

/** Values of a series along an axis. */
export function along<Key extends 'value' | 'min' | 'max'>(
  series: Series,
  at: readonly number[],
  key: Key,
): (number | null)[] {
  const byTime = new Map(series.points.map((point) => [point.at, point[key]]));
  return at.map((time) => byTime.get(time) ?? null);
}

function presentSeries(series: Series, at: readonly number[]): Metrics['series'][number] {
  const definition = definitionOf(series.name);
  return {
    name: series.name,
    labels: series.labels,
    kind: series.kind,
    unit: definition?.unit ?? 'count',
    help: definition?.help ?? '',
    values: along(series, at, 'value'),
    ...(series.kind === 'gauge' ? { min: along(series, at, 'min'), max: along(series, at, 'max') } : {}),
  };
}
