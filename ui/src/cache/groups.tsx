import type { Cache } from '../../../src/server/api/caches.ts';
import { Card } from '../components/card.tsx';
import { LongTable } from '../components/long-table.tsx';
import { Share } from '../components/share.tsx';
import { Empty } from '../components/states.tsx';
import type { Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { count, exact } from '../format/quantity.ts';

type Group = Cache['groups'][number];

/** What the cache is asked for, by the first part of keys. */
export function Groups({ groups }: { groups: readonly Group[] }) {
  return (
    <Card title="Groups" note="By the first part of keys; the busiest first" flush>
      {groups.length === 0 ? (
        <Empty title="Nothing was asked in this range" />
      ) : (
        <LongTable label="Groups" rows={groups} rowKey={({ name }) => name} columns={columns} />
      )}
    </Card>
  );
}

const columns: Column<Group>[] = [
  {
    id: 'name',
    title: 'Group',
    wide: true,
    cell: (row) => (
      <span class="clip" title={row.name}>
        {row.name}
      </span>
    ),
  },
  {
    id: 'requests',
    title: 'Requests',
    numeric: true,
    cell: (row) => <Value of={count(row.hits + row.misses)} title={`About ${exact(row.hits + row.misses)}`} />,
  },
  { id: 'misses', title: 'Misses', numeric: true, cell: (row) => <Value of={count(row.misses)} /> },
  {
    id: 'ratio',
    title: 'Hits',
    numeric: true,
    cell: (row) => (row.hitRatio === null ? '–' : <Share of={row.hitRatio} />),
  },
];
