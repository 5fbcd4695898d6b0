import type { StatementSummary } from '../../../src/server/api/queries.ts';
import { Share } from '../components/share.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { StatusBadge } from '../components/status.tsx';
import type { Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { bytes, count, exact, milliseconds, percent, rate } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';

/** The server's blocks are 8 KiB unless it was built otherwise. */
const blockBytes = 8192;

/** Columns of statements; ids are the API's sort keys where a column can be sorted. p95 is shown where it is known of any. */
export function statementColumns(
  to: (path: string) => string,
  rows: readonly StatementSummary[],
): Column<StatementSummary>[] {
  const reported = rows.some(({ application }) => application !== null);
  return [
    {
      id: 'statement',
      title: 'Statement',
      sortable: false,
      wide: true,
      cell: (row) => <StatementCell row={row} href={to(`/queries/${row.id}`)} />,
    },
    {
      id: 'totalMs',
      title: 'Total time',
      hint: 'Share of the execution time of all statements in the range',
      numeric: true,
      cell: (row) => <Share of={row.share} />,
    },
    {
      id: 'time',
      title: 'Time',
      sortable: false,
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={milliseconds(row.totalMs)} />,
    },
    {
      id: 'meanMs',
      title: 'Mean',
      hint: 'Mean execution time of a call',
      numeric: true,
      cell: (row) => (
        <Value
          of={milliseconds(row.meanMs)}
          {...(row.deviationMs === null ? {} : { title: `standard deviation ${exact(row.deviationMs)} ms` })}
        />
      ),
    },
    ...(reported ? [p95] : []),
    {
      id: 'calls',
      title: 'Calls/s',
      hint: 'Calls per second; sorted by calls',
      numeric: true,
      cell: (row) => <Value of={rate(row.callsPerSecond)} title={`${exact(row.calls)} calls`} />,
    },
    {
      id: 'rows',
      title: 'Rows',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={count(row.rows)} title={exact(row.rows)} />,
    },
    {
      id: 'hit',
      title: 'Hits',
      hint: 'Share of blocks found in shared buffers',
      sortable: false,
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={percent(row.hitRatio)} />,
    },
    {
      id: 'sharedRead',
      title: 'Read',
      hint: 'Read from outside shared buffers',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={bytes(row.sharedRead * blockBytes)} />,
    },
    {
      id: 'tempWritten',
      title: 'Temp',
      hint: 'Written to temporary files',
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={bytes(row.tempWritten * blockBytes)} />,
    },
    { id: 'walBytes', title: 'WAL', numeric: true, priority: 'low', cell: (row) => <Value of={bytes(row.walBytes)} /> },
    {
      id: 'spark',
      title: 'Trend',
      hint: 'Execution time per second over the range',
      sortable: false,
      priority: 'medium',
      cell: (row) => (
        <div class="cell-spark">
          <Sparkline points={row.spark} />
        </div>
      ),
    },
  ];
}

const p95: Column<StatementSummary> = {
  id: 'p95',
  title: 'p95',
  hint: 'As applications measured it, with waiting for a connection and the network',
  sortable: false,
  numeric: true,
  priority: 'medium',
  cell: (row) => <Value of={milliseconds(row.application?.p95Ms)} />,
};

function StatementCell({ row, href }: { row: StatementSummary; href: string }) {
  const text = oneLine(row.text);
  return (
    <>
      <a class="statement-link" href={href} title={text.slice(0, 300)}>
        {text}
      </a>
      <span class="statement-tags">
        {row.slow && (
          <StatusBadge tone="warning" plain>
            Slow
          </StatusBadge>
        )}
        {row.own && <span>Pitcrew’s own</span>}
        <span>
          {row.user}@{row.database}
        </span>
        {!row.toplevel && <span>inside a function</span>}
      </span>
    </>
  );
}
