import type { Applications } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { RangePicker } from '../components/range-picker.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { Time, Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { count, exact, milliseconds, rate } from '../format/quantity.ts';
import { ApplicationCourse } from './application-course.tsx';
import { SendReports } from './send-reports.tsx';

type Application = Applications['applications'][number];

/** Applications that report: what they measure of the database, and their pools. */
export function ApplicationsPage() {
  const { query, range } = useUrl();
  const list = useResource<Applications>(
    rangeUrl('/applications', query, range),
    refreshOver(range, ['statements', 'activity']),
  );
  return (
    <>
      <PageHeader title="Applications" of={list}>
        <RangePicker />
      </PageHeader>
      <Awaited of={list} lines={12}>
        {({ applications }) => (applications.length === 0 ? <NoReports /> : <Reporting applications={applications} />)}
      </Awaited>
    </>
  );
}

function NoReports() {
  return (
    <div class="state">
      <p class="state-title">No application has reported in this range</p>
      <SendReports />
    </div>
  );
}

function Reporting({ applications }: { applications: readonly Application[] }) {
  const { query, here } = useUrl();
  const chosen = applications.find(({ name }) => name === query['application']) ?? applications[0];
  return (
    <>
      <Card flush>
        <DataTable
          label="Applications"
          rows={applications}
          rowKey={({ name }) => name}
          columns={[
            {
              id: 'name',
              title: 'Application',
              wide: true,
              cell: (row) => (
                <a class="clip" href={here({ application: row.name })} title={row.name}>
                  {row.name}
                </a>
              ),
            },
            {
              id: 'instances',
              title: 'Processes',
              hint: 'That report now',
              numeric: true,
              cell: (row) =>
                row.instances > 0 ? (
                  <Value of={count(row.instances)} />
                ) : (
                  <StatusBadge tone="unknown" plain>
                    <Time at={row.lastSeen} relative />
                  </StatusBadge>
                ),
            },
            {
              id: 'calls',
              title: 'Calls/s',
              numeric: true,
              cell: (row) => <Value of={rate(row.callsPerSecond)} title={`${exact(row.calls)} calls`} />,
            },
            {
              id: 'p50',
              title: 'p50',
              numeric: true,
              priority: 'low',
              cell: (row) => <Value of={milliseconds(row.p50Ms)} />,
            },
            { id: 'p95', title: 'p95', numeric: true, cell: (row) => <Value of={milliseconds(row.p95Ms)} /> },
            {
              id: 'p99',
              title: 'p99',
              numeric: true,
              priority: 'medium',
              cell: (row) => <Value of={milliseconds(row.p99Ms)} />,
            },
            {
              id: 'wait',
              title: 'Waiting',
              hint: 'For a connection, on average per call',
              numeric: true,
              cell: (row) => <Value of={milliseconds(row.waitMs)} />,
            },
            {
              id: 'errors',
              title: 'Errors',
              numeric: true,
              cell: (row) => <Value of={count(row.errors)} title={exact(row.errors)} />,
            },
          ]}
        />
      </Card>
      {applications.length > 1 && (
        <LinkTabs
          label="Which application is shown"
          name="application"
          tabs={applications.map(({ name }) => ({ id: name, title: name }))}
        />
      )}
      {chosen && <ApplicationCourse key={chosen.name} name={chosen.name} />}
    </>
  );
}
