import type { AdviceChange, AdviceState, KnownAdvice } from '../../../store/index.ts';
import { firstState } from '../states.ts';
import type { CheckAnswer, Finding } from '../../types.ts';
import { changedMuch } from './changed.ts';

/** What one check said in a run. */
export interface Answered {
  check: string;
  answer: CheckAnswer;
}

/**
 * What follows from a run for the advice that is known. What is new is found; what is seen again is brought up to date; what is gone is
 * resolved, unless its check could not tell everything. Nothing happens to advice whose state changed after the run began.
 */
export function mergeFindings(
  stored: readonly KnownAdvice[],
  answers: readonly Answered[],
  beganAt: Date,
): AdviceChange[] {
  const known = new Map(stored.map((advice) => [advice.key, advice]));
  const findings = answers.flatMap(({ answer }) => (answer.status === 'found' ? answer.findings : []));
  const unique = new Map(findings.map((finding) => [finding.key, finding]));
  const changes: AdviceChange[] = [];
  for (const finding of unique.values()) {
    const advice = known.get(finding.key);
    if (!advice) changes.push(asNew(finding));
    else if (advice.stateSince <= beganAt) changes.push(...seenAgain(advice, finding));
  }
  for (const advice of stored) {
    if (unique.has(advice.key) || advice.stateSince > beganAt) continue;
    changes.push(...gone(advice, answers.find(({ check }) => check === advice.check)?.answer));
  }
  return changes;
}

function asNew(finding: Finding): AdviceChange {
  const { key, check, severity, remedy } = finding;
  return { type: 'new', key, check, kind: remedy?.kind ?? '', severity, state: firstState(finding), finding };
}

function seenAgain(advice: KnownAdvice, finding: Finding): AdviceChange[] {
  const { id, state } = advice;
  const seen = {
    type: 'seen',
    id,
    state,
    kind: finding.remedy?.kind ?? '',
    severity: finding.severity,
    finding,
  } as const;
  const becomes = nextState(advice, finding);
  return becomes === null ? [] : [{ ...seen, ...becomes }];
}

/** Empty: it stays as it is; `null`: it is not touched, because what was applied is still to be judged. */
function nextState(advice: KnownAdvice, finding: Finding): { to?: AdviceState; reason?: string } | null {
  switch (advice.state) {
    case 'found':
    case 'planned':
      return firstState(finding) === advice.state ? {} : { to: firstState(finding), reason: 'found in another way' };
    case 'failed':
      return {};
    case 'dismissed':
    case 'undone': {
      const reason = changedMuch(advice.declinedFinding as Finding | null, finding);
      return reason === undefined ? {} : { to: firstState(finding), reason };
    }
    case 'resolved':
    case 'kept':
      return { to: firstState(finding), reason: 'found again' };
    case 'applied':
      return { to: firstState(finding), reason: 'found still after it was applied' };
    case 'applying':
    case 'undoing':
    case 'measuring':
      return null;
  }
}

/** Everything was looked at, and it is not there. */
function isTold(answer: CheckAnswer | undefined): boolean {
  if (answer === undefined || answer.status === 'unknown' || (answer.untold?.length ?? 0) > 0) return false;
  return answer.status === 'fine' || (answer.more ?? 0) === 0;
}

function gone(advice: KnownAdvice, answer: CheckAnswer | undefined): AdviceChange[] {
  if (!isTold(answer)) return [];
  const { id, state } = advice;
  if (state === 'found' || state === 'planned' || state === 'failed') {
    return [{ type: 'gone', id, state, to: 'resolved', reason: 'not found any more' }];
  }
  if (state === 'applied')
    return [{ type: 'gone', id, state, to: 'kept', reason: 'not found any more since it was applied' }];
  return [];
}
