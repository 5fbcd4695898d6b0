import type { Skipped } from '../../../../engine/postgres/index.ts';
import type { CheckAnswer, Evidence, Finding, Untold } from '../../types.ts';
import { judged, judgedWholly, unknown } from '../answers.ts';

export { unknown };

/** Found when there are findings, else fine. */
export function answer(
  findings: readonly Finding[],
  fine: string,
  more: { evidence?: readonly Evidence[]; untold?: readonly Untold[] } = {},
): CheckAnswer {
  return judged({ findings, fine, ...more });
}

/** As `answer`, but unknown when there are no findings and something could not be told. */
export function answerWholly(
  findings: readonly Finding[],
  fine: string,
  more: { evidence?: readonly Evidence[]; untold?: readonly Untold[] } = {},
): CheckAnswer {
  return judgedWholly({ findings, fine, ...more });
}

/** What could not be read, as parts that could not be told. */
export function untoldOf(skipped: readonly Skipped[]): Untold[] {
  return skipped.map(({ subject, reason, fix }) => ({ reason: `${subject}: ${reason}`, fix }));
}

/** The answer where what a check needs could not be read at all. */
export function notReadable(skipped: readonly Skipped[], what: string): CheckAnswer {
  const [first] = untoldOf(skipped);
  return first ? { status: 'unknown', ...first } : unknown(`${what} gave nothing to judge`);
}

/** The answer of a check that only makes sense where data is changed. */
export const judgedOnPrimary: CheckAnswer = Object.freeze({
  status: 'unknown',
  reason: 'This server is a standby, which only replays: ask its primary',
  fix: null,
});
