import type { AdviceState } from '../../store/index.ts';
import type { Finding, RemedyKind } from '../types.ts';

/** What can be asked of a piece of advice. */
export type AdviceAction = 'apply' | 'undo' | 'dismiss' | 'reopen';

/** In which states what can be asked for. */
export const allowedFrom: Readonly<Record<AdviceAction, readonly AdviceState[]>> = {
  apply: ['found', 'planned', 'failed'],
  undo: ['applied', 'measuring', 'kept'],
  dismiss: ['found', 'planned', 'failed'],
  reopen: ['dismissed', 'undone'],
};

/** States in which something is to be done, by somebody. */
export const openStates: readonly AdviceState[] = ['found', 'planned', 'applying', 'undoing', 'failed'];

/** What may be asked of advice that is in a state, by what is known of its remedy. */
export function actionsOf(state: AdviceState, { remedy }: Pick<Finding, 'remedy'>): AdviceAction[] {
  const possible: Record<AdviceAction, boolean> = {
    apply: remedy !== null && remedy.appliable && remedy.fix.length > 0,
    undo: remedy !== null && remedy.undo.length > 0,
    dismiss: true,
    reopen: true,
  };
  return (['apply', 'undo', 'dismiss', 'reopen'] as const).filter(
    (action) => possible[action] && allowedFrom[action].includes(state),
  );
}

/** How new advice begins: with what it was planned, or found alone. */
export function firstState({ gain }: Pick<Finding, 'gain'>): AdviceState {
  return gain?.workloadShare === undefined ? 'found' : 'planned';
}

const measured: ReadonlySet<RemedyKind> = new Set(['create-index', 'drop-index']);

/** Whether statements are measured before and after: of what changes their plans. The rest is looked for again by its check. */
export function isMeasured(kind: string): boolean {
  return (measured as ReadonlySet<string>).has(kind);
}
