import type { Skipped } from '../../../../engine/postgres/index.ts';
import type { CheckAnswer, Evidence, Finding, Severity, Untold } from '../../types.ts';

const rank: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };

/** Found when there are findings, the gravest first, else fine. */
export function answer(
  findings: readonly Finding[],
  fine: string,
  more: { evidence?: readonly Evidence[]; untold?: readonly Untold[] } = {},
): CheckAnswer {
  const untold = more.untold && more.untold.length > 0 ? { untold: more.untold } : {};
  if (findings.length > 0) {
    return {
      status: 'found',
      findings: findings.toSorted((a, b) => rank[a.severity] - rank[b.severity]),
      ...untold,
    };
  }
  return { status: 'fine', message: fine, ...(more.evidence ? { evidence: more.evidence } : {}), ...untold };
}

export function cannotTell(reason: string, fix: string | null = null): CheckAnswer {
  return { status: 'unknown', reason, fix };
}

/** What could not be read, as parts that could not be told. */
export function untoldOf(skipped: readonly Skipped[]): Untold[] {
  return skipped.map(({ subject, reason, fix }) => ({ reason: `${subject}: ${reason}`, fix }));
}

/** The answer where what a check needs could not be read at all. */
export function notReadable(skipped: readonly Skipped[], what: string): CheckAnswer {
  const [first] = untoldOf(skipped);
  return first ? { status: 'unknown', ...first } : cannotTell(`${what} gave nothing to judge`);
}

/** The answer of a check that only makes sense where data is changed. */
export const judgedOnPrimary: CheckAnswer = Object.freeze({
  status: 'unknown',
  reason: 'This server is a standby, which only replays: ask its primary',
  fix: null,
});
