import { readableIdentifier } from '../../../../sql/index.ts';
import type { Session } from '../../types.ts';
import { type CheckDefinition, graded, type Judgement, ok, unknown } from '../check.ts';
import type { HealthInput } from '../input.ts';
import { clientSessions, notRead, sessionName } from '../reading.ts';
import { counted, duration } from '../../../words/index.ts';

const subjects = ['activity', 'statistics of other users'];

function secondsSince(input: HealthInput, date: Date | null): number {
  return date && input.activity ? Math.max(0, (input.activity.at.getTime() - date.getTime()) / 1000) : 0;
}

function longest(sessions: readonly Session[], length: (session: Session) => number): Session | undefined {
  return sessions.toSorted((a, b) => length(b) - length(a))[0];
}

export const blockedSessions: CheckDefinition = {
  id: 'blocked-sessions',
  title: 'Blocked sessions',
  weight: 8,
  cap: 69,
  thresholds: 'warning from 5 s, critical from 60 s of waiting for the lock of another session',
  source: '`pg_stat_activity`, `pg_locks.waitstart`, `pg_blocking_pids()`',
  collector: 'activity',
  judge(input) {
    if (!input.activity) return notRead(input, 'The sessions', subjects);
    const blocked = input.activity.sessions.filter(({ blockedBy }) => blockedBy.length > 0);
    const waited = (session: Session): number => secondsSince(input, session.waitsFor?.since ?? null);
    const worst = longest(blocked, waited);
    if (!worst) return ok('No session waits for the lock of another', { blocked: 0 });
    const seconds = waited(worst);
    const blocker = rootBlocker(worst, input.activity.sessions);
    const message =
      `${counted(blocked.length, 'session')} ${blocked.length === 1 ? 'waits' : 'wait'} for a lock, the longest for ` +
      `${duration(seconds)}, behind ${blocker.session ? sessionName(blocker.session) : `pid ${blocker.pid}`}`;
    return graded(
      seconds,
      { warning: 5, critical: 60 },
      {
        fine: message,
        evidence: {
          blocked: blocked.length,
          longestSeconds: seconds,
          blockedPid: worst.pid,
          blockingPid: blocker.pid,
          relation: worst.waitsFor?.relation ?? null,
        },
        problem: { message, advice: blockerAdvice(blocker) },
      },
    );
  },
};

/** Follows the waiting sessions to one that waits for nobody; stops where they wait in a circle (a deadlock to be). */
function rootBlocker(from: Session, sessions: readonly Session[]): { pid: number; session: Session | undefined } {
  const byPid = new Map(sessions.map((session) => [session.pid, session]));
  const seen = new Set<number>([from.pid]);
  let pid = from.blockedBy[0] ?? 0;
  for (;;) {
    seen.add(pid);
    const next = byPid.get(pid)?.blockedBy.find((candidate) => !seen.has(candidate));
    if (next === undefined) return { pid, session: byPid.get(pid) };
    pid = next;
  }
}

function blockerAdvice({ pid, session }: { pid: number; session: Session | undefined }): string {
  // pg_blocking_pids gives 0 for a prepared transaction.
  if (pid === 0)
    return 'A prepared transaction holds the lock: find it in pg_prepared_xacts, then COMMIT or ROLLBACK PREPARED it.';
  if (session?.state?.startsWith('idle in transaction')) {
    return `The blocking session is idle in a transaction: let its application commit, or end it with SELECT pg_terminate_backend(${pid});`;
  }
  return `Wait for the blocking session, or cancel its statement with SELECT pg_cancel_backend(${pid});`;
}

function idleInTransactionSession(session: Session): boolean {
  return session.state?.startsWith('idle in transaction') ?? false;
}

export const longTransactions: CheckDefinition = {
  id: 'long-transactions',
  title: 'Long transactions',
  weight: 5,
  cap: 69,
  thresholds: 'warning from 15 minutes, critical from 4 hours (sessions idle in a transaction apart)',
  source: '`pg_stat_activity`: `xact_start`',
  collector: 'activity',
  judge: (input) =>
    oldest(input, {
      sessions: (session) => !idleInTransactionSession(session) && session.transactionStart !== null,
      since: (session) => session.transactionStart,
      thresholds: { warning: 15 * 60, critical: 4 * 3600 },
      none: 'No transaction is open for long',
      describe: (session, age) => `The transaction of ${sessionName(session)} has been open for ${age}`,
      advice: (pid) =>
        'Old transactions keep VACUUM from removing dead rows. Split the work into smaller transactions, or cancel it ' +
        `with SELECT pg_cancel_backend(${pid});`,
    }),
};

export const idleInTransaction: CheckDefinition = {
  id: 'idle-in-transaction',
  title: 'Idle in transaction',
  weight: 6,
  cap: 69,
  thresholds: 'warning from 1 minute, critical from 1 hour',
  source: '`pg_stat_activity`: `state`, `state_change`',
  collector: 'activity',
  judge: (input) =>
    oldest(input, {
      sessions: idleInTransactionSession,
      since: (session) => session.stateChange,
      thresholds: { warning: 60, critical: 3600 },
      none: 'No session is idle in a transaction for long',
      describe: (session, age) => `The session of ${sessionName(session)} has been idle in a transaction for ${age}`,
      advice: (pid) =>
        'It holds its locks and keeps VACUUM from removing dead rows. Let the application commit before it waits for ' +
        `anything else, set idle_in_transaction_session_timeout, or end it with SELECT pg_terminate_backend(${pid});`,
    }),
};

function oldest(
  input: HealthInput,
  subject: {
    sessions(session: Session): boolean;
    since(session: Session): Date | null;
    thresholds: { warning: number; critical: number };
    none: string;
    describe(session: Session, age: string): string;
    advice(pid: number): string;
  },
): Judgement {
  if (!input.activity) return notRead(input, 'The sessions', subjects);
  const age = (session: Session): number => secondsSince(input, subject.since(session));
  const all = clientSessions(input).filter(({ own }) => !own);
  const session = longest(
    all.filter((candidate) => subject.sessions(candidate)),
    age,
  );
  const seconds = session ? age(session) : 0;
  const hidden = all.filter((candidate) => candidate.state === null).length;
  if (hidden > 0 && seconds < subject.thresholds.warning) {
    return unknown(
      `The state of ${counted(hidden, 'session')} of other users is hidden from us`,
      `Run 'GRANT pg_monitor TO ${readableIdentifier(input.status.server?.user ?? 'pitcrew')};' as a superuser.`,
    );
  }
  if (!session) return ok(subject.none, { longestSeconds: 0 });
  return graded(seconds, subject.thresholds, {
    fine: subject.none,
    evidence: { longestSeconds: seconds, pid: session.pid, user: session.user, application: session.application },
    problem: { message: subject.describe(session, duration(seconds)), advice: subject.advice(session.pid) },
  });
}
