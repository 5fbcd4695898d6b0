import { useMemo } from 'preact/hooks';
import type { Dashboard } from '../../../src/server/api/performance.ts';
import { Card } from '../components/card.tsx';
import { Chart } from '../components/chart.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable } from '../components/table.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { count, textOf, type Format } from '../format/quantity.ts';
import { NoStatements } from '../queries/no-statements.tsx';
import { statementColumns } from '../queries/statement-columns.tsx';
import { FigureTiles } from './figures.tsx';
import { HealthCard } from './health-card.tsx';
import { waitSeries } from './wait-classes.ts';

/** The opening page: what is wrong, what the sessions do against the CPUs there are, headline figures, the costliest statements. */
export function Overview() {
  const { query, range } = useUrl();
  const dashboard = useResource<Dashboard>(
    rangeUrl('/performance/dashboard', query, range),
    refreshOver(range, ['activity', 'statements', 'instance', 'status']),
  );
  return (
    <>
      <PageHeader title="Overview" of={dashboard}>
        <RangePicker shown={dashboard.data} />
      </PageHeader>
      <Awaited of={dashboard} lines={12}>
        {(answer) => (
          <>
            <HealthCard health={answer.health} verdicts={answer.verdicts} />
            <ActiveSessions activity={answer.activity} readable={hasHistory(answer)} />
            <FigureTiles figures={answer.figures} />
            <TopStatements statements={answer.statements} readable={hasHistory(answer)} />
          </>
        )}
      </Awaited>
    </>
  );
}

/** Without its store the daemon shows live figures only; the notice above every page says why. */
const hasHistory = ({ notices }: Dashboard) => !notices.some(({ code }) => code === 'E_STORE_UNAVAILABLE');

/** Means of sessions: tenths say enough, but for the ticks of an axis. */
const sessions: Format = (value, write) => (write ? count(value, write) : count(Math.round(value * 10) / 10));

function ActiveSessions({ activity, readable }: { activity: Dashboard['activity']; readable: boolean }) {
  const series = useMemo(() => waitSeries(activity.waits.classes), [activity.waits]);
  const { cpus, active } = activity;
  const reference = useMemo(
    () => (cpus === null ? undefined : { value: cpus, label: cpus === 1 ? '1 CPU' : `${cpus} CPUs` }),
    [cpus],
  );
  return (
    <Card
      class="chart-tall"
      title="Active sessions"
      note={
        <>
          {active === null ? 'Not known now' : `${textOf(count(active))} active now`}
          {cpus === null && ' · number of CPUs not known (set monitor.cpus)'}
        </>
      }
    >
      <Chart
        title="Active sessions by what they wait for"
        kind="stacked"
        at={activity.waits.at}
        series={series}
        format={sessions}
        reference={reference}
        empty={readable ? 'No session was seen at work in this range.' : 'History cannot be read now.'}
      />
    </Card>
  );
}

function TopStatements({ statements, readable }: { statements: Dashboard['statements']; readable: boolean }) {
  const { to } = useUrl();
  const columns = statementColumns(to, statements).filter(({ id }) =>
    ['statement', 'totalMs', 'meanMs', 'p95', 'calls', 'spark'].includes(id),
  );
  return (
    <Card title="Top statements by total time" note={<a href={to('/queries')}>All queries</a>} flush>
      {!readable ? (
        <Empty title="History cannot be read now">Statements appear again once the store is back.</Empty>
      ) : statements.length === 0 ? (
        <NoStatements />
      ) : (
        <DataTable label="Top statements" columns={columns} rows={statements} rowKey={({ id }) => id} />
      )}
    </Card>
  );
}
