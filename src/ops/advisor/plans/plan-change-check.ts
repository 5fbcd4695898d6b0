import { messageOf } from '../../../errors.ts';
import type { History } from '../../store/index.ts';
import type { CheckResult } from '../checks/run.ts';
import type { CheckAnswer } from '../types.ts';
import { planChangeFinding } from './sentence.ts';

/** Id of the check that says which statements are slower since their plan changed. */
export const planChangeId = 'plan-change';

/** A change is spoken of for so long. */
const spokenOfMs = 7 * 24 * 3_600_000;
const mostChanges = 1000;

/**
 * Says which statements are slower since their plan changed, from what was kept of their plans. A statement whose plan has changed again
 * since is judged by its latest change.
 */
export async function planChangeCheck(history: History, targetId: number, now: Date): Promise<CheckResult> {
  const began = performance.now();
  const answer = await ask(history, targetId, now);
  return {
    check: planChangeId,
    title: 'Statements that are slower since their plan changed',
    answer,
    ms: performance.now() - began,
  };
}

async function ask(history: History, targetId: number, now: Date): Promise<CheckAnswer> {
  try {
    const from = new Date(now.getTime() - spokenOfMs);
    const changes = await history.planChanges({ targetId, from, to: now, limit: mostChanges });
    const latest = new Map(changes.toReversed().map((change) => [change.statementId, change]));
    const findings = [...latest.values()]
      .filter(({ verdict }) => verdict === 'slower')
      .map((change) => planChangeFinding(change));
    if (findings.length > 0) return { status: 'found', findings };
    return {
      status: 'fine',
      message: 'No statement is known to be slower since its plan changed in the last seven days',
    };
  } catch (error) {
    return { status: 'unknown', reason: messageOf(error), fix: null };
  }
}
