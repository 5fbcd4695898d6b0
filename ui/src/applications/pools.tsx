import type { ApplicationDetail } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { Tile } from '../components/tile.tsx';
import { line, type Trend } from '../components/trends.tsx';
import { Value } from '../components/value.tsx';
import { count, exact, milliseconds, percent, rate } from '../format/quantity.ts';

type Pool = ApplicationDetail['application']['pools'][number];

/** The pools of an application's processes together, by endpoint. */
export function Pools({ pools }: { pools: readonly Pool[] }) {
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
              hint: 'Connections that are lent or shared, of those that may be open',
              numeric: true,
              cell: (row) => <Value of={percent(row.max > 0 ? (row.open - row.idle + row.lanes) / row.max : null)} />,
            },
            {
              id: 'open',
              title: 'Open',
              hint: 'Lent to one caller at a time; lanes come on top',
              numeric: true,
              cell: (row) => <Value of={count(row.open)} />,
            },
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

type Acquires = NonNullable<ApplicationDetail['acquires']>;

const warning = (failed: number) => (failed > 0 ? { status: 'warning' as const } : {});

/** What became of those who asked for a connection of their own. */
export function AcquireTiles({ acquires }: { acquires: Acquires }) {
  const { acquired, timeouts, errors, openErrors, opened, closed } = acquires;
  return (
    <ul class="grid grid-tiles grid-tiles-eight" aria-label="Connections lent">
      <Tile
        title="Lent"
        value={count(acquired)}
        hint={`${exact(acquired)} times a connection was lent to one caller`}
      />
      <Tile title="Wait p50" value={milliseconds(acquires.p50Ms)} hint="Waiting for a connection" />
      <Tile title="Wait p95" value={milliseconds(acquires.p95Ms)} hint="Waiting for a connection" />
      <Tile title="Longest wait" value={milliseconds(acquires.maxMs)} />
      <Tile
        title="Timeouts"
        value={count(timeouts)}
        hint={`${exact(timeouts)} waits took too long, ${exact(errors)} failed otherwise`}
        {...warning(timeouts + errors)}
      />
      <Tile title="Opened" value={count(opened)} hint={`${exact(opened)} connections were opened`} />
      <Tile
        title="Not opened"
        value={count(openErrors)}
        hint={`${exact(openErrors)} connections could not be opened`}
        {...warning(openErrors)}
      />
      <Tile title="Closed" value={count(closed)} hint={`${exact(closed)} connections were closed or lost`} />
    </ul>
  );
}

type Course = ApplicationDetail['pools'][number];

/** Two columns as one, where both are known. */
function together(
  first: Course['open'],
  second: Course['open'],
  merge: (one: number, other: number) => number,
): Course['open'] {
  return first.map((one, index) => {
    const other = second[index] ?? null;
    return one === null || other === null ? null : merge(one, other);
  });
}

/** How full each pool is over time. */
export function poolTrends(pools: readonly Course[]): Trend[] {
  return pools.map((pool) => ({
    title: `Pool of ${pool.endpoint}, ${pool.role}`,
    format: count,
    series: [
      line(
        'open',
        together(pool.open, pool.lanes, (own, lanes) => own + lanes),
        '--series-1',
      ),
      line(
        'busy',
        together(pool.open, pool.idle, (own, idle) => Math.max(0, own - idle)),
        '--series-3',
      ),
      line('lanes', pool.lanes, '--series-6'),
      line('waiting', pool.waiting, '--series-5'),
      line('max', pool.max, '--series-4'),
    ],
    note: 'Busy: lent to one caller; lanes: shared by many',
  }));
}

/** How long callers wait for a connection, and what becomes of them. */
export function acquireTrends(acquires: ApplicationDetail['acquires']): Trend[] {
  if (!acquires) return [];
  const { series } = acquires;
  return [
    {
      title: 'Waiting for a connection',
      format: milliseconds,
      series: [
        line('p50', series.p50Ms, '--series-1'),
        line('p95', series.p95Ms, '--series-5'),
        line('p99', series.p99Ms, '--series-4'),
      ],
      note: 'Where a caller needs one of its own',
    },
    {
      title: 'Connections lent',
      format: rate,
      series: [
        line('lent', series.acquiredPerSecond, '--series-1'),
        line('opened', series.openedPerSecond, '--series-3'),
        line('timeouts', series.timeoutsPerSecond, '--series-5'),
        line('errors', series.errorsPerSecond, '--series-4'),
      ],
    },
  ];
}
