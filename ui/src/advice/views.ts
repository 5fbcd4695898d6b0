import type { AdviceList, AdviceSummary } from '../../../src/server/api/advice.ts';
import type { Query } from '../data/url-state.ts';

interface View {
  id: string;
  title: string;
  states: readonly AdviceSummary['state'][];
  /** Said when nothing is in it. */
  empty: string;
}

const toDecide: View = {
  id: 'open',
  title: 'To be decided',
  states: ['found', 'planned', 'failed'],
  empty: 'Nothing is to be decided',
};

/** Advice by what is to be done about it; `view` in the address names one of them. */
export const views: readonly View[] = [
  toDecide,
  {
    id: 'running',
    title: 'Under way',
    states: ['applying', 'undoing', 'applied', 'measuring'],
    empty: 'Nothing is under way',
  },
  { id: 'done', title: 'What came of it', states: ['kept', 'undone'], empty: 'Nothing was applied and measured yet' },
  { id: 'dismissed', title: 'Dismissed', states: ['dismissed'], empty: 'Nothing was dismissed' },
];

export function viewOf(query: Query): View {
  return views.find(({ id }) => id === query['view']) ?? toDecide;
}

export function countIn(counts: AdviceList['counts'], states: View['states']): number {
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}
