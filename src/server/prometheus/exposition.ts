/**
 * Prometheus' text format. Written here rather than with a client library: all values exist already as plain data, a
 * registry of metric objects would only be filled and emptied at every scrape, and the library's process collectors
 * take 20 MB of memory.
 *
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/, and OpenMetrics 1.0 where asked for.
 */

export interface MetricFamily {
  /** Without `_total`; a counter's series get it. */
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  series: { labels: Labels; value: number }[];
}

type Labels = Readonly<Record<string, string>>;

export interface HistogramFamily {
  name: string;
  help: string;
  type: 'histogram';
  /** `buckets`: upper bounds, ascending, and how many are at or below; without the last, which holds all. */
  series: {
    labels: Labels;
    buckets: readonly (readonly [bound: number, count: number])[];
    sum: number;
    count: number;
  }[];
}

export type Format = 'text' | 'openmetrics';

export const contentTypes: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The format that a scraper asks for in `Accept`. */
export function formatOf(accept: string | undefined): Format {
  return /\bapplication\/openmetrics-text\b/.test(accept ?? '') ? 'openmetrics' : 'text';
}

/** Writes families as text; those without series are left out. */
export function renderFamilies(families: readonly (MetricFamily | HistogramFamily)[], format: Format): string {
  const text = families.filter(({ series }) => series.length > 0).map((family) => renderFamily(family, format));
  return `${text.join('')}${format === 'openmetrics' ? '# EOF\n' : ''}`;
}

function renderFamily(family: MetricFamily | HistogramFamily, format: Format): string {
  return family.type === 'histogram' ? renderHistogram(family, format) : renderValues(family, format);
}

function renderHistogram({ name, help, series }: HistogramFamily, format: Format): string {
  const lines = series.flatMap(({ labels, buckets, sum, count }) => [
    ...[...buckets, [Infinity, count] as const].map(
      ([bound, below]) =>
        `${name}_bucket${renderLabels({ ...labels, le: renderValue(bound) })} ${renderValue(below)}\n`,
    ),
    `${name}_sum${renderLabels(labels)} ${renderValue(sum)}\n`,
    `${name}_count${renderLabels(labels)} ${renderValue(count)}\n`,
  ]);
  return `# HELP ${name} ${escapeHelp(help, format)}\n# TYPE ${name} histogram\n${lines.join('')}`;
}

function renderValues({ name, help, type, series }: MetricFamily, format: Format): string {
  const sample = type === 'counter' ? `${name}_total` : name;
  // OpenMetrics names the family without the suffix, the older format with it.
  const family = format === 'openmetrics' ? name : sample;
  const lines = series.map(({ labels, value }) => `${sample}${renderLabels(labels)} ${renderValue(value)}\n`);
  return `# HELP ${family} ${escapeHelp(help, format)}\n# TYPE ${family} ${type}\n${lines.join('')}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(help: string, format: Format): string {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? text.replaceAll('"', '\\"') : text;
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
