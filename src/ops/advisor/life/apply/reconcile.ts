import type { AdviceState, LoggedChange, StoredAdvice } from '../../../store/index.ts';
import type { Desk } from '../desk.ts';
import { cleanUpAfter, takeBackIndexes } from './clean-up.ts';
import { statementsIn } from './statements-in.ts';
import { trySessionForChanges } from './lock.ts';
import type { Changer } from './logged.ts';
import { look, outcomeOf, type Seen } from './look.ts';
import { shapeOf } from './shape.ts';

const by = 'pitcrew';

/**
 * Finds out, by looking at the database, what became of changes whose maker is gone: completes the log, removes what they left half done,
 * and brings the advice into the state that is true. Does nothing while somebody makes changes, which is when nobody is gone.
 * @throws {PitcrewError} of connecting and of the store.
 */
export async function reconcile(desk: Desk): Promise<void> {
  const { store, targetId } = desk;
  const underWay = await store.list({ targetId, states: ['applying', 'undoing'] });
  const open = await openChanges(desk);
  if (underWay.length === 0 && open.length === 0) return;
  const session = await trySessionForChanges(desk.url);
  if (!session) return;
  try {
    const changerOf = (adviceId: number | null, subject: string): Changer => ({
      ...desk,
      session,
      adviceId,
      subject,
      askedBy: by,
    });
    // What ended between the first look and the lock is not open any more.
    for (const change of (await openChanges(desk)).toReversed()) {
      await resolveChange(changerOf(change.adviceId, change.subject), change);
    }
    for (const { id } of underWay) {
      const advice = await store.get(targetId, id);
      if (advice) await settle(desk, changerOf(id, advice.key), advice);
    }
  } finally {
    await session.close();
  }
}

/** Maintenance looks after its own. */
async function openChanges({ store, targetId }: Desk): Promise<LoggedChange[]> {
  const open = await store.changes({ targetId, open: true, limit: 1000 });
  return open.filter(({ purpose }) => purpose !== 'maintenance');
}

async function resolveChange(changer: Changer, change: LoggedChange): Promise<void> {
  const shape = shapeOf(change.statement);
  const before = (change.before ?? {}) as Seen;
  const found = outcomeOf(shape, before, await look(changer.session, shape));
  await changer.store.endChange(change.id, {
    at: new Date(),
    durationMs: null,
    outcome: found?.outcome ?? 'unknown',
    resolution: `whoever ran it is gone; ${found?.resolution ?? 'the database does not show what became of it'}`,
  });
  if (found?.outcome === 'failed') await cleanUpAfter(changer, change.statement, before);
}

async function settle(desk: Desk, changer: Changer, advice: StoredAdvice): Promise<void> {
  const { id, targetId, state } = advice;
  if (state !== 'applying' && state !== 'undoing') return;
  const purpose = state === 'applying' ? 'apply' : 'undo';
  const since = advice.stateSince;
  const log = await desk.store.changes({ targetId, adviceId: id, since, limit: 1000 });
  const ofPurpose = log.filter((entry) => entry.purpose === purpose);
  const statements = statementsIn(advice, purpose);
  const done = await countDone(changer, statements, ofPurpose);
  const at = new Date();
  const change = { targetId, id, by, at };
  const reason = `whoever ${purpose === 'apply' ? 'applied' : 'undid'} it is gone; ${done} of ${statements.length} statements were done`;
  if (done === statements.length) {
    const appliedAt = ofPurpose.reduce((last, { beganAt }) => (beganAt > last ? beganAt : last), since);
    const changed =
      purpose === 'apply'
        ? await desk.store.change({ ...change, reason, from: ['applying'], to: 'applied', appliedAt })
        : await desk.store.change({ ...change, reason, from: ['undoing'], to: 'undone', declined: true });
    if (changed) desk.tell(changed);
    return;
  }
  if (purpose === 'apply') await takeBackIndexes(changer, ofPurpose);
  const to = purpose === 'apply' ? 'failed' : await stateBeforeUndo(desk, id);
  const changed = await desk.store.change({ ...change, reason, from: [state], to });
  if (changed) desk.tell(changed);
}

/** A statement is done when its last attempt was, or, of a half dropped index, when the clean-up has ended it. */
async function countDone(
  { session }: Changer,
  statements: readonly string[],
  log: readonly LoggedChange[],
): Promise<number> {
  let done = 0;
  for (const [position, statement] of statements.entries()) {
    // The youngest comes first.
    const last = log.find((entry) => entry.position === position);
    if (!last) continue;
    const shape = shapeOf(statement);
    const isGone = shape.verb === 'drop-index' && (await look(session, shape)).index === null;
    if (last.outcome === 'done' || isGone) done += 1;
  }
  return done;
}

async function stateBeforeUndo({ store }: Desk, id: number): Promise<AdviceState> {
  const events = await store.events(id);
  return events.findLast(({ to }) => to === 'undoing')?.from ?? 'kept';
}
