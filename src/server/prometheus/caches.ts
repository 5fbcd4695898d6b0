import { type CacheNow, type CacheTotal, tiersOf } from '../../ops/store/index.ts';
import type { MetricFamily } from './exposition.ts';

interface Told {
  target: string;
  caches: readonly CacheNow[];
  cacheTotals: readonly CacheTotal[];
}

/** Caches of applications: what they have counted since they were first seen, and how they stand. Groups of keys would be too many. */
export function cacheFamilies(told: readonly Told[]): MetricFamily[] {
  const rows = told.flatMap(({ target, cacheTotals }) => cacheTotals.map((total) => ({ target, total })));
  const live = told.flatMap(({ target, caches }) => caches.map((cache) => ({ target, cache })));
  const counter = (
    name: string,
    help: string,
    kind: CacheTotal['kind'],
    value: (total: CacheTotal) => number,
    label?: 'tier' | 'cause' | 'reason',
  ): MetricFamily => ({
    name: `pitcrew_cache_${name}`,
    help,
    type: 'counter',
    series: rows
      .filter(({ total }) => total.kind === kind)
      .map(({ target, total }) => ({
        labels: {
          target,
          application: total.application,
          cache: total.cache,
          ...(label === undefined ? {} : { [label]: total.name }),
        },
        value: value(total),
      })),
  });
  const labelsOf = ({ target, cache }: (typeof live)[number]) => ({
    target,
    application: cache.application,
    cache: cache.name,
  });
  const gauge = (
    name: string,
    help: string,
    series: (cache: CacheNow) => { labels?: Record<string, string>; value: number | null }[],
  ): MetricFamily => ({
    name: `pitcrew_cache_${name}`,
    help,
    type: 'gauge',
    series: live.flatMap((row) =>
      series(row.cache).flatMap(({ labels = {}, value }) =>
        value === null ? [] : [{ labels: { ...labelsOf(row), ...labels }, value }],
      ),
    ),
  });
  const ofTiers = (value: (tier: ReturnType<typeof tiersOf>[number]) => number | null) => (cache: CacheNow) =>
    tiersOf(cache.instances).map((tier) => ({ labels: { tier: tier.name }, value: value(tier) }));
  return [
    counter('hits', 'Answers that a tier gave', 'tier', ({ hits }) => hits, 'tier'),
    counter('stale_hits', 'Answers that had gone stale', 'whole', ({ staleHits }) => staleHits),
    counter('misses', 'Times that nothing was there', 'whole', ({ misses }) => misses),
    counter('loads', 'Loads', 'whole', ({ loads }) => loads),
    counter('load_errors', 'Loads that failed', 'whole', ({ loadErrors }) => loadErrors),
    counter('load_seconds', 'Time of loads', 'whole', ({ loadUs }) => loadUs / 1e6),
    counter('evictions', 'Entries that made room for others', 'tier', ({ evictions }) => evictions, 'tier'),
    counter('unreadable', 'Entries that could not be read', 'tier', ({ unreadable }) => unreadable, 'tier'),
    counter('invalidations', 'Invalidations by cause', 'invalidation', ({ count }) => count, 'cause'),
    counter('refused', 'Fills that were not kept, by reason', 'refused', ({ count }) => count, 'reason'),
    counter('bypasses', 'Statements that went past the cache, by reason', 'bypass', ({ count }) => count, 'reason'),
    gauge('processes', 'Processes that report a cache', ({ instances }) => [{ value: instances.length }]),
    gauge(
      'entries',
      'Entries of a tier',
      ofTiers(({ entries }) => entries),
    ),
    gauge(
      'bytes',
      'Bytes of a tier',
      ofTiers(({ bytes }) => bytes),
    ),
    gauge(
      'tier_away',
      'Processes that cannot reach a tier',
      ofTiers(({ away }) => away),
    ),
    gauge('stream_lag_seconds', 'How far the change stream is behind, where it is furthest', ({ instances }) => {
      const lags = instances.flatMap(({ stream }) => stream?.lagMs ?? []);
      return [{ value: lags.length === 0 ? null : Math.max(...lags) / 1000 }];
    }),
  ];
}
