import type { Cache, CacheStats } from '../../../src/server/api/caches.ts';
import { Card } from '../components/card.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Share } from '../components/share.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge, StatusMark } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { Time, Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, count, exact, milliseconds, rate } from '../format/quantity.ts';
import { CacheCourse } from './cache-course.tsx';
import { ReportCache } from './report-cache.tsx';
import { bytesOf, keyOf, streamTone } from './cache-figures.ts';

/** Caches of applications: how much of what is asked they answer, from where, and what invalidates them. */
export function CachePage() {
  const { query, range } = useUrl();
  const stats = useResource<CacheStats>(
    rangeUrl('/cache/stats', query, range),
    refreshOver(range, ['statements', 'activity']),
  );
  return (
    <>
      <PageHeader title="Cache" of={stats}>
        <RangePicker />
      </PageHeader>
      <Awaited of={stats} lines={12}>
        {(answer) => (answer.caches.length === 0 ? <NoCaches /> : <Caches answer={answer} />)}
      </Awaited>
    </>
  );
}

function NoCaches() {
  return (
    <div class="state">
      <p class="state-title">No application has reported a cache in this range</p>
      <ReportCache />
    </div>
  );
}

function Caches({ answer: { caches, actionsEnabled } }: { answer: CacheStats }) {
  const { query, here } = useUrl();
  const chosen = caches.find((cache) => keyOf(cache) === query['cache']) ?? caches[0];
  return (
    <>
      <Card flush>
        <DataTable
          label="Caches"
          rows={caches}
          rowKey={keyOf}
          columns={columnsOf((cache) => here({ cache: keyOf(cache) }))}
        />
      </Card>
      {caches.length > 1 && (
        <LinkTabs
          label="Which cache is shown"
          name="cache"
          tabs={caches.map((cache) => ({ id: keyOf(cache), title: `${cache.application} / ${cache.name}` }))}
        />
      )}
      {chosen && <CacheCourse key={keyOf(chosen)} cache={chosen} actionsEnabled={actionsEnabled} />}
    </>
  );
}

const columnsOf = (addressOf: (cache: Cache) => string): Column<Cache>[] => [
  {
    id: 'name',
    title: 'Cache',
    wide: true,
    cell: (row) => (
      <a class="clip" href={addressOf(row)} title={row.name}>
        {row.name}
      </a>
    ),
  },
  {
    id: 'application',
    title: 'Application',
    cell: (row) => (
      <span class="clip" title={row.application}>
        {row.application}
      </span>
    ),
  },
  {
    id: 'processes',
    title: 'Processes',
    hint: 'That report it now',
    numeric: true,
    priority: 'medium',
    cell: (row) =>
      row.processes > 0 ? (
        <Value of={count(row.processes)} />
      ) : (
        <StatusBadge tone="unknown" plain>
          <Time at={row.lastSeen} relative />
        </StatusBadge>
      ),
  },
  {
    id: 'requests',
    title: 'Requests/s',
    numeric: true,
    cell: (row) => <Value of={rate(row.requestsPerSecond)} title={`${exact(row.requests)} requests`} />,
  },
  {
    id: 'ratio',
    title: 'Hits',
    hint: 'Of all that was asked, what was answered without loading it',
    numeric: true,
    cell: (row) => (row.hitRatio === null ? '–' : <Share of={row.hitRatio} />),
  },
  {
    id: 'load',
    title: 'Load',
    hint: 'How long it takes to load what is not there, on average',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={milliseconds(row.meanLoadMs)} title={`${exact(row.loads)} loads`} />,
  },
  {
    id: 'bytes',
    title: 'Size',
    hint: 'Of all tiers, as far as they know it',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={bytes(bytesOf(row))} />,
  },
  {
    id: 'trouble',
    title: 'State',
    bare: true,
    cell: (row) => <CacheState cache={row} />,
  },
];

/** Whether its tiers can be reached, and changes of the database are heard of. */
function CacheState({ cache }: { cache: Cache }) {
  const away = cache.tiers.filter((tier) => tier.away > 0);
  const stream = cache.streams.find(({ reason }) => reason !== null) ?? cache.streams[0];
  const tone = stream && streamTone(stream);
  if (away.length > 0) {
    return (
      <StatusBadge tone="warning" plain>
        {away.map(({ name }) => name).join(', ')} away
      </StatusBadge>
    );
  }
  if (tone !== undefined && tone !== 'ok') {
    return (
      <StatusBadge tone={tone} plain>
        {stream?.state}
      </StatusBadge>
    );
  }
  return cache.processes > 0 ? <StatusMark tone="ok" /> : <span class="muted">–</span>;
}
