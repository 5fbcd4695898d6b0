import { useState } from 'preact/hooks';
import type { AdvisorStatus } from '../../../src/server/api/advice.ts';
import { Icon } from '../components/icon.tsx';
import { Share } from '../components/share.tsx';
import { StatusBadge } from '../components/status.tsx';
import { say } from '../components/toast.tsx';
import { Time } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';

const words = {
  checks: { last: 'Checked', never: 'Not checked yet', next: 'next', button: 'Check now' },
  indexes: { last: 'Chosen', never: 'Not chosen yet', next: 'next', button: 'Choose now' },
} as const;

/** When it was looked last and will be next, and a button that does it now. */
export function RunStatus({
  kind,
  advisor,
  onChange,
}: {
  kind: 'checks' | 'indexes';
  advisor: AdvisorStatus;
  onChange: () => void;
}) {
  const { query } = useUrl();
  const [busy, setBusy] = useState(false);
  const word = words[kind];
  const last = kind === 'checks' ? advisor.lastChecks : advisor.lastIndexes;
  const next = kind === 'checks' ? advisor.nextChecks : advisor.nextIndexes;
  const { running } = advisor;
  const run = async () => {
    setBusy(true);
    try {
      await request<AdvisorStatus>(databaseUrl('/advice/run', query), { method: 'POST', body: { kind } });
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    setBusy(false);
    onChange();
  };
  return (
    <div class="run-status">
      <button type="button" class="button" disabled={busy || running !== null} onClick={() => void run()}>
        <Icon name="refresh" />
        {word.button}
      </button>
      <span class="small muted" role="status">
        {running ? (
          <>
            Now {running.phase} {running.ratio !== null && <Share of={running.ratio} />}
          </>
        ) : last?.endedAt ? (
          <>
            {word.last} <Time at={last.endedAt} relative />
            {next !== null && advisor.enabled && (
              <>
                , {word.next} at <Time at={next} />
              </>
            )}
          </>
        ) : (
          word.never
        )}
        {!advisor.enabled && ' · not looked for by itself (advisor.enabled)'}
        {advisor.auto && ' · applied by itself within the policy (advisor.auto)'}
      </span>
      {!running && last?.error && (
        <StatusBadge tone="warning" plain>
          {last.error}
        </StatusBadge>
      )}
    </div>
  );
}
