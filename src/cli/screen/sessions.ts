import type { ActivitySnapshot, Session } from '../../ops/monitor/index.ts';
import { paint } from '../output.ts';
import { formatMs, oneLine } from './format.ts';
import { renderTable } from './table.ts';

const mostSessions = 10;
/** What the columns before the statement take at most, with the gaps between them. */
const beforeStatement = 58;

/** Sessions by state, and those at work: the oldest first. */
export function sessionLines(activity: ActivitySnapshot | undefined, now: Date, columns: number): string[] {
  if (!activity) return [];
  const states = Object.entries(activity.byState).map(([state, count]) => `${count} ${state}`);
  const busy = activity.sessions
    .filter(
      ({ state, own, backendType }) => backendType === 'client backend' && !own && state !== 'idle' && state !== null,
    )
    .toSorted((a, b) => age(b, now) - age(a, now));
  const title = `${paint('bold', 'Sessions')}  ${states.join(', ') || 'none'}`;
  if (busy.length === 0) return [title];
  const rows = busy
    .slice(0, mostSessions)
    .map((session) => [
      String(session.pid),
      formatMs(age(session, now)),
      stateOf(session),
      oneLine(session.user ?? '', 12),
      oneLine(session.query, columns - beforeStatement),
    ]);
  return [
    title,
    ...renderTable(
      [
        { title: paint('dim', '    pid'), align: 'right' },
        { title: paint('dim', 'for'), align: 'right' },
        { title: paint('dim', 'state') },
        { title: paint('dim', 'user') },
        { title: paint('dim', 'statement') },
      ],
      rows,
    ),
    ...(busy.length > mostSessions ? [paint('dim', `  … and ${busy.length - mostSessions} more`)] : []),
  ];
}

/** What a session does, in few letters: whom it waits for, what it waits for, or its state. */
function stateOf({ state, waitType, waitEvent, blockedBy }: Session): string {
  if (blockedBy.length > 0) return paint('red', oneLine(`waits for ${blockedBy.join(',')}`, 18));
  if (state !== 'active') return (state ?? '').replace('idle in transaction', 'idle in tx');
  return waitType === null ? 'on CPU' : oneLine(`${waitType} ${waitEvent ?? ''}`, 18);
}

/** How long a session has been in its state, or its transaction open, whichever is longer. */
function age(session: Session, now: Date): number {
  const since = session.transactionStart ?? session.stateChange ?? session.queryStart;
  return since ? Math.max(0, now.getTime() - since.getTime()) : 0;
}
