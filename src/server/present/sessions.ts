import type { ActivitySnapshot, Session as Sampled } from '../../ops/monitor/index.ts';
import type { BlockingNode, Session } from '../api/sessions.ts';

/** A sampled session with ages instead of times, so that a reader's clock does not matter. */
export function presentSession(session: Sampled, at: Date): Session {
  const seconds = (since: Date | null) =>
    since === null ? null : Math.max(0, (at.getTime() - since.getTime()) / 1000);
  return {
    pid: session.pid,
    database: session.database,
    user: session.user,
    application: session.application,
    client: session.client,
    backendType: session.backendType,
    state: session.state,
    waitType: session.waitType,
    waitEvent: session.waitEvent,
    queryId: session.queryId,
    query: session.query,
    backendSeconds: seconds(session.backendStart),
    transactionSeconds: seconds(session.transactionStart),
    querySeconds: seconds(session.queryStart),
    stateSeconds: seconds(session.stateChange),
    blockedBy: session.blockedBy,
    waitsFor:
      session.waitsFor === null
        ? null
        : {
            mode: session.waitsFor.mode,
            lockType: session.waitsFor.lockType,
            relation: session.waitsFor.relation,
            seconds: seconds(session.waitsFor.since),
          },
    own: session.own,
  };
}

/**
 * Who waits for whom, as a forest. Each session stands in it once, as near to a root as it can: a queue of a hundred
 * waiters, each of which waits for all before it, would otherwise have more paths than could ever be shown. A circle
 * (a deadlock not yet broken) gets its smallest pid as root.
 */
export function blockingForest(snapshot: ActivitySnapshot): { blocked: number; roots: BlockingNode[] } {
  const sessions = new Map(snapshot.sessions.map((session) => [session.pid, presentSession(session, snapshot.at)]));
  const blocked = [...sessions.values()].filter((session) => session.blockedBy.length > 0);
  const waitersOf = Map.groupBy(
    blocked.flatMap((waiter) => waiter.blockedBy.map((blocker) => ({ blocker, waiter }))),
    ({ blocker }) => blocker,
  );
  const placed = new Set<number>();
  const place = (pid: number): BlockingNode => {
    placed.add(pid);
    return { session: sessions.get(pid) ?? unseenSession(pid), waiting: [] };
  };
  const grow = (root: BlockingNode): BlockingNode => {
    for (const level = [root]; level.length > 0;) {
      const node = level.shift();
      for (const { waiter } of waitersOf.get(node?.session.pid ?? -1) ?? []) {
        if (placed.has(waiter.pid)) continue;
        const child = place(waiter.pid);
        node?.waiting.push(child);
        level.push(child);
      }
    }
    return root;
  };
  const blockers = [...waitersOf.keys()].toSorted((a, b) => a - b);
  const free = blockers.filter((pid) => (sessions.get(pid)?.blockedBy.length ?? 0) === 0);
  const roots = free.map(place).map(grow);
  for (const pid of blockers) if (!placed.has(pid)) roots.push(grow(place(pid)));
  return { blocked: blocked.length, roots };
}

/** A blocker that pg_stat_activity did not show; PostgreSQL gives 0 for a prepared transaction. */
function unseenSession(pid: number): Session {
  return {
    pid,
    database: null,
    user: null,
    application: '',
    client: null,
    backendType: pid === 0 ? 'prepared transaction' : 'unknown',
    state: null,
    waitType: null,
    waitEvent: null,
    queryId: null,
    query: '',
    backendSeconds: null,
    transactionSeconds: null,
    querySeconds: null,
    stateSeconds: null,
    blockedBy: [],
    waitsFor: null,
    own: false,
  };
}
