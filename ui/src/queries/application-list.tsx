import type { ApplicationStatement, ApplicationStatements } from '../../../src/server/api/applications.ts';
import { SendReports } from '../applications/send-reports.tsx';
import { Card } from '../components/card.tsx';
import { CheckField, SearchField } from '../components/filters.tsx';
import { Freshness } from '../components/page-header.tsx';
import { pageParameters, Pager } from '../components/pager.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { DataTable, type Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { readSort } from '../data/url-state.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { count, exact, milliseconds } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';

const pageSize = 50;
const sorts = ['totalMs', 'calls', 'meanMs', 'errors', 'rows', 'maxMs'] as const;

/** Statements as applications measured them, also those that the server's statistics do not have. */
export function ApplicationList() {
  const { query, range, to } = useUrl();
  const sort = readSort(query['sort'], sorts, { column: 'totalMs', descending: true });
  const url = rangeUrl('/queries/application', query, range, {
    search: query['search'],
    unmatched: query['unmatched'] === '1' ? 'true' : undefined,
    ...pageParameters(query, sort, pageSize),
  });
  const list = useResource<ApplicationStatements>(url, refreshOver(range, ['statements']));
  return (
    <>
      <div class="filters">
        <SearchField label="Search in statements" />
        <CheckField name="unmatched" label="Only those the server does not show" />
        <Freshness of={list} />
      </div>
      <Card
        flush
        foot={
          list.data && list.data.count > 0 ? (
            <>
              <span>Times with waiting for a connection and the network</span>
              <Pager count={list.data.count} size={pageSize} noun="statement" />
            </>
          ) : undefined
        }
      >
        <Awaited of={list} lines={12}>
          {({ statements, count: fitting }) =>
            fitting === 0 ? (
              <Nothing />
            ) : (
              <DataTable
                label="Statements of applications"
                columns={columnsOf(to)}
                rows={statements}
                rowKey={({ fingerprint }) => fingerprint}
                sort={sort}
              />
            )
          }
        </Awaited>
      </Card>
    </>
  );
}

function Nothing() {
  const { query, here } = useUrl();
  if (query['search'] === undefined && query['unmatched'] === undefined) {
    return (
      <div class="state">
        <p class="state-title">No application has reported a statement in this range</p>
        <SendReports />
      </div>
    );
  }
  return (
    <Empty title="No statement fits these filters">
      <a href={here({ search: null, unmatched: null, page: null })}>Take the filters away</a>, or choose a longer time
      range.
    </Empty>
  );
}

function columnsOf(to: (path: string) => string): Column<ApplicationStatement>[] {
  return [
    {
      id: 'statement',
      title: 'Statement',
      sortable: false,
      wide: true,
      cell: (row) => <StatementCell row={row} to={to} />,
    },
    { id: 'totalMs', title: 'Total time', numeric: true, cell: (row) => <Value of={milliseconds(row.totalMs)} /> },
    {
      id: 'calls',
      title: 'Calls',
      numeric: true,
      cell: (row) => <Value of={count(row.calls)} title={exact(row.calls)} />,
    },
    { id: 'meanMs', title: 'Mean', numeric: true, cell: (row) => <Value of={milliseconds(row.meanMs)} /> },
    {
      id: 'p50',
      title: 'p50',
      sortable: false,
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={milliseconds(row.p50Ms)} />,
    },
    { id: 'p95', title: 'p95', sortable: false, numeric: true, cell: (row) => <Value of={milliseconds(row.p95Ms)} /> },
    {
      id: 'p99',
      title: 'p99',
      sortable: false,
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={milliseconds(row.p99Ms)} />,
    },
    {
      id: 'wait',
      title: 'Waiting',
      hint: 'For a connection, on average per call',
      sortable: false,
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={milliseconds(row.waitMs)} />,
    },
    {
      id: 'errors',
      title: 'Errors',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={count(row.errors)} title={exact(row.errors)} />,
    },
    {
      id: 'rows',
      title: 'Rows',
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={count(row.rows)} title={exact(row.rows)} />,
    },
  ];
}

function StatementCell({ row, to }: { row: ApplicationStatement; to: (path: string) => string }) {
  const [statement] = row.statements;
  const text = oneLine(row.text);
  const path = statement === undefined ? `/queries/application/${row.fingerprint}` : `/queries/${statement}`;
  return (
    <>
      <a class="statement-link" href={to(path)} title={text.slice(0, 300)}>
        {text}
      </a>
      <span class="statement-tags">
        <span>{row.kind}</span>
        <span>{row.applications.join(', ')}</span>
        {statement === undefined && <span>not in the server’s statistics</span>}
      </span>
    </>
  );
}
