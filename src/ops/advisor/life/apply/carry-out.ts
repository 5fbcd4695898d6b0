import type { ChangeSession } from '../../../../engine/postgres/index.ts';
import { messageOf, PitcrewError, toPitcrewError } from '../../../../errors.ts';
import type { AdviceState, StoredAdvice } from '../../../store/index.ts';
import type { Finding, Remedy } from '../../types.ts';
import { allowedFrom } from '../states.ts';
import type { Desk } from '../desk.ts';
import { cleanUpAfter, takeBackIndexes } from './clean-up.ts';
import { sessionForChanges } from './lock.ts';
import { type Changer, runLogged } from './logged.ts';
import { type Preflight, preflight } from './preflight.ts';
import { followProgress } from './progress.ts';
import { reconcile } from './reconcile.ts';
import { statementsToRun } from './statements-in.ts';

export interface Order {
  advice: StoredAdvice;
  purpose: 'apply' | 'undo';
  /** Who asks for it. */
  by: string;
  reason?: string | undefined;
  /** Run it although something could not be told beforehand. */
  force: boolean;
  signal: AbortSignal;
}

/** A change that has begun. */
export interface Begun {
  advice: StoredAdvice;
  /** Resolves when it has ended, well or not; never rejects. */
  ended: Promise<void>;
}

/** Looks whether it can be run now, and changes nothing. */
export async function inspect(desk: Desk, advice: StoredAdvice, purpose: Order['purpose']): Promise<Preflight> {
  const statements = statementsToRun(advice, purpose);
  const session = await sessionForChanges(desk.url);
  try {
    return await preflight(session, desk.url, needsOf(advice, purpose), statements, desk.patience.longTransactionMs);
  } finally {
    await session.close();
  }
}

function needsOf({ finding }: StoredAdvice, purpose: Order['purpose']): Pick<Remedy, 'needsBytes'> {
  const { remedy, gain } = finding as Finding;
  // What was dropped takes its room again.
  const bytes = purpose === 'apply' ? remedy?.needsBytes : remedy?.kind === 'drop-index' ? gain?.bytes : undefined;
  return bytes === undefined ? {} : { needsBytes: bytes };
}

/**
 * Begins to apply or undo advice; comes back when it is under way.
 * @throws {PitcrewError} `E_UNSAFE` with the reasons; `E_CONFLICT` when something else is under way, or the advice is in another state;
 * `E_UNSUPPORTED`; of connecting; `E_STORE_UNAVAILABLE`.
 */
export async function begin(desk: Desk, order: Order): Promise<Begun> {
  const { advice, purpose, by, reason } = order;
  const statements = statementsToRun(advice, purpose);
  const session = await sessionForChanges(desk.url);
  try {
    const found = await preflight(
      session,
      desk.url,
      needsOf(advice, purpose),
      statements,
      desk.patience.longTransactionMs,
    );
    refuse(found, order.force);
    const at = new Date();
    const taken = await desk.store.change({
      targetId: desk.targetId,
      id: advice.id,
      from: allowedFrom[purpose],
      to: purpose === 'apply' ? 'applying' : 'undoing',
      by,
      reason,
      at,
      ...(purpose === 'apply' ? { applyBeganAt: at, measurement: null } : {}),
    });
    if (!taken) throw notInState(advice, purpose);
    desk.tell(taken);
    const ended = carryOut(desk, { ...order, advice: taken }, session, statements, advice.state);
    return { advice: taken, ended };
  } catch (error) {
    await session.close();
    throw error;
  }
}

function refuse({ refusals, doubts }: Preflight, force: boolean): void {
  if (refusals.length > 0) {
    throw new PitcrewError('E_UNSAFE', 'it is not run now', {
      detail: refusals.map(asSentence).join(' '),
      hint: 'Try again when that is over.',
    });
  }
  if (doubts.length > 0 && !force) {
    throw new PitcrewError('E_UNSAFE', 'whether it is safe could not be told', {
      detail: doubts.map(asSentence).join(' '),
      hint: 'If you know that it is, say so: --yes, or "force": true.',
    });
  }
}

const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export function notInState(advice: StoredAdvice, action: keyof typeof allowedFrom): PitcrewError {
  return new PitcrewError('E_CONFLICT', `advice ${advice.id} cannot be ${pastOf[action]} now`, {
    detail: `It is ${advice.state}, or was changed at this moment; it has to be ${allowedFrom[action].join(' or ')}.`,
  });
}

const pastOf = { apply: 'applied', undo: 'undone', dismiss: 'dismissed', reopen: 'reopened' } as const;

async function carryOut(
  desk: Desk,
  { advice, purpose, by, signal }: Order,
  session: ChangeSession,
  statements: readonly string[],
  before: AdviceState,
): Promise<void> {
  const follower = followProgress({ url: desk.url, pid: session.pid, of: statements.length }, async (progress) => {
    await desk.store.setProgress(advice.id, progress);
    desk.tell({ ...advice, progress });
  });
  const changer: Changer = {
    ...desk,
    session,
    adviceId: advice.id,
    subject: advice.key,
    askedBy: by,
    signal,
    onRetry: (attempt, of) => follower.phase(`waiting to try again: attempt ${attempt} of ${of}`),
  };
  let failure: PitcrewError | undefined;
  try {
    for (const [position, statement] of statements.entries()) {
      follower.statement(position + 1);
      await runLogged(changer, { purpose, position, statement }, (seen) => cleanUpAfter(changer, statement, seen));
    }
  } catch (error) {
    failure = toPitcrewError(error);
  }
  try {
    await follower.stop();
    if (failure?.code !== 'E_OUTCOME_UNKNOWN') await conclude(desk, changer, advice, purpose, before, failure);
  } catch (error) {
    desk.logger.error({ advice: advice.id, reason: messageOf(error) }, 'what became of a change could not be written');
  } finally {
    await session.close();
  }
  // The session is gone, and with it the lock: what is left is looked at with another one, now or at the next look.
  if (failure?.code === 'E_OUTCOME_UNKNOWN') await reconcile(desk).catch(() => {});
}

async function conclude(
  desk: Desk,
  changer: Changer,
  advice: StoredAdvice,
  purpose: Order['purpose'],
  before: AdviceState,
  failure: PitcrewError | undefined,
): Promise<void> {
  const at = new Date();
  const { id, targetId } = advice;
  const by = changer.askedBy;
  if (failure && purpose === 'apply') {
    const log = await desk.store.changes({ targetId, adviceId: id, since: advice.stateSince, limit: 1000 });
    await takeBackIndexes(
      changer,
      log.filter((entry) => entry.purpose === 'apply'),
    );
  }
  const change = { targetId, id, by, at, reason: failure && explain(failure) };
  const changed =
    purpose === 'apply'
      ? await desk.store.change({
          ...change,
          from: ['applying'],
          ...(failure ? { to: 'failed' } : { to: 'applied', appliedAt: at }),
        })
      : await desk.store.change({
          ...change,
          from: ['undoing'],
          ...(failure ? { to: before } : { to: 'undone', declined: true }),
        });
  if (changed) desk.tell(changed);
  desk.logger.info(
    { database: desk.name, advice: id, key: advice.key, by, outcome: failure ? failure.message : 'done' },
    purpose === 'apply' ? 'advice applied' : 'advice undone',
  );
}

function explain({ message, detail }: PitcrewError): string {
  return detail ? `${message}: ${detail}` : message;
}
