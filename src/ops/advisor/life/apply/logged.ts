import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeSession } from '../../../../engine/postgres/index.ts';
import { PitcrewError, toPitcrewError } from '../../../../errors.ts';
import type { AdviceStore, ChangePurpose } from '../../../store/index.ts';
import { look, type Seen } from './look.ts';
import { shapeOf } from './shape.ts';

/** How changes wait for locks. */
export interface ChangePatience {
  /** For locks that keep nobody from reading and writing; 30,000 by default. */
  gentleLockMs: number;
  /** For locks behind which others queue up; 1000 by default. */
  roughLockMs: number;
  /** How often a statement is tried when a lock does not come; 5 by default. */
  attempts: number;
  /** Before the second attempt, more before each further one, give or take a half; 2000 by default. */
  pauseMs: number;
  /** A transaction that lasts longer than this makes CREATE INDEX CONCURRENTLY and its like wait too long; 60,000 by default. */
  longTransactionMs: number;
}

export const usualPatience: ChangePatience = {
  gentleLockMs: 30_000,
  roughLockMs: 1000,
  attempts: 5,
  pauseMs: 2000,
  longTransactionMs: 60_000,
};

/** For whom and what statements are run. */
export interface Changer {
  session: ChangeSession;
  store: AdviceStore;
  targetId: number;
  adviceId: number | null;
  subject: string;
  askedBy: string;
  patience: ChangePatience;
  signal?: AbortSignal | undefined;
  /** Told before a statement is tried again. */
  onRetry?: ((attempt: number, of: number) => void) | undefined;
}

export interface LoggedStatement {
  purpose: ChangePurpose;
  position: number;
  statement: string;
}

/** Lock not available, deadlock: it may go better next time. */
const worthRetrying = new Set(['55P03', '40P01']);

/**
 * Runs a statement that changes the database. It is written down before, and completed after; tried again when a lock does not come, each
 * attempt an entry of its own. `tidy` removes what a failed attempt left.
 * @throws {PitcrewError} of the last attempt; `E_CONFLICT` when an index of that name exists; `E_STORE_UNAVAILABLE`: when it cannot be
 * written down, it is not run; when its end cannot be, that stays to be found out.
 */
export async function runLogged(
  changer: Changer,
  entry: LoggedStatement,
  tidy: (before: Seen) => Promise<void> = async () => {},
): Promise<void> {
  const { patience, signal } = changer;
  for (let attempt = 1; ; attempt++) {
    const { before, error } = await tryOnce(changer, entry);
    if (!error) return;
    // Whether the session is lost or not: the next one looks at what is left.
    if (error.code === 'E_OUTCOME_UNKNOWN') throw error;
    await tidy(before);
    if (!worthRetrying.has(error.sqlState ?? '') || attempt >= patience.attempts) throw explained(error);
    changer.onRetry?.(attempt + 1, patience.attempts);
    const pauseMs = patience.pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
    await delay(pauseMs, undefined, signal ? { signal } : {}).catch(() => {
      throw new PitcrewError('E_ABORTED', 'the change was given up while it waited for its next attempt');
    });
  }
}

async function tryOnce(
  { session, store, patience, signal, ...of }: Changer,
  { purpose, position, statement }: LoggedStatement,
): Promise<{ before: Seen; error?: PitcrewError }> {
  const shape = shapeOf(statement);
  const before = await look(session, shape);
  if (shape.verb === 'create-index' && before.index && !/\bIF\s+NOT\s+EXISTS\b/i.test(statement)) {
    throw new PitcrewError('E_CONFLICT', `an index called "${shape.index?.name}" exists already`, {
      hint: 'Run the checks again: the advice is older than the index, or the name is taken.',
    });
  }
  const { targetId, adviceId, subject, askedBy } = of;
  const id = await store.beginChange({
    targetId,
    adviceId,
    subject,
    askedBy,
    purpose,
    position,
    statement,
    at: new Date(),
    serverPid: session.pid,
    sessionBegan: session.startedAt,
    before,
  });
  const began = performance.now();
  const end = async (outcome: 'done' | 'failed' | 'cancelled', error?: PitcrewError): Promise<void> => {
    const at = new Date();
    const durationMs = performance.now() - began;
    await store.endChange(id, { outcome, at, durationMs, error: textOf(error), sqlState: error?.sqlState });
  };
  try {
    const lockTimeoutMs = shape.gentle ? patience.gentleLockMs : patience.roughLockMs;
    await session.run(statement, [], { statementTimeoutMs: 0, lockTimeoutMs, signal });
  } catch (thrown) {
    const error = toPitcrewError(thrown);
    // Nobody knows: it stays open until somebody has looked.
    if (error.code === 'E_OUTCOME_UNKNOWN') return { before, error };
    await end(error.code === 'E_ABORTED' ? 'cancelled' : 'failed', error);
    return { before, error };
  }
  await end('done');
  return { before };
}

function textOf(error: PitcrewError | undefined): string | undefined {
  if (!error) return undefined;
  return error.detail ? `${error.message}: ${error.detail}` : error.message;
}

function explained(error: PitcrewError): PitcrewError {
  if (error.sqlState !== '55P03') return error;
  return new PitcrewError('E_UNSAFE', 'a lock did not come in time, so that others would have had to wait', {
    detail: error.message,
    hint: 'Another session uses the table in its way: see the sessions and locks of the dashboard; try again at a calmer hour.',
    sqlState: error.sqlState,
    cause: error,
  });
}
