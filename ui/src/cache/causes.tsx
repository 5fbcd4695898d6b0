import type { Cache } from '../../../src/server/api/caches.ts';
import { Card } from '../components/card.tsx';
import { Empty } from '../components/states.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { count, exact } from '../format/quantity.ts';

interface Cause {
  what: string;
  name: string;
  count: number;
}

/** What invalidated the cache, kept values from being kept, and led past it. */
export function Causes({ cache }: { cache: Cache }) {
  const of = (what: string, list: Cache['invalidations']): Cause[] => list.map((each) => ({ what, ...each }));
  const rows = [
    ...of('Invalidated by', cache.invalidations),
    ...of('Not kept', cache.refused),
    ...of('Past the cache', cache.bypasses),
  ];
  return (
    <Card title="Causes" note="Why entries go, are not kept, or not asked for" flush>
      {rows.length === 0 ? (
        <Empty title="Nothing was invalidated in this range" />
      ) : (
        <DataTable label="Causes" rows={rows} rowKey={({ what, name }) => `${what} ${name}`} columns={columns} />
      )}
    </Card>
  );
}

const columns: Column<Cause>[] = [
  {
    id: 'name',
    title: 'Cause',
    wide: true,
    cell: (row) => (
      <span class="clip" title={row.name}>
        {row.name}
      </span>
    ),
  },
  { id: 'what', title: 'What it did', cell: (row) => row.what },
  {
    id: 'count',
    title: 'Times',
    numeric: true,
    cell: (row) => <Value of={count(row.count)} title={exact(row.count)} />,
  },
];
