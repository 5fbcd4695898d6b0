import type { RepeatedCalls } from '../../../src/server/api/applications.ts';
import { Card } from '../components/card.tsx';
import { Fold } from '../components/fold.tsx';
import { StatusBadge } from '../components/status.tsx';
import { rangeUrl } from '../data/api.ts';
import { refreshOver } from '../data/refresh.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { oneLine } from '../format/sql.ts';
import { repeatedAdvice } from './called-from.tsx';

type Call = RepeatedCalls['repeated'][number];

const shown = 3;

/** What applications call again and again within a request. Says nothing while there is nothing. */
export function Repeated() {
  const { query, range } = useUrl();
  const found = useResource<RepeatedCalls>(
    rangeUrl('/queries/repeated', query, range, { limit: 20 }),
    refreshOver(range, ['statements']),
  );
  const calls = found.data?.repeated ?? [];
  if (calls.length === 0) return null;
  return (
    <Card title="Called again and again" note={repeatedAdvice}>
      <div class="verdicts">
        <Calls calls={calls.slice(0, shown)} />
        {calls.length > shown && (
          <Fold summary={`${calls.length - shown} more`}>
            <Calls calls={calls.slice(shown)} />
          </Fold>
        )}
      </div>
    </Card>
  );
}

function Calls({ calls }: { calls: readonly Call[] }) {
  const { to } = useUrl();
  return (
    <ul class="verdict-list" aria-label="Repeated calls">
      {calls.map((call) => (
        <li key={`${call.application} ${call.scope} ${call.site} ${call.fingerprint}`} class="verdict">
          <StatusBadge tone="warning" />
          <div>
            <p class="verdict-text">{call.message}</p>
            <p class="muted mono small repeated-text">{oneLine(call.text)}</p>
          </div>
          <div class="verdict-end">
            <span class="muted">{call.application}</span>
            <a
              href={to(
                call.statement === null ? `/queries/application/${call.fingerprint}` : `/queries/${call.statement}`,
              )}
            >
              Statement
            </a>
          </div>
        </li>
      ))}
    </ul>
  );
}
