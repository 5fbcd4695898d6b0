import { PitcrewError } from '../../../errors.ts';
import type { StoredAdvice } from '../../store/index.ts';
import { checks } from '../checks/index.ts';
import type { Finding } from '../types.ts';
import type { Desk } from './desk.ts';
import { type CheckRound, checkRound } from './run/check-round.ts';
import { mergeFindings } from './run/merge.ts';

/**
 * Asks the check of a piece of advice once more before it is applied: what it rests on may be gone by now.
 * @throws {PitcrewError} `E_CONFLICT` when it is not found any more, or is another by now: the advice is brought up to date then.
 */
export async function recheck(desk: Desk, round: Omit<CheckRound, 'only'>, advice: StoredAdvice): Promise<void> {
  if (!checks.some(({ id }) => id === advice.check)) return;
  const beganAt = new Date();
  const answers = await checkRound({ ...round, only: [advice.check] });
  const changes = mergeFindings([advice], answers, beganAt);
  const own = changes.filter((change) => change.type !== 'new');
  await desk.store.save(desk.targetId, own, { at: beganAt, by: 'pitcrew' });
  const [change] = own;
  if (change === undefined || change.type !== 'seen') {
    if (change === undefined) return;
    throw new PitcrewError('E_CONFLICT', 'it is not found any more', {
      detail: 'Its check was asked once more, and finds nothing to do.',
    });
  }
  const planned = (advice.finding as Finding).remedy?.fix ?? [];
  const now = (change.finding as Finding).remedy?.fix ?? [];
  if (JSON.stringify(planned) !== JSON.stringify(now)) {
    throw new PitcrewError('E_CONFLICT', 'its statements are others by now', {
      detail: 'Its check was asked once more; the advice is up to date now.',
      hint: 'Look at it again, then apply it.',
    });
  }
}
