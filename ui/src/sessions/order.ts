import type { Session } from '../../../src/server/api/sessions.ts';

/** What a session is about, for sorting and folding: what waits or works comes before what may be in the way, idle ones last. */
export type SessionGroup = 'blocked' | 'active' | 'in-transaction' | 'idle' | 'background';

/** A parallel worker does a client's work, so it counts as one. */
const clientTypes = ['client backend', 'parallel worker'];

export function groupOf(session: Session): SessionGroup {
  if (!clientTypes.includes(session.backendType)) return 'background';
  if (session.blockedBy.length > 0) return 'blocked';
  if (session.state === 'idle' || session.state === null || session.state === 'disabled') return 'idle';
  return session.state.startsWith('idle in transaction') ? 'in-transaction' : 'active';
}

const rank: Record<SessionGroup, number> = { blocked: 0, active: 1, 'in-transaction': 2, idle: 3, background: 4 };

/** What the eye should meet first: by group, then the longest. */
export function ordered(sessions: readonly Session[]): Session[] {
  const key = (session: Session) => session.transactionSeconds ?? session.querySeconds ?? session.stateSeconds ?? 0;
  return sessions.toSorted((a, b) => rank[groupOf(a)] - rank[groupOf(b)] || key(b) - key(a) || a.pid - b.pid);
}

/** Whether every word of the search is found in what the row shows. */
export function matches(session: Session, search: string): boolean {
  const text = [
    session.pid,
    session.user,
    session.database,
    session.application,
    session.client,
    session.state,
    session.waitType,
    session.waitEvent,
    session.query,
  ]
    .join(' ')
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
