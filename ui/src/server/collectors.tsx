import type { Doctor } from '../../../src/server/api/system.ts';
import { Card } from '../components/card.tsx';
import type { IconName } from '../components/icon.tsx';
import { StatusBadge, type Tone } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { exact, milliseconds, span } from '../format/quantity.ts';

type Collector = Doctor['collectors'][number];

const states: Record<Collector['state'], { tone: Tone; word: string; icon?: IconName }> = {
  starting: { tone: 'info', word: 'Starting', icon: 'clock' },
  ok: { tone: 'ok', word: 'Collecting' },
  failing: { tone: 'critical', word: 'Failing' },
  'backing-off': { tone: 'warning', word: 'Backing off' },
  skipped: { tone: 'unknown', word: 'Skipped', icon: 'info' },
  paused: { tone: 'unknown', word: 'Paused', icon: 'clock' },
};

/** Each collector: when it ran, how long that took, and why it does not. */
export function Collectors({ collectors }: { collectors: readonly Collector[] }) {
  return (
    <Card title="Collectors" flush>
      <DataTable
        label="Collectors"
        rows={collectors}
        rowKey={({ name }) => name}
        columns={[
          { id: 'name', title: 'Collector', cell: (row) => row.name },
          { id: 'state', title: 'State', bare: true, cell: (row) => <State state={row.state} /> },
          { id: 'cadence', title: 'Every', numeric: true, cell: (row) => span(row.cadenceMs) },
          { id: 'last', title: 'Last run', cell: (row) => <Time at={row.lastRun} relative /> },
          {
            id: 'duration',
            title: 'Took',
            numeric: true,
            cell: (row) => <Value of={milliseconds(row.lastDurationMs)} />,
          },
          { id: 'runs', title: 'Runs', numeric: true, priority: 'low', cell: (row) => exact(row.runs) },
          { id: 'failures', title: 'Failures', numeric: true, priority: 'medium', cell: (row) => exact(row.failures) },
          {
            id: 'message',
            title: 'Message',
            wide: true,
            wrap: true,
            cell: (row) => row.message ?? <span class="nothing muted">–</span>,
          },
        ]}
      />
    </Card>
  );
}

function State({ state }: { state: Collector['state'] }) {
  const { tone, word, icon } = states[state];
  return (
    <StatusBadge tone={tone} icon={icon} plain>
      {word}
    </StatusBadge>
  );
}
