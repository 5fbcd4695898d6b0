import type { ApplicationScope } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import { Share } from '../components/share.tsx';
import { Empty } from '../components/states.tsx';
import type { Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { bytes, count, exact, milliseconds, rate, textOf } from '../format/quantity.ts';
import { LongTable } from '../components/long-table.tsx';

/** What kinds of requests and jobs did: their time, their statements, how much of it was waiting for the database. */
export function Requests({ scopes }: { scopes: readonly ApplicationScope[] }) {
  return (
    <Card title="Requests" note="Those that used the database; most time first" flush>
      {scopes.length === 0 ? (
        <Empty title="No request is known in this range">
          Requests are told apart where the application uses runInScope or a middleware of Pitcrew.
        </Empty>
      ) : (
        <LongTable label="Requests" rows={scopes} rowKey={({ name }) => name} columns={columnsOf(scopes)} />
      )}
    </Card>
  );
}

function columnsOf(scopes: readonly ApplicationScope[]): Column<ApplicationScope>[] {
  return [
    {
      id: 'name',
      title: 'Request',
      wide: true,
      cell: (row) => (
        <span class="clip" title={row.name}>
          {row.name}
        </span>
      ),
    },
    {
      id: 'count',
      title: 'Requests',
      numeric: true,
      cell: (row) => (
        <Value of={count(row.count)} title={`${exact(row.count)}, ${textOf(rate(row.perSecond))} on average`} />
      ),
    },
    {
      id: 'p50',
      title: 'p50',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={milliseconds(row.p50Ms)} />,
    },
    { id: 'p95', title: 'p95', numeric: true, cell: (row) => <Value of={milliseconds(row.p95Ms)} /> },
    {
      id: 'p99',
      title: 'p99',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={milliseconds(row.p99Ms)} title={`Slowest: ${textOf(milliseconds(row.maxMs))}`} />,
    },
    {
      id: 'statements',
      title: 'Statements',
      hint: 'Per request, on average',
      numeric: true,
      cell: (row) => <Value of={count(row.statementsPerScope)} title={`${exact(row.statements)} in all`} />,
    },
    {
      id: 'most',
      title: 'Most',
      hint: 'Statements in one request, at most',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={count(row.mostStatements)} />,
    },
    {
      id: 'database',
      title: 'Database',
      hint: 'Share of their time that they waited for the database',
      numeric: true,
      cell: (row) => (row.databaseShare === null ? '–' : <Share of={row.databaseShare} />),
    },
    ...(scopes.some(({ meanHeapGrowthBytes }) => meanHeapGrowthBytes !== null) ? [heapColumn] : []),
  ];
}

const heapColumn: Column<ApplicationScope> = {
  id: 'heap',
  title: 'Heap',
  hint: 'By how much the heap grew meanwhile, on average; what others allocate counts, too',
  numeric: true,
  priority: 'low',
  cell: (row) => (
    <Value of={bytes(row.meanHeapGrowthBytes)} title={`At most ${textOf(bytes(row.mostHeapGrowthBytes))}`} />
  ),
};
