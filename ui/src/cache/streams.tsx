import type { CacheStream } from '../../../src/server/api/caches.ts';
import { Card } from '../components/card.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { milliseconds } from '../format/quantity.ts';
import { streamTone } from './cache-figures.ts';

const words: Record<CacheStream['truth'], string> = {
  stream: 'From the change stream',
  triggers: 'By triggers',
  'own writes': 'Of own writes only',
  off: 'Not at all',
};

/** How the processes hear of changes in the database. */
export function Streams({ streams }: { streams: readonly CacheStream[] }) {
  return (
    <Card title="Changes in the database" note="How each process hears of them" flush>
      <DataTable label="Changes in the database" rows={streams} rowKey={({ instance }) => instance} columns={columns} />
    </Card>
  );
}

const columns: Column<CacheStream>[] = [
  {
    id: 'instance',
    title: 'Process',
    cell: (row) => (
      <span class="mono clip" title={row.instance}>
        {row.instance.slice(0, 8)}
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    wide: true,
    cell: (row) => (
      <StatusBadge tone={streamTone(row)} plain>
        <span class="clip" title={row.reason ?? undefined}>
          {row.reason === null ? row.state : `${row.state}: ${row.reason}`}
        </span>
      </StatusBadge>
    ),
  },
  { id: 'truth', title: 'Heard of', priority: 'medium', cell: (row) => words[row.truth] },
  { id: 'lag', title: 'Behind', numeric: true, cell: (row) => <Value of={milliseconds(row.lagMs)} /> },
  {
    id: 'leader',
    title: 'Reads it',
    hint: 'One process reads the stream for the others',
    cell: (row) => (row.leader ? 'itself' : row.truth === 'stream' ? 'through another' : '–'),
  },
];
