import type { AdviceDetail, LoggedChange } from '../../../src/server/api/advice.ts';
import { Card } from '../components/card.tsx';
import { StatusBadge, type Tone } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { milliseconds } from '../format/quantity.ts';
import { states } from './words.ts';

/** Changes of state, the youngest first: who, when and why. */
export function History({ history }: Pick<AdviceDetail, 'history'>) {
  return (
    <Card title="History">
      <ul class="advice-history">
        {history.toReversed().map(({ at, to, by, reason }) => (
          <li key={`${at} ${to}`}>
            <Time at={at} />
            <StatusBadge tone={states[to].tone} plain>
              {states[to].word}
            </StatusBadge>
            <span>
              <span class="muted">by {by}</span>
              {reason !== null && ` – ${reason}`}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

const outcomes: Readonly<Record<LoggedChange['outcome'], Tone>> = {
  done: 'ok',
  failed: 'critical',
  cancelled: 'warning',
  unknown: 'unknown',
};

const columns: Column<LoggedChange>[] = [
  {
    id: 'statement',
    title: 'Statement',
    wide: true,
    cell: ({ statement }) => (
      <span class="clip mono" title={statement}>
        {statement}
      </span>
    ),
  },
  { id: 'purpose', title: 'For', priority: 'medium', cell: ({ purpose }) => <span class="nowrap">{purpose}</span> },
  {
    id: 'outcome',
    title: 'Outcome',
    cell: ({ outcome, error, resolution, endedAt }) => (
      <span title={[error, resolution].filter(Boolean).join('; ')}>
        <StatusBadge tone={outcomes[outcome]} plain>
          {endedAt === null ? 'under way' : outcome}
        </StatusBadge>
      </span>
    ),
  },
  {
    id: 'took',
    title: 'Took',
    numeric: true,
    priority: 'low',
    cell: ({ durationMs }) => <Value of={milliseconds(durationMs)} />,
  },
  { id: 'at', title: 'Began', priority: 'low', cell: ({ beganAt }) => <Time at={beganAt} /> },
];

/** Statements that were run for it, the youngest first. */
export function Changes({ changes }: Pick<AdviceDetail, 'changes'>) {
  if (changes.length === 0) return null;
  return (
    <Card title="What was run" flush>
      <DataTable label="What was run" rows={changes} rowKey={({ id }) => id} columns={columns} />
    </Card>
  );
}
