import type { MetricSample } from '../store/index.ts';
import type { LatestMetric } from './types.ts';

interface Published {
  at: number;
  /** Until when its values may be shown as current. */
  validMs: number;
  metrics: Map<string, LatestMetric>;
}

/** A series as one text: `name{label="value"}`. */
export function seriesName(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels);
  return pairs.length === 0 ? name : `${name}{${pairs.map(([label, value]) => `${label}="${value}"`).join(',')}}`;
}

/**
 * The current value of every metric. Each source (a subject of a collector) replaces what it said before, so that a
 * series that is no longer there is not shown on, and what a source said expires when it falls silent.
 */
export class LatestMetrics {
  readonly #sources = new Map<string, Published>();
  readonly #totals = new Map<string, number>();

  /**
   * @param seconds Length of the interval that counters cover; without one (0) their rate is not known and they are left out.
   * @param validMs For how long the values count as current.
   */
  publish(source: string, samples: readonly MetricSample[], at: number, seconds: number, validMs: number): void {
    const metrics = new Map<string, LatestMetric>();
    for (const { name, labels = {}, kind, value } of samples) {
      const series = seriesName(name, labels);
      const total = kind === 'counter' ? (this.#totals.get(series) ?? 0) + value : value;
      if (kind === 'counter') {
        this.#totals.set(series, total);
        if (seconds <= 0) continue;
      }
      const shown = kind === 'counter' ? value / seconds : value;
      metrics.set(series, { name, labels, kind, value: shown, total, at: new Date(at) });
    }
    this.#sources.set(source, { at, validMs, metrics });
  }

  /** Every value that is still current at `now`. */
  current(now: number): ReadonlyMap<string, LatestMetric> {
    const all = new Map<string, LatestMetric>();
    for (const { at, validMs, metrics } of this.#sources.values()) {
      if (now - at > validMs) continue;
      for (const [series, metric] of metrics) all.set(series, metric);
    }
    return all;
  }

  /** Forgets the values (the server is away or another one); totals go on, as Prometheus expects of counters. */
  clear(): void {
    this.#sources.clear();
  }
}
