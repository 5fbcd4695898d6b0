import { useRoute } from 'preact-iso';
import type { BackupDetail, BackupList, BackupService } from '../../../src/server/api/backups.ts';
import { Card } from '../components/card.tsx';
import { Fact } from '../components/fact.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { say } from '../components/toast.tsx';
import { Time, Value } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, milliseconds } from '../format/quantity.ts';
import { Proven } from './backup-table.tsx';
import { onBackups } from './words.ts';

/** One backup: what it is, what it builds on, whether it was proven. */
export function BackupPage() {
  const { params } = useRoute();
  const { query, to } = useUrl();
  const id = params['id'] ?? '';
  const detail = useResource<BackupDetail>(databaseUrl(`/backups/${encodeURIComponent(id)}`, query), onBackups);
  const list = useResource<BackupList>(databaseUrl('/backups', query), onBackups);
  return (
    <>
      <PageHeader title={id} crumbs={<a href={to('/backups')}>Backups</a>} of={detail} />
      <Awaited of={detail} lines={12}>
        {(backup) => (
          <>
            <Actions id={id} list={list.data} onChange={list.refresh} />
            <About backup={backup} />
            {backup.chain.length > 1 && <Chain backup={backup} />}
            <Card title="Files" note="Checksums are of what is stored" flush>
              <DataTable label="Files" rows={backup.files} rowKey={({ name }) => name} columns={columns} />
            </Card>
          </>
        )}
      </Awaited>
    </>
  );
}

function Actions({ id, list, onChange }: { id: string; list: BackupList | undefined; onChange: () => void }) {
  const { query } = useUrl();
  const running = list?.service?.running ?? null;
  const can = list?.actionsEnabled === true && running === null;
  const ask = async (action: 'verify' | 'drill') => {
    try {
      const url = databaseUrl(`/backups/${encodeURIComponent(id)}/${action}`, query);
      await request<BackupService>(url, { method: 'POST' });
      say('ok', action === 'verify' ? 'It is being checked.' : 'It is being restored, to prove it.');
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    onChange();
  };
  return (
    <div class="run-status">
      <button type="button" class="button" disabled={!can} onClick={() => void ask('verify')}>
        Check
      </button>
      <button
        type="button"
        class="button"
        disabled={!can || list?.service?.unprovable !== null}
        title={list?.service?.unprovable ?? undefined}
        onClick={() => void ask('drill')}
      >
        Prove by a restore
      </button>
      <span class="small muted" role="status">
        {running ? `Now: ${running.phase}` : list?.actionsEnabled === false && <SwitchedOff />}
      </span>
    </div>
  );
}

function SwitchedOff() {
  return (
    <>
      Switched off; the setting <code>actions.backups</code> enables it.
    </>
  );
}

function About({ backup }: { backup: BackupDetail }) {
  const { type, server, recipients, tablespaces, warnings } = backup;
  return (
    <Card title="What it is">
      <div class="stack">
        <dl class="facts">
          <Fact name="Type">{type}</Fact>
          <Fact name="Usable from">
            <Time at={backup.endedAt} />
          </Fact>
          <Fact name="Took">
            <Value of={milliseconds(Date.parse(backup.endedAt) - Date.parse(backup.startedAt))} />
          </Fact>
          <Fact name="Size">
            <Value of={bytes(backup.bytes)} />
          </Fact>
          <Fact name="Stored">
            <Value of={bytes(backup.storedBytes)} />
          </Fact>
          <Fact name="Proven">
            <Proven backup={backup} />
          </Fact>
          <Fact name="Server">PostgreSQL {Math.floor(server.version / 10_000)}</Fact>
          <Fact name="Cluster">
            <span class="mono">{server.systemId}</span>
          </Fact>
          <Fact name="Timeline">{server.timeline}</Fact>
          <Fact name="Log">
            <span class="mono">
              {backup.startLsn} – {backup.endLsn}
            </span>
          </Fact>
          <Fact name="Made by">{backup.madeBy}</Fact>
          <Fact name="Encrypted">{recipients.length === 0 ? 'no' : 'yes'}</Fact>
          {tablespaces.length > 0 && <Fact name="Tablespaces">{tablespaces.join(', ')}</Fact>}
        </dl>
        {recipients.length > 0 && (
          <p class="small muted">
            Can be read with the secret key of <span class="mono break">{recipients.join(', ')}</span>
          </p>
        )}
        {warnings.map((text) => (
          <p key={text}>
            <StatusBadge tone="warning" /> {text}
          </p>
        ))}
      </div>
    </Card>
  );
}

function Chain({ backup }: { backup: BackupDetail }) {
  const { to } = useUrl();
  return (
    <Card title="What it builds on" note="All of these are needed to restore it">
      <ol class="backup-chain">
        {backup.chain.map((id) => (
          <li key={id}>
            {id === backup.id ? (
              <span class="mono">{id}</span>
            ) : (
              <a class="mono" href={to(`/backups/${id}`)}>
                {id}
              </a>
            )}
          </li>
        ))}
      </ol>
    </Card>
  );
}

const columns: Column<BackupDetail['files'][number]>[] = [
  { id: 'name', title: 'File', cell: ({ name }) => <span class="mono">{name}</span> },
  { id: 'bytes', title: 'Size', numeric: true, cell: (row) => <Value of={bytes(row.bytes)} /> },
  { id: 'stored', title: 'Stored', numeric: true, cell: (row) => <Value of={bytes(row.storedBytes)} /> },
  {
    id: 'sha256',
    title: 'SHA-256',
    wide: true,
    cell: ({ sha256 }) => (
      <span class="mono clip" title={sha256}>
        {sha256}
      </span>
    ),
  },
];
