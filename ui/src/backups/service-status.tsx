import { useState } from 'preact/hooks';
import type { BackupList, BackupRun, BackupService } from '../../../src/server/api/backups.ts';
import { Icon } from '../components/icon.tsx';
import { Share } from '../components/share.tsx';
import { StatusBadge } from '../components/status.tsx';
import { say } from '../components/toast.tsx';
import { Time } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';
import { bytes, textOf } from '../format/quantity.ts';
import { kinds } from './words.ts';

const offered: readonly { kind: BackupRun['kind']; title: string; button: string }[] = [
  { kind: 'full', title: 'Full backup', button: 'Back up now' },
  { kind: 'incremental', title: 'Incremental backup', button: 'Back up now' },
  { kind: 'drill', title: 'Restore drill', button: 'Prove now' },
  { kind: 'verify', title: 'Check of what is stored', button: 'Check now' },
  { kind: 'prune', title: 'Removal of old ones', button: 'Remove now' },
];

/** What is done now and next, and a way to do it at once. */
export function ServiceStatus({ answer, onChange }: { answer: BackupList; onChange: () => void }) {
  const { query } = useUrl();
  const [kind, setKind] = useState<BackupRun['kind']>('full');
  const [busy, setBusy] = useState(false);
  const { service, actionsEnabled } = answer;
  if (!service) return null;
  const chosen = offered.find((each) => each.kind === kind);
  const run = async () => {
    setBusy(true);
    try {
      await request<BackupService>(databaseUrl('/backups', query), { method: 'POST', body: { type: kind } });
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    setBusy(false);
    onChange();
  };
  const refusal = refusalOf(answer);
  return (
    <div class="run-status">
      <select
        class="field"
        aria-label="What to do now"
        value={kind}
        disabled={!actionsEnabled}
        onChange={(event) => {
          const found = offered.find((each) => each.kind === event.currentTarget.value);
          if (found) setKind(found.kind);
        }}
      >
        {offered.map((each) => (
          <option key={each.kind} value={each.kind}>
            {each.title}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="button"
        disabled={busy || refusal !== undefined}
        title={refusal}
        onClick={() => void run()}
      >
        <Icon name="refresh" />
        {chosen?.button}
      </button>
      <span class="small muted" role="status">
        {service.running ? <Running running={service.running} /> : <Next answer={answer} />}
      </span>
      {service.elsewhere && (
        <StatusBadge tone="unknown" plain>
          Another daemon looks after it, or the database is not watched now
        </StatusBadge>
      )}
    </div>
  );
}

function refusalOf({ service, actionsEnabled }: BackupList): string | undefined {
  if (!actionsEnabled) return 'Switched off: the setting actions.backups enables it';
  if (service?.running) return 'A run is under way';
  return service?.elsewhere ? 'Another daemon looks after it' : undefined;
}

function Running({ running }: { running: NonNullable<BackupService['running']> }) {
  const { kind, phase, doneBytes, totalBytes, since, attempt } = running;
  return (
    <>
      {kinds[kind]}
      {attempt > 1 && `, attempt ${attempt}`}: {phase}{' '}
      {totalBytes !== null && totalBytes > 0 ? (
        <Share of={Math.min(1, doneBytes / totalBytes)} />
      ) : (
        doneBytes > 0 && textOf(bytes(doneBytes))
      )}{' '}
      · began <Time at={since} relative />
    </>
  );
}

function Next({ answer: { service, schedule, actionsEnabled } }: { answer: BackupList }) {
  const next = service?.next;
  const parts = (['full', 'incremental', 'verify'] as const).flatMap((kind) => {
    const at = next?.[kind];
    return at ? [{ kind, at }] : [];
  });
  return (
    <>
      {parts.length === 0
        ? 'Nothing is done by itself: the settings name no times.'
        : parts.map(({ kind, at }, index) => (
            <span key={kind}>
              {index === 0 ? 'Next: ' : ' · '}
              {{ full: 'full', incremental: 'incremental', verify: 'check' }[kind]} at <Time at={at} />
            </span>
          ))}
      {schedule?.drill === 'after-full' && parts.length > 0 && ' · each full one is proven'}
      {!actionsEnabled && (
        <>
          {' '}
          · by hand: <code>actions.backups</code>
        </>
      )}
    </>
  );
}
