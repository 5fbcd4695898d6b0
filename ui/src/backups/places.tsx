import type { BackupList } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { Fact } from '../components/fact.tsx';
import { Empty } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { byteRate, bytes, milliseconds, textOf } from '../format/quantity.ts';
import { streamStates } from './words.ts';

/** Where backups are, and whether the log comes in. */
export function Places({ answer }: { answer: BackupList }) {
  return (
    <div class="grid grid-pair">
      <Log answer={answer} />
      <Card title="Repositories" note="The first is backed up to, the others have copies" flush>
        <DataTable label="Repositories" rows={placesOf(answer)} rowKey={({ name }) => name} columns={columns} />
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
        {stream.gaps.map(({ repository, first, segments, reason }) => (
          <p key={`${repository} ${first}`}>
            <StatusBadge tone="critical">Gap</StatusBadge> {segments} segments from <span class="mono">{first}</span>{' '}
            on: {reason}
          </p>
        ))}
        <dl class="facts">
          <Fact name="Comes in at">{textOf(byteRate(stream.bytesPerSecond))}</Fact>
          <Fact name="Server is at">
            <span class="mono">{stream.serverLsn ?? '–'}</span>
          </Fact>
          <Fact name="Kept by the server">{textOf(bytes(stream.retainedBytes))}</Fact>
          <Fact name="Its slot">
            <span class="mono">{stream.slot}</span>
          </Fact>
        </dl>
      </div>
    </Card>
  );
}

type Stream = NonNullable<BackupList['stream']>;
type Repository = BackupList['repositories'][number] & { log: Stream['repositories'][number] | undefined };

const placesOf = ({ repositories, stream }: BackupList): Repository[] =>
  repositories.map((place) => ({ ...place, log: stream?.repositories.find(({ name }) => name === place.name) }));

const columns: Column<Repository>[] = [
  {
    id: 'name',
    title: 'Where',
    cell: ({ name }) => (
      <span class="mono clip backup-place" title={name}>
        {name}
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    wide: true,
    cell: ({ error: ofPlace, log, behind }) => {
      const error = ofPlace ?? log?.error;
      if (!error && behind) {
        return (
          <StatusBadge tone="warning" plain>
            {behind.backups} {behind.backups === 1 ? 'backup' : 'backups'} behind, since <Time at={behind.since} />
          </StatusBadge>
        );
      }
      return error ? (
        <StatusBadge tone="critical" plain>
          <span class="clip" title={[error.message, error.detail, error.hint].filter(Boolean).join('. ')}>
            {error.message}
          </span>
        </StatusBadge>
      ) : (
        <StatusBadge tone="ok" plain>
          Readable
        </StatusBadge>
      );
    },
  },
  { id: 'count', title: 'Backups', numeric: true, cell: ({ backups }) => backups ?? '–' },
  {
    id: 'lag',
    title: 'Log behind',
    hint: 'Since when there is log that is not stored here yet',
    numeric: true,
    priority: 'medium',
    inCards: true,
    cell: ({ log }) => <Value of={milliseconds(log?.lagMs)} />,
  },
  {
    id: 'encrypted',
    title: 'Encrypted',
    priority: 'low',
    inCards: true,
    cell: ({ encrypted }) => (encrypted ? 'yes' : 'no'),
  },
];
