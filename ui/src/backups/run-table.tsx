import type { BackupRun, BackupRuns } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { Pager } from '../components/pager.tsx';
import { Awaited, Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { LinkTabs } from '../components/tabs.tsx';
import { Time, Value } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { byteRate, bytes, milliseconds } from '../format/quantity.ts';
import { kinds, onBackups, outcomeOf, states, tookMs } from './words.ts';

const pageSize = 20;

const views = [
  { id: 'all', title: 'All runs', kind: undefined, state: undefined },
  { id: 'backups', title: 'Backups', kind: 'full,incremental', state: undefined },
  { id: 'proofs', title: 'Drills and checks', kind: 'drill,verify', state: undefined },
  { id: 'failed', title: 'Failed', kind: undefined, state: 'failed,stopped' },
] as const;

/** What was done, and how it went. */
export function RunTable() {
  const { query, to } = useUrl();
  const { kind, state } = views.find(({ id }) => id === query['runs']) ?? views[0];
  const page = Math.max(1, Number(query['page']) || 1);
  const url = databaseUrl('/backups/runs', query, { kind, state, limit: pageSize, offset: (page - 1) * pageSize });
  const runs = useResource<BackupRuns>(url, onBackups);
  return (
    <>
      <LinkTabs label="Runs" name="runs" tabs={views} />
      <Awaited of={runs} lines={6}>
        {({ runs: rows, count }) => (
          <Card flush class="backup-runs" foot={count > 0 && <Pager count={count} size={pageSize} noun="run" />}>
            {rows.length === 0 ? (
              <Empty title={state === undefined ? 'Nothing was done yet' : 'None failed'} />
            ) : (
              <DataTable label="Runs" rows={rows} rowKey={({ id }) => id} columns={columns(to)} />
            )}
          </Card>
        )}
      </Awaited>
    </>
  );
}

const columns = (to: (path: string) => string): Column<BackupRun>[] => [
  {
    id: 'kind',
    title: 'Run',
    cell: (row) => <a href={to(`/backups/runs/${row.id}`)}>{kinds[row.kind]}</a>,
  },
  {
    id: 'state',
    title: 'State',
    bare: true,
    cell: ({ state }) => (
      <StatusBadge tone={states[state].tone} plain>
        {states[state].word}
      </StatusBadge>
    ),
  },
  { id: 'began', title: 'Began', cell: ({ beganAt }) => <Time at={beganAt} /> },
  { id: 'took', title: 'Took', numeric: true, cell: (row) => <Value of={milliseconds(tookMs(row))} /> },
  {
    id: 'bytes',
    title: 'Read',
    numeric: true,
    priority: 'medium',
    cell: (row) => <Value of={bytes(row.bytes)} />,
  },
  {
    id: 'rate',
    title: 'Speed',
    numeric: true,
    priority: 'low',
    cell: (row) => <Value of={byteRate(row.bytesPerSecond)} />,
  },
  {
    id: 'about',
    title: 'What came of it',
    wide: true,
    cell: (row) => (
      <span class="clip" title={outcomeOf(row) ?? row.backup ?? undefined}>
        {outcomeOf(row) ?? <span class="mono">{row.backup ?? ''}</span>}
      </span>
    ),
  },
  {
    id: 'by',
    title: 'By',
    priority: 'low',
    cell: ({ trigger, askedBy, attempt }) =>
      trigger === 'hand' ? askedBy : `schedule${attempt > 1 ? `, attempt ${attempt}` : ''}`,
  },
];
