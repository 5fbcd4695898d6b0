import { expect, test } from 'vitest';
import { parsePrometheusText } from '../../../test/support/prometheus-text.ts';
import { metricDefinitions } from '../../ops/monitor/index.ts';
import { formatOf, type HistogramFamily, type MetricFamily, renderFamilies } from './exposition.ts';
import { prometheusName } from './instance.ts';

const families: MetricFamily[] = [
  {
    name: 'x_bytes',
    help: 'Say "x" \\ and\nmore',
    type: 'counter',
    series: [{ labels: { q: 'a"b\\c\nd' }, value: 1.5 }],
  },
  {
    name: 'y',
    help: 'Y',
    type: 'gauge',
    series: [
      { labels: {}, value: Number.POSITIVE_INFINITY },
      { labels: { a: '1', b: '2' }, value: Number.NaN },
    ],
  },
  { name: 'z', help: 'Nothing to show', type: 'gauge', series: [] },
];

test('text format', () => {
  expect(renderFamilies(families, 'text')).toBe(
    '# HELP x_bytes_total Say "x" \\\\ and\\nmore\n# TYPE x_bytes_total counter\nx_bytes_total{q="a\\"b\\\\c\\nd"} 1.5\n' +
      '# HELP y Y\n# TYPE y gauge\ny +Inf\ny{a="1",b="2"} NaN\n',
  );
});

test('what is written can be read back, escapes and all', () => {
  expect(parsePrometheusText(renderFamilies(families, 'text'))).toEqual([
    { name: 'x_bytes_total', labels: { q: 'a"b\\c\nd' }, value: 1.5 },
    { name: 'y', labels: {}, value: Number.POSITIVE_INFINITY },
    { name: 'y', labels: { a: '1', b: '2' }, value: Number.NaN },
  ]);
});

test('histograms have their bounds in order, and one that holds all', () => {
  const family: HistogramFamily = {
    name: 'h_seconds',
    help: 'H',
    type: 'histogram',
    series: [{ labels: { a: '1' }, buckets: [[0.5, 2]], sum: 7.5, count: 3 }],
  };
  const text = renderFamilies([family], 'text');
  expect(text).toBe(
    '# HELP h_seconds H\n# TYPE h_seconds histogram\nh_seconds_bucket{a="1",le="0.5"} 2\n' +
      'h_seconds_bucket{a="1",le="+Inf"} 3\nh_seconds_sum{a="1"} 7.5\nh_seconds_count{a="1"} 3\n',
  );
  expect(parsePrometheusText(text)).toHaveLength(4);
});

test('OpenMetrics names the family without _total and ends with EOF', () => {
  const text = renderFamilies(families, 'openmetrics');
  expect(text).toContain('# TYPE x_bytes counter\nx_bytes_total{');
  expect(text).toMatch(/# EOF\n$/);
  expect(formatOf('application/openmetrics-text; version=1.0.0,text/plain;q=0.5')).toBe('openmetrics');
  expect(formatOf('text/plain')).toBe('text');
});

test('names of all metrics are valid, unique and in base units', () => {
  const names = Object.keys(metricDefinitions).map(prometheusName);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^pitcrew_[a-z][a-z0-9_]*$/);
  for (const [name, { unit }] of Object.entries(metricDefinitions)) {
    if (unit === 'seconds' || unit === 'bytes') expect(prometheusName(name)).toMatch(new RegExp(`_${unit}$`));
  }
});
