import { openCheckContext } from '../../checks/context.ts';
import { type CheckResult, runChecks } from '../../checks/run.ts';
import { planChangeCheck, planChangeId } from '../../plans/plan-change-check.ts';
import type { History } from '../../../store/index.ts';
import type { CheckAnswer, Machine } from '../../types.ts';
import { count } from '../../../words/index.ts';
import { indexHistoryOf } from './index-history.ts';
import type { CheckReport } from './reports.ts';

export interface CheckRound {
  name: string;
  url: string;
  targetId: number;
  history: History;
  replicas: readonly { name: string; url: string }[];
  machine: Machine | null;
  /** Only these checks; all by default. */
  only?: readonly string[];
}

/** Asks all checks of a database and its replicas. Throws when the database cannot be reached, or the store. */
export async function checkRound(round: CheckRound): Promise<CheckResult[]> {
  const { name, url, replicas, machine, only } = round;
  const indexHistory = await indexHistoryOf(round.history, round.targetId, new Date());
  await using context = await openCheckContext({ name, url, replicas, machine, indexHistory });
  // Awaited here: the sessions end with this block.
  const results = await runChecks(context, only ? { only } : {});
  if (only && !only.includes(planChangeId)) return results;
  return [...results, await planChangeCheck(round.history, round.targetId, new Date())];
}

/** What is kept of a round; its findings are advice of their own. */
export function checkReport(results: readonly CheckResult[]): CheckReport {
  return {
    answers: results.map(({ check, title, answer, ms }) => ({
      check,
      title,
      ms: Math.round(ms),
      status: answer.status,
      findings: answer.status === 'found' ? answer.findings.length : 0,
      more: moreIn(answer),
      message: messageOf(answer),
    })),
  };
}

function messageOf(answer: CheckAnswer): string {
  if (answer.status === 'unknown') return [answer.reason, answer.fix].filter(Boolean).join(' – ');
  const untold = (answer.untold ?? []).map(({ reason }) => reason);
  const more = moreIn(answer);
  return [
    ...(answer.status === 'fine' ? [answer.message] : []),
    ...(more > 0 ? [`${count(more)} more were found; they are listed when the graver ones are done.`] : []),
    ...untold,
  ].join(' ');
}

function moreIn(answer: CheckAnswer): number {
  return answer.status === 'found' ? (answer.more ?? 0) : 0;
}
