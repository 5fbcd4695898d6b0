import type { CheckAnswer, Evidence, Finding, Severity, Untold } from '../types.ts';

/** At most so many findings of a check are listed; how many more there are is told. */
export const mostFindings = 1000;
/** At most so many parts that could not be told are listed. */
const mostUntold = 20;

const gravity: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };

/** The check cannot know. `fix` is what would change that. */
export function unknown(reason: string, fix: string | null = null): CheckAnswer {
  return { status: 'unknown', reason, fix };
}

export interface Judged {
  /** The most important first among those of equal severity. */
  findings: readonly Finding[];
  /** How many there are beside them, which were not even described; less important all of them. */
  undescribed?: number;
  /** What is said when there are none. */
  fine: string;
  evidence?: readonly Evidence[];
  untold?: readonly Untold[];
}

/**
 * Found when there are findings, else fine. The list is bounded, the gravest first. What could not be told is grouped by its
 * reason before it is bounded.
 */
export function judged({ findings, undescribed = 0, fine, evidence, untold = [] }: Judged): CheckAnswer {
  const more = undescribed + Math.max(0, findings.length - mostFindings);
  const parts = untold.length > 0 ? { untold: bounded(untold) } : {};
  if (findings.length === 0) return { status: 'fine', message: fine, ...(evidence ? { evidence } : {}), ...parts };
  return {
    status: 'found',
    findings: findings.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]).slice(0, mostFindings),
    ...(more > 0 ? { more } : {}),
    ...parts,
  };
}

/** As `judged`, but unknown when there are no findings and something could not be told. */
export function judgedWholly(judgement: Judged): CheckAnswer {
  const [first, ...others] = judgement.untold ?? [];
  if (judgement.findings.length > 0 || !first) return judged(judgement);
  const rest = others.length > 0 ? ` (and ${others.length} more such reasons)` : '';
  return unknown(`${first.reason}${rest}`, first.fix);
}

function bounded(untold: readonly Untold[]): Untold[] {
  const shown = untold.slice(0, mostUntold);
  const rest = untold.length - shown.length;
  return rest > 0 ? [...shown, { reason: `${rest} more could not be told`, fix: null }] : shown;
}
