import { useMemo } from 'preact/hooks';
import type { ApplicationDetail } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { line, type Trend, Trends } from '../components/trends.tsx';
import { Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { count, percent, rate } from '../format/quantity.ts';
import { timeTrend } from '../queries/application-figures.tsx';
import { StatusBadge } from '../components/status.tsx';

/** One application over the range: its calls, and its pools. */
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
          <Pools pools={answer.application.pools} />
          <Courses answer={answer} />
        </>
      )}
    </Awaited>
  );
}

type Pool = ApplicationDetail['application']['pools'][number];

/** The pools of an application's processes together, by endpoint. */
function Pools({ pools }: { pools: readonly Pool[] }) {
  return (
    <Card title="Pools" note="All processes together, as last reported" flush>
      {pools.length === 0 ? (
        <Empty title="No process reports now">Pools are listed while their process reports.</Empty>
      ) : (
        <DataTable
          label="Pools"
          rows={pools}
          rowKey={({ endpoint, role }) => `${role} ${endpoint}`}
          columns={[
            {
              id: 'endpoint',
              title: 'Endpoint',
              wide: true,
              cell: (row) => <span class="mono clip">{row.endpoint}</span>,
            },
            { id: 'role', title: 'Role', bare: true, cell: (row) => row.role },
            {
              id: 'used',
              title: 'In use',
              hint: 'Connections that are not idle, of those that may be open',
              numeric: true,
              cell: (row) => <Value of={percent(row.max > 0 ? (row.open - row.idle) / row.max : null)} />,
            },
            { id: 'open', title: 'Open', numeric: true, cell: (row) => <Value of={count(row.open)} /> },
            { id: 'idle', title: 'Idle', numeric: true, cell: (row) => <Value of={count(row.idle)} /> },
            {
              id: 'waiting',
              title: 'Waiting',
              hint: 'Callers that wait for a connection',
              numeric: true,
              cell: (row) =>
                row.waiting > 0 ? (
                  <StatusBadge tone="warning" plain>
                    {count(row.waiting).value}
                  </StatusBadge>
                ) : (
                  '0'
                ),
            },
            {
              id: 'lanes',
              title: 'Lanes',
              hint: 'Connections that many callers share',
              numeric: true,
              priority: 'medium',
              cell: (row) => <Value of={count(row.lanes)} />,
            },
            { id: 'max', title: 'Max', numeric: true, cell: (row) => <Value of={count(row.max)} /> },
            {
              id: 'instances',
              title: 'Processes',
              numeric: true,
              priority: 'low',
              cell: (row) => <Value of={count(row.instances)} />,
            },
          ]}
        />
      )}
    </Card>
  );
}

const poolTrend = ({ endpoint, role, ...values }: ApplicationDetail['pools'][number]): Trend => ({
  title: `Pool of ${endpoint}, ${role}`,
  format: count,
  series: [
    line('open', values.open, '--series-1'),
    line('idle', values.idle, '--series-3'),
    line('waiting', values.waiting, '--series-5'),
    line('max', values.max, '--series-4'),
  ],
});

function trendsOf({ series, pools }: ApplicationDetail): Trend[] {
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
    ...pools.map(poolTrend),
  ];
}

function Courses({ answer }: { answer: ApplicationDetail }) {
  const trends = useMemo(() => trendsOf(answer), [answer]);
  return <Trends at={answer.series.at} trends={trends} empty="Nothing was reported in this range." />;
}
