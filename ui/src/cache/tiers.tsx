import type { Cache } from '../../../src/server/api/caches.ts';
import { Card } from '../components/card.tsx';
import { Share } from '../components/share.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { bytes, count, exact, milliseconds } from '../format/quantity.ts';

type Tier = Cache['tiers'][number];

/** The tiers of a cache in the order in which they are asked. */
export function Tiers({ cache }: { cache: Cache }) {
  return (
    <Card title="Tiers" note="In the order in which they are asked" flush>
      {cache.tiers.length === 0 ? (
        <Empty title="No tier is known" />
      ) : (
        <DataTable label="Tiers" rows={cache.tiers} rowKey={({ name }) => name} columns={columnsOf(cache.processes)} />
      )}
    </Card>
  );
}

const columnsOf = (processes: number): Column<Tier>[] => [
  { id: 'name', title: 'Tier', wide: true, cell: (row) => <span class="clip">{row.name}</span> },
  {
    id: 'state',
    title: 'State',
    bare: true,
    cell: (row) =>
      row.away > 0 ? (
        <StatusBadge tone="warning" plain>
          Away for {row.away} of {processes}
        </StatusBadge>
      ) : processes > 0 ? (
        <StatusBadge tone="ok" plain>
          In use
        </StatusBadge>
      ) : (
        <StatusBadge tone="unknown" plain />
      ),
  },
  {
    id: 'share',
    title: 'Answers',
    hint: 'Of all that the cache was asked',
    numeric: true,
    cell: (row) => (row.share === null ? '–' : <Share of={row.share} />),
  },
  {
    id: 'hits',
    title: 'Hits',
    numeric: true,
    cell: (row) => <Value of={count(row.hits)} title={exact(row.hits)} />,
  },
  {
    id: 'ratio',
    title: 'Found',
    hint: 'Of what this tier was asked, what it had',
    numeric: true,
    priority: 'medium',
    cell: (row) => (row.hitRatio === null ? '–' : <Share of={row.hitRatio} />),
  },
  {
    id: 'lookup',
    title: 'Lookup',
    hint: 'How long it takes to ask it; memory answers at once',
    numeric: true,
    priority: 'medium',
    cell: (row) => <Value of={milliseconds(row.meanMs)} />,
  },
  { id: 'entries', title: 'Entries', numeric: true, cell: (row) => <Value of={count(row.entries)} /> },
  { id: 'bytes', title: 'Size', numeric: true, cell: (row) => <Value of={bytes(row.bytes)} /> },
  {
    id: 'evicted',
    title: 'Evicted',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={count(row.evictions)} title={exact(row.evictions)} />,
  },
  {
    id: 'refused',
    title: 'Not kept',
    hint: 'Entries that were invalidated while they were loaded',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={count(row.refused)} title={exact(row.refused)} />,
  },
  {
    id: 'unreadable',
    title: 'Unreadable',
    hint: 'Entries that were damaged, or written by something else',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={count(row.unreadable)} title={exact(row.unreadable)} />,
  },
];
