import type { Session } from '../../../src/server/api/sessions.ts';
import { StatusBadge, type Tone } from '../components/status.tsx';
import type { Column } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { seconds } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';
import { ActionButtons, type PendingAction } from './action-dialog.tsx';
import { groupOf } from './order.ts';

export function sessionColumns(enabled: boolean, act: (action: PendingAction) => void): Column<Session>[] {
  return [
    { id: 'pid', title: 'pid', cell: (row) => <span class="mono">{row.pid}</span> },
    { id: 'state', title: 'State', bare: true, cell: (row) => <SessionState session={row} /> },
    {
      id: 'query',
      title: 'Statement',
      hint: 'The current one, or the last of an idle session',
      wide: true,
      cell: (row) => <SessionQuery session={row} />,
    },
    {
      id: 'running',
      title: 'Running',
      hint: 'Since the statement began',
      numeric: true,
      cell: (row) => <Value of={seconds(runningOf(row))} />,
    },
    {
      id: 'transaction',
      title: 'Transaction',
      hint: 'Since the transaction began',
      numeric: true,
      cell: (row) => <Value of={seconds(row.transactionSeconds)} />,
    },
    {
      id: 'user',
      title: 'User',
      priority: 'medium',
      inCards: true,
      cell: (row) => (row.user === null ? '–' : `${row.user}@${row.database ?? '–'}`),
    },
    {
      id: 'application',
      title: 'Application',
      priority: 'medium',
      inCards: true,
      cell: (row) => <span class="application">{row.application || '–'}</span>,
    },
    { id: 'client', title: 'Client', priority: 'low', cell: (row) => row.client ?? 'local' },
    {
      id: 'connected',
      title: 'Connected',
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={seconds(row.backendSeconds)} />,
    },
    {
      id: 'actions',
      title: 'Actions',
      bare: true,
      priority: enabled ? 'high' : 'medium',
      cell: (row) => <ActionButtons session={row} enabled={enabled} act={act} />,
    },
  ];
}

/** How long the statement has run; for one that is over, nothing. */
function runningOf(session: Session): number | null {
  return session.state === 'active' || session.state === 'fastpath function call' ? session.querySeconds : null;
}

const tones: Record<ReturnType<typeof groupOf>, Tone> = {
  blocked: 'critical',
  active: 'ok',
  'in-transaction': 'warning',
  idle: 'unknown',
  background: 'unknown',
};

function SessionState({ session }: { session: Session }) {
  const group = groupOf(session);
  const word =
    group === 'background' ? session.backendType : group === 'blocked' ? 'blocked' : (session.state ?? 'not known');
  const icon =
    group === 'blocked' ? 'lock' : group === 'in-transaction' ? 'clock' : group === 'active' ? 'overview' : 'steady';
  return (
    <div class="session-state">
      <StatusBadge tone={tones[group]} icon={icon} plain>
        {word}
      </StatusBadge>
      <span class="small muted">{waitText(session)}</span>
    </div>
  );
}

function waitText(session: Session): string {
  if (session.blockedBy.length > 0) return `by ${session.blockedBy.join(', ')}`;
  if (session.state !== 'active') return '';
  return session.waitType === null ? 'on CPU' : `${session.waitType}: ${session.waitEvent ?? ''}`;
}

export function SessionQuery({ session }: { session: Session }) {
  const text = session.query === '' ? '–' : oneLine(session.query);
  return (
    <span class="statement-link session-query" title={text.slice(0, 500)}>
      {text}
    </span>
  );
}
