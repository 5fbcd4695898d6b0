import { PitcrewError } from '../../../../errors.ts';
import type { StoredAdvice } from '../../../store/index.ts';
import type { Finding } from '../../types.ts';

/** The statements of advice's remedy, none where it has none. */
export function statementsIn({ finding }: Pick<StoredAdvice, 'finding'>, purpose: 'apply' | 'undo'): readonly string[] {
  const { remedy } = finding as Finding;
  return (purpose === 'apply' ? remedy?.fix : remedy?.undo) ?? [];
}

/** What is to be run for it. Throws `E_UNSUPPORTED` where there is nothing, or nothing that Pitcrew may run. */
export function statementsToRun(advice: StoredAdvice, purpose: 'apply' | 'undo'): readonly string[] {
  const { remedy } = advice.finding as Finding;
  const statements = statementsIn(advice, purpose);
  if (statements.length > 0 && (purpose === 'undo' || remedy?.appliable)) return statements;
  throw purpose === 'undo'
    ? new PitcrewError('E_UNSUPPORTED', 'there is nothing to undo it with', {
        detail: `Its kind is ${advice.kind || 'a finding alone'}.`,
      })
    : new PitcrewError('E_UNSUPPORTED', 'this is for a person to do', {
        detail: remedy?.riskDetail,
        hint: 'Pitcrew does not run it by itself.',
      });
}
