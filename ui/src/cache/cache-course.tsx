import { useMemo, useState } from 'preact/hooks';
import type { Cache, CacheCourse as Course, CacheStats } from '../../../src/server/api/caches.ts';
import { hasValues } from '../components/chart-data.ts';
import { Awaited } from '../components/states.tsx';
import { Tile } from '../components/tile.tsx';
import { line, type Trend, Trends } from '../components/trends.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, count, exact, milliseconds, percent, rate } from '../format/quantity.ts';
import { CacheActions } from './cache-actions.tsx';
import { type AskedAction, CacheDialog } from './cache-dialog.tsx';
import { colorAt, ratioTone } from './cache-figures.ts';
import { Causes } from './causes.tsx';
import { Groups } from './groups.tsx';
import { Streams } from './streams.tsx';
import { Tiers } from './tiers.tsx';

/** One cache over the range: its figures, its tiers, what it is asked for, what invalidates it. */
export function CacheCourse({ cache, actionsEnabled }: { cache: Cache; actionsEnabled: boolean }) {
  const { query, range } = useUrl();
  const [asked, setAsked] = useState<AskedAction | undefined>(undefined);
  const stats = useResource<CacheStats>(
    rangeUrl('/cache/stats', query, range, { application: cache.application, cache: cache.name }),
    refreshOver(range, ['statements']),
  );
  return (
    <>
      <CacheActions cache={cache} enabled={actionsEnabled} act={setAsked} />
      <Figures cache={cache} />
      <Tiers cache={cache} />
      {cache.streams.length > 0 && <Streams streams={cache.streams} />}
      <Awaited of={stats} lines={8}>
        {({ course }) => (course === null ? null : <Courses course={course} />)}
      </Awaited>
      <Groups groups={cache.groups} />
      <Causes cache={cache} />
      {asked && <CacheDialog cache={cache} action={asked} onClose={() => setAsked(undefined)} onDone={stats.refresh} />}
    </>
  );
}

function Figures({ cache }: { cache: Cache }) {
  const { hitRatio, requests, requestsPerSecond, misses, staleHits, loads, loadErrors, meanLoadMs, evictions } = cache;
  const tone = ratioTone(cache);
  const notKept = cache.refused.reduce((sum, { count: times }) => sum + times, 0);
  return (
    <ul class="grid grid-tiles grid-tiles-eight" aria-label="Figures of the cache">
      <Tile
        title="Hits"
        value={percent(hitRatio)}
        hint="Of all that was asked, what was answered without loading it"
        {...(tone === 'warning' || tone === 'critical' ? { status: tone } : {})}
      />
      <Tile title="Requests" value={rate(requestsPerSecond)} hint={`${exact(requests)} requests`} />
      <Tile title="Misses" value={count(misses)} hint={`${exact(misses)} times nothing was there`} />
      <Tile title="Stale answers" value={count(staleHits)} hint="While a load took too long, or because it failed" />
      <Tile title="Load time" value={milliseconds(meanLoadMs)} hint={`On average, of ${exact(loads)} loads`} />
      <Tile
        title="Failed loads"
        value={count(loadErrors)}
        hint={`${exact(loadErrors)} of ${exact(loads)} loads failed`}
        {...(loadErrors > 0 ? { status: 'warning' as const } : {})}
      />
      <Tile title="Evicted" value={count(evictions)} hint={`${exact(evictions)} entries made room for others`} />
      <Tile
        title="Not kept"
        value={count(notKept)}
        hint={`${exact(notKept)} values were not kept, most often because something was invalidated while they were loaded`}
      />
    </ul>
  );
}

function Courses({ course }: { course: Course }) {
  const trends = useMemo(() => trendsOf(course), [course]);
  return (
    <Trends
      at={course.at}
      trends={trends.filter(({ series, always }) => always || hasValues(series))}
      empty="Nothing was asked in this range."
    />
  );
}

type CacheTrend = Trend & { always?: boolean };

function trendsOf(course: Course): CacheTrend[] {
  const { tiers } = course;
  const ofTiers = (figure: 'share' | 'bytes' | 'entries' | 'evictionsPerSecond' | 'meanMs') =>
    tiers.map((tier, index) => line(tier.name, tier[figure], colorAt(index)));
  const causes = (list: Course['invalidations']) =>
    list.map(({ name, perSecond }, index) => line(name, perSecond, `--series-${1 + (index % 6)}`));
  return [
    {
      title: 'Hit ratio by tier',
      format: percent,
      // A tier alone is all there is.
      series: [line('all tiers', course.hitRatio, '--series-1'), ...(tiers.length > 1 ? ofTiers('share') : [])],
      note: 'Of all that was asked',
      always: true,
    },
    {
      title: 'Requests',
      format: rate,
      series: [
        line('requests', course.requestsPerSecond, '--series-1'),
        line('misses', course.missesPerSecond, '--series-5'),
        line('stale', course.staleHitsPerSecond, '--series-2'),
      ],
      always: true,
    },
    { title: 'Size', format: bytes, series: ofTiers('bytes'), note: 'Memory of all processes together' },
    { title: 'Entries', format: count, series: ofTiers('entries') },
    { title: 'Evictions', format: rate, series: ofTiers('evictionsPerSecond') },
    { title: 'Lookup', format: milliseconds, series: ofTiers('meanMs'), note: 'Memory answers at once' },
    {
      title: 'Load time',
      format: milliseconds,
      series: [line('mean', course.meanLoadMs, '--series-1')],
    },
    { title: 'Invalidations by cause', format: rate, series: causes(course.invalidations) },
    { title: 'Not kept, by reason', format: rate, series: causes(course.refused) },
    { title: 'Past the cache, by reason', format: rate, series: causes(course.bypasses) },
    {
      title: 'Lag of the change stream',
      format: milliseconds,
      series: [line('lag', course.lagMs, '--series-1')],
      note: 'Where it is furthest behind',
    },
  ];
}
