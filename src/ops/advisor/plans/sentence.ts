import type { PlanChange, StatementPlanChange } from '../../store/index.ts';
import type { Finding } from '../types.ts';

/** "slower since its plan changed at 14:02 UTC": what is said of a change, without the statement. */
export function changeSentence({ verdict, at, before, after }: PlanChange): string {
  const when = `its plan changed at ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (verdict !== 'slower' && verdict !== 'faster') return when;
  return `${verdict} since ${when}: ${milliseconds(before.meanUs)} before, ${milliseconds(after.meanUs)} after`;
}

function milliseconds(us: number): string {
  const ms = us / 1000;
  return `${ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3)} ms`;
}

/** A statement that is slower since its plan changed, as a finding. Only for changes with the verdict `slower`. */
export function planChangeFinding(change: StatementPlanChange): Finding {
  const { before, after, at, text, queryId } = change;
  const lost = (after.meanUs - before.meanUs) / 1000;
  return {
    check: 'plan-change',
    key: `plan-change:${change.statementId}:${change.toShape}`,
    severity: 'warning',
    subject: { kind: 'statement', name: queryId },
    title: `A statement is ${changeSentence(change)}`,
    explanation: `${shortened(text)} has another plan since then. Generic plans change when indexes come or go, and when statistics do: see what was dropped or analyzed at that time, and compare both plans.`,
    evidence: [
      { label: 'Mean before', value: before.meanUs / 1000, unit: 'ms' },
      { label: 'Mean after', value: after.meanUs / 1000, unit: 'ms' },
      { label: 'Calls before', value: before.calls },
      { label: 'Calls after', value: after.calls },
      { label: 'Plan changed at', value: at.toISOString() },
    ],
    gain: { text: `${lost.toPrecision(3)} ms of each call` },
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'low',
      riskDetail: 'What brings the former plan back is for a person to find: its page shows both plans.',
      appliable: false,
    },
  };
}

function shortened(text: string | null): string {
  const line = (text ?? 'A statement whose text is hidden').replaceAll(/\s+/g, ' ').trim();
  return line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}
