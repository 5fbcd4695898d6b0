import type { DatabaseConnection, ServerProfile, Skipped } from '../../../engine/postgres/index.ts';
import type { BaselineEntry, Batch, MetricSample } from '../../store/index.ts';
import type { MetricName } from '../metrics.ts';
import type { CollectorName } from '../types.ts';

/** What a collector reads from. */
export interface Scrape {
  connection: DatabaseConnection;
  profile: ServerProfile;
  /** When it began, in milliseconds since 1970. */
  at: number;
}

/** Metrics that were read together and cover the same time. */
export interface MetricGroup {
  /** Replaces what the same source said before. */
  source: string;
  samples: MetricSample[];
  /** Seconds that its counters cover; 0 when this was the first look. */
  seconds: number;
}

/** What one run of a collector found: the parts of a `Batch`, and what could not be read. */
export interface Found extends Pick<
  Batch,
  'seconds' | 'statements' | 'texts' | 'tables' | 'indexes' | 'dropped' | 'baseline'
> {
  groups: MetricGroup[];
  skipped: Skipped[];
}

/** A collector that turns counters into increases. Its `collect` either succeeds whole or changes nothing. */
export interface CountingCollector {
  /** Takes the baseline that the store has. */
  load(stored: ReadonlyMap<string, BaselineEntry>): void;
  collect(scrape: Scrape): Promise<Found>;
}

/** A sample of a metric that metrics.ts knows. */
export function gauge(name: MetricName, value: number, labels?: Record<string, string>): MetricSample {
  return { name, kind: 'gauge', value, ...(labels ? { labels } : {}) };
}

/** The increase of a metric that metrics.ts knows. */
export function counter(name: MetricName, value: number, labels?: Record<string, string>): MetricSample {
  return { name, kind: 'counter', value, ...(labels ? { labels } : {}) };
}

/** Adds how long the counters cover, so that history can tell "nothing happened" from "nobody looked". */
export function covered(collector: CollectorName, seconds: number, samples: MetricSample[]): MetricSample[] {
  return seconds > 0 ? [...samples, counter('pitcrew.covered_seconds', seconds, { collector })] : samples;
}
