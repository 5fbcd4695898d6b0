import type { ComponentChildren } from 'preact';
import type { BackupList } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Time } from '../components/value.tsx';
import { bytes, textOf } from '../format/quantity.ts';
import { streamStates } from './words.ts';

/** Where backups are, and whether the log comes in. */
export function Places({ answer }: { answer: BackupList }) {
  return (
    <div class="grid grid-pair">
      <Log answer={answer} />
      <Card title="Repositories" note="The first is backed up to, the others have copies" flush>
        <DataTable label="Repositories" rows={answer.repositories} rowKey={({ name }) => name} columns={columns} />
      </Card>
    </div>
  );
}

function Log({ answer: { stream, schedule, service } }: { answer: BackupList }) {
  if (!schedule?.stream) {
    return (
      <Card title="Log">
        <Empty title="It is kept of the time of backups only">
          With <code>stream: true</code> it is received all the time, and any second can be restored.
        </Empty>
      </Card>
    );
  }
  if (!stream) {
    return (
      <Card title="Log">
        <Empty title={service?.elsewhere ? 'Another daemon receives it' : 'It is not received yet'} />
      </Card>
    );
  }
  const { word, tone } = streamStates[stream.state];
  return (
    <Card title="Log">
      <div class="stack">
        <p class="about">
          <StatusBadge tone={tone}>{word}</StatusBadge>
          <span class="small muted">
            since <Time at={stream.since} />
          </span>
          {stream.error && <span>{[stream.error.message, stream.error.detail].filter(Boolean).join(': ')}</span>}
        </p>
        {stream.gap !== null && (
          <p>
            <StatusBadge tone="critical">Gap</StatusBadge> {stream.gap}
          </p>
        )}
        <dl class="facts">
          <Fact name="Stored up to">
            {stream.storedLsn === null ? '–' : <span class="mono">{stream.storedLsn}</span>}
          </Fact>
          <Fact name="Last stored">
            <Time at={stream.storedAt} relative fallback="nothing yet" />
          </Fact>
          <Fact name="Not stored yet">{textOf(bytes(stream.lagBytes))}</Fact>
          <Fact name="Slot on the server">
            <span class="mono">{stream.slot}</span>
          </Fact>
        </dl>
      </div>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

type Repository = BackupList['repositories'][number];

const columns: Column<Repository>[] = [
  {
    id: 'name',
    title: 'Where',
    cell: ({ name }) => (
      <span class="mono clip" title={name}>
        {name}
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    wide: true,
    cell: ({ error }) =>
      error ? (
        <StatusBadge tone="critical" plain>
          <span class="clip" title={[error.message, error.detail, error.hint].filter(Boolean).join('. ')}>
            {error.message}
          </span>
        </StatusBadge>
      ) : (
        <StatusBadge tone="ok" plain>
          Readable
        </StatusBadge>
      ),
  },
  { id: 'count', title: 'Backups', numeric: true, cell: ({ backups }) => backups ?? '–' },
  { id: 'encrypted', title: 'Encrypted', cell: ({ encrypted }) => (encrypted ? 'yes' : 'no') },
];
