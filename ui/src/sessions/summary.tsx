import type { Sessions } from '../../../src/server/api/sessions.ts';
import { useUrl } from '../data/use-url.ts';
import { waitColor } from '../overview/wait-classes.ts';

/** Sessions counted by state and by what the active ones wait for; each count filters the list. */
export function Summary({ answer }: { answer: Sessions }) {
  const total = Object.values(answer.byState).reduce((sum, value) => sum + value, 0);
  return (
    <div class="card summary">
      <p>
        <strong class="summary-total">{total}</strong>
        <span class="muted">
          {answer.maxConnections === null ? ' sessions' : ` of ${answer.maxConnections} connections`}
        </span>
      </p>
      <Counts name="state" label="By state" counts={answer.byState} />
      <Counts name="wait" label="Active, by wait" counts={answer.byWait} colored />
    </div>
  );
}

function Counts({
  name,
  label,
  counts,
  colored,
}: {
  name: string;
  label: string;
  counts: Readonly<Record<string, number>>;
  colored?: boolean;
}) {
  const { query, here } = useUrl();
  const entries = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return (
    <div class="counts" role="group" aria-label={label}>
      <span class="small muted">{label}</span>
      {entries.length === 0 && <span class="small">none</span>}
      {entries.map(([key, value]) => {
        const chosen = query[name] === key;
        return (
          <a
            key={key}
            class="count-chip"
            href={here({ [name]: chosen ? null : key })}
            aria-current={chosen ? 'true' : undefined}
          >
            {colored && <span class="legend-key" style={{ background: `var(${waitColor(key)})` }} />}
            {key} <strong>{value}</strong>
          </a>
        );
      })}
    </div>
  );
}
