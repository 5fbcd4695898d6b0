import type { Backup, BackupList } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { LongTable } from '../components/long-table.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import type { Column } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { useUrl } from '../data/use-url.ts';
import { bytes, milliseconds, textOf } from '../format/quantity.ts';

/** All backups of the first repository, the youngest first. */
export function BackupTable({ answer: { backups, count } }: { answer: BackupList }) {
  const { to } = useUrl();
  const more = count > backups.length ? `the latest ${backups.length} of ${count}` : `${count}`;
  return (
    <Card title="Backups" {...(count > 0 ? { note: more } : {})} flush>
      {count === 0 ? (
        <Empty title="None is complete yet" />
      ) : (
        <LongTable label="Backups" columns={columns(to)} rows={backups} rowKey={({ id }) => id} />
      )}
    </Card>
  );
}

const columns = (to: (path: string) => string): Column<Backup>[] => [
  {
    id: 'id',
    title: 'Backup',
    cell: (row) => (
      <>
        <a class="mono" href={to(`/backups/${row.id}`)}>
          {row.id}
        </a>
        {row.pinned && <span class="small muted"> kept always</span>}
      </>
    ),
  },
  { id: 'usable', title: 'Usable from', cell: (row) => <Time at={row.endedAt} /> },
  {
    id: 'took',
    title: 'Took',
    numeric: true,
    priority: 'medium',
    cell: (row) => <Value of={milliseconds(Date.parse(row.endedAt) - Date.parse(row.startedAt))} />,
  },
  { id: 'bytes', title: 'Size', numeric: true, priority: 'medium', cell: (row) => <Value of={bytes(row.bytes)} /> },
  { id: 'stored', title: 'Stored', numeric: true, cell: (row) => <Value of={bytes(row.storedBytes)} /> },
  {
    id: 'parent',
    title: 'Builds on',
    priority: 'low',
    cell: (row) => (row.parent === null ? <span class="muted">–</span> : <span class="mono">{row.parent}</span>),
  },
  { id: 'proven', title: 'Proven', wide: true, cell: (row) => <Proven backup={row} /> },
];

export function Proven({ backup: { proven } }: { backup: Pick<Backup, 'proven'> }) {
  if (!proven) return <span class="muted">not yet</span>;
  const ready = proven.readyMs === null ? '' : `, ready in ${textOf(milliseconds(proven.readyMs))}`;
  return (
    <StatusBadge tone={proven.ok ? 'ok' : 'critical'} plain>
      <span>
        {proven.ok ? (
          <>
            <Time at={proven.at} relative />
            {ready}
          </>
        ) : (
          <>
            not as it should be, <Time at={proven.at} relative />
          </>
        )}
      </span>
    </StatusBadge>
  );
}
