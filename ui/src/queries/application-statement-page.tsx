import { useMemo } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { ApplicationStatementDetail } from '../../../src/server/api/applications.ts';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { line, Trends } from '../components/trends.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { rate } from '../format/quantity.ts';
import { ApplicationTiles, timeTrend } from './application-figures.tsx';
import { CalledFrom } from './called-from.tsx';
import { StatementText } from './statement-text.tsx';

/** One statement as applications know it, for those that the server's statistics do not have. */
export function ApplicationStatementPage() {
  const { params } = useRoute();
  const { query, range, to } = useUrl();
  const fingerprint = params['fingerprint'] ?? '';
  const detail = useResource<ApplicationStatementDetail>(
    rangeUrl(`/queries/application/${encodeURIComponent(fingerprint)}`, query, range),
    refreshOver(range, ['statements']),
  );
  return (
    <>
      <PageHeader
        title={`Statement ${fingerprint}`}
        crumbs={<a href={to('/queries', { view: 'applications' })}>Queries of applications</a>}
        of={detail}
      >
        <RangePicker shown={detail.data} />
      </PageHeader>
      <Awaited of={detail} lines={12}>
        {(answer) => (
          <>
            <About statement={answer.statement} />
            <StatementText text={answer.statement.text} />
            <CalledFrom callers={answer} reported />
            <ApplicationTiles figures={answer.statement} />
            <Courses answer={answer} />
          </>
        )}
      </Awaited>
    </>
  );
}

function About({ statement: { kind, applications, statements } }: Pick<ApplicationStatementDetail, 'statement'>) {
  const { to } = useUrl();
  return (
    <p class="about">
      {statements.length === 0 && <StatusBadge tone="info">Not in the server’s statistics</StatusBadge>}
      <span>{kind}</span>
      <span>{applications.join(', ')}</span>
      {statements.map((id) => (
        <a key={id} href={to(`/queries/${id}`)}>
          Statement {id} on the server
        </a>
      ))}
    </p>
  );
}

function Courses({ answer: { series } }: { answer: ApplicationStatementDetail }) {
  const trends = useMemo(
    () => [
      {
        title: 'Calls',
        format: rate,
        series: [
          line('calls', series.callsPerSecond, '--series-1'),
          line('errors', series.errorsPerSecond, '--series-5'),
        ],
      },
      timeTrend(series),
    ],
    [series],
  );
  return <Trends at={series.at} trends={trends} empty="It was not called in this range." />;
}
