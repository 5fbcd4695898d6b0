import { useMemo } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { QueryDetail } from '../../../src/server/api/queries.ts';
import { adviceMarks } from '../advice/advice-marks.ts';
import type { ChartSeries } from '../components/chart-data.ts';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { Tile } from '../components/tile.tsx';
import { line, type Trend, Trends } from '../components/trends.tsx';
import { Time } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { byteRate, bytes, count, exact, milliseconds, percent, rate, textOf } from '../format/quantity.ts';
import { ApplicationTiles, timeTrend } from './application-figures.tsx';
import { CalledFrom } from './called-from.tsx';
import { KeptPlans } from './kept-plans.tsx';
import { planMarks } from './plan-marks.ts';
import { Plan } from './plan.tsx';
import { StatementText } from './statement-text.tsx';

/** One statement: its text, its figures, how they went over the range, and its plan on demand. */
export function QueryPage() {
  const { params } = useRoute();
  const { query, range, to } = useUrl();
  const id = params['id'] ?? '';
  const detail = useResource<QueryDetail>(
    rangeUrl(`/queries/${encodeURIComponent(id)}`, query, range),
    refreshOver(range, ['statements']),
  );
  return (
    <>
      <PageHeader title={`Statement ${id}`} crumbs={<a href={to('/queries')}>Queries</a>} of={detail}>
        <RangePicker shown={detail.data} />
      </PageHeader>
      <Awaited of={detail} lines={12}>
        {(answer) => (
          <>
            <About answer={answer} />
            <div class="grid grid-pair">
              <StatementText text={answer.statement.text} />
              <Plan key={answer.statement.id} id={answer.statement.id} />
            </div>
            <KeptPlans id={answer.statement.id} answer={answer} />
            <CalledFrom callers={answer} reported={answer.applications.length > 0} />
            <Figures answer={answer} />
            {answer.statement.application && <ApplicationTiles figures={answer.statement.application} />}
            <Courses answer={answer} />
          </>
        )}
      </Awaited>
    </>
  );
}

function About({ answer: { statement, firstSeen, lastSeen, slowerSince } }: { answer: QueryDetail }) {
  return (
    <p class="about">
      {statement.slow && <StatusBadge tone="warning">Slow</StatusBadge>}
      {slowerSince !== null && (
        <StatusBadge tone="warning">
          Slower since its plan changed at <Time at={slowerSince} />
        </StatusBadge>
      )}
      {statement.own && <StatusBadge tone="info">Pitcrew’s own</StatusBadge>}
      <span>
        {statement.user}@{statement.database}
      </span>
      <span>
        first seen <Time at={firstSeen} />
      </span>
      <span>
        last seen <Time at={lastSeen} />
      </span>
      <span>
        queryid <span class="mono small">{statement.queryId}</span>
      </span>
    </p>
  );
}

const blockBytes = 8192;

function Figures({ answer: { statement, totals } }: { answer: QueryDetail }) {
  const perCall = statement.calls > 0 ? statement.rows / statement.calls : null;
  return (
    <ul class="grid grid-tiles" aria-label="Figures of the range">
      <Tile title="Share of all time" value={percent(statement.share)} />
      <Tile title="Total time" value={milliseconds(statement.totalMs)} />
      <Tile
        title="Calls"
        value={count(statement.calls)}
        hint={`${exact(statement.calls)} calls, ${textOf(rate(statement.callsPerSecond))}`}
      />
      <Tile title="Mean" value={milliseconds(statement.meanMs)} />
      <Tile
        title="Deviation"
        value={milliseconds(statement.deviationMs)}
        hint="Standard deviation of the execution time"
      />
      <Tile title="Rows per call" value={count(perCall)} hint={`${exact(statement.rows)} rows`} />
      <Tile title="Buffer hits" value={percent(statement.hitRatio)} />
      <Tile title="Read" value={bytes(statement.sharedRead * blockBytes)} hint="From outside shared buffers" />
      <Tile title="Temporary files" value={bytes(totals.tempWritten * blockBytes)} />
      <Tile
        title="WAL"
        value={bytes(totals.walBytes)}
        hint={`${exact(totals.walRecords)} records, ${exact(totals.walFullPageImages)} full pages`}
      />
      <Tile
        title="I/O time"
        value={milliseconds(totals.blockReadMs + totals.blockWriteMs)}
        hint="Known with track_io_timing"
      />
      <Tile
        title="Planning"
        value={totals.plans > 0 ? milliseconds(totals.planMs) : { value: '–', unit: '' }}
        hint="Known with pg_stat_statements.track_planning"
      />
    </ul>
  );
}

const inBytes = (blocks: ChartSeries['values']) => blocks.map((value) => value && value * blockBytes);

function timeOf({ meanMs, p50Ms, p95Ms, p99Ms, waitMs }: QueryDetail['series']): Trend {
  if (p50Ms && p95Ms && p99Ms && waitMs) return timeTrend({ p50Ms, p95Ms, p99Ms, waitMs }, meanMs);
  return {
    title: 'Time per call',
    format: milliseconds,
    series: [line('mean', meanMs, '--series-2')],
    note: 'Percentiles are known where an application reports',
  };
}

function trendsOf({ series }: QueryDetail): Trend[] {
  return [
    { title: 'Calls', format: rate, series: [line('calls', series.callsPerSecond, '--series-1')] },
    timeOf(series),
    { title: 'Rows per call', format: count, series: [line('rows', series.rowsPerCall, '--series-4')] },
    {
      title: 'Buffers',
      format: byteRate,
      series: [
        line('hit', inBytes(series.sharedHitPerSecond), '--series-3'),
        line('read', inBytes(series.sharedReadPerSecond), '--series-2'),
      ],
    },
    {
      title: 'Temporary files',
      format: byteRate,
      series: [line('written and read', series.tempBytesPerSecond, '--series-5')],
    },
    { title: 'WAL', format: byteRate, series: [line('written', series.walBytesPerSecond, '--series-6')] },
  ];
}

function Courses({ answer }: { answer: QueryDetail }) {
  const { to } = useUrl();
  const trends = useMemo(() => trendsOf(answer), [answer]);
  const marks = useMemo(() => [...planMarks(answer.planChanges), ...adviceMarks(answer.appliedAdvice, to)], [answer]);
  return <Trends at={answer.series.at} trends={trends} marks={marks} empty="It was not called in this range." />;
}
