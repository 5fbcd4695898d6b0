import type { ApplicationDetail } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import type { Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { count, exact, milliseconds, rate, textOf } from '../format/quantity.ts';
import { LongTable } from '../components/long-table.tsx';

type Timer = ApplicationDetail['timers'][number];

/** Durations that the application measures under names of its own. */
export function Timers({ timers }: { timers: readonly Timer[] }) {
  return (
    <Card title="Timers" note="Most time first" flush>
      <LongTable label="Timers" rows={timers} rowKey={({ name }) => name} columns={columns} />
    </Card>
  );
}

const columns: Column<Timer>[] = [
  {
    id: 'name',
    title: 'Timer',
    wide: true,
    cell: (row) => (
      <span class="clip" title={row.name}>
        {row.name}
      </span>
    ),
  },
  {
    id: 'count',
    title: 'Times',
    numeric: true,
    cell: (row) => (
      <Value of={count(row.count)} title={`${exact(row.count)}, ${textOf(rate(row.perSecond))} on average`} />
    ),
  },
  { id: 'p50', title: 'p50', numeric: true, cell: (row) => <Value of={milliseconds(row.p50Ms)} /> },
  { id: 'p95', title: 'p95', numeric: true, cell: (row) => <Value of={milliseconds(row.p95Ms)} /> },
  { id: 'p99', title: 'p99', numeric: true, priority: 'medium', cell: (row) => <Value of={milliseconds(row.p99Ms)} /> },
  { id: 'max', title: 'Slowest', numeric: true, cell: (row) => <Value of={milliseconds(row.maxMs)} /> },
  {
    id: 'total',
    title: 'In all',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={milliseconds(row.totalMs)} />,
  },
];
