import { useMemo } from 'preact/hooks';
import type { ApplicationDetail } from '../../../src/server/api/applications.ts';
import { Awaited } from '../components/states.tsx';
import { line, type Trend, Trends } from '../components/trends.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { rate } from '../format/quantity.ts';
import { timeTrend } from '../queries/application-figures.tsx';
import { AcquireTiles, acquireTrends, Pools, poolTrends } from './pools.tsx';
import { Requests } from './requests.tsx';
import { Timers } from './timers.tsx';

/** One application over the range: its requests, its calls, and its pools. */
export function ApplicationCourse({ name }: { name: string }) {
  const { query, range } = useUrl();
  const detail = useResource<ApplicationDetail>(
    rangeUrl(`/applications/${encodeURIComponent(name)}`, query, range),
    refreshOver(range, ['statements']),
  );
  return (
    <Awaited of={detail} lines={8}>
      {(answer) => (
        <>
          <Requests scopes={answer.scopes} />
          {answer.timers.length > 0 && <Timers timers={answer.timers} />}
          <Pools pools={answer.application.pools} />
          {answer.acquires && <AcquireTiles acquires={answer.acquires} />}
          <Courses answer={answer} />
        </>
      )}
    </Awaited>
  );
}

function trendsOf({ series, pools, acquires }: ApplicationDetail): Trend[] {
  return [
    {
      title: 'Calls',
      format: rate,
      series: [
        line('calls', series.callsPerSecond, '--series-1'),
        line('errors', series.errorsPerSecond, '--series-5'),
      ],
    },
    timeTrend(series),
    ...acquireTrends(acquires),
    ...poolTrends(pools),
  ];
}

function Courses({ answer }: { answer: ApplicationDetail }) {
  const trends = useMemo(() => trendsOf(answer), [answer]);
  return <Trends at={answer.series.at} trends={trends} empty="Nothing was reported in this range." />;
}
