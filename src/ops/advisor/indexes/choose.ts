import type { CostEntry, Selection, SelectionProblem } from '../select/types.ts';
import type { Priced, StatementCosts } from './costs/explore.ts';
import type { Weights } from './weights.ts';

/** What an index costs beside what it saves. */
export interface IndexPrice {
  bytes: number;
  writeCost: number;
}

/** The choice of a set of indexes as a problem of its own: nothing of databases is left in it. */
export function selectionProblem(
  costs: ReadonlyMap<string, StatementCosts>,
  weights: Weights,
  priceOf: (id: string) => IndexPrice,
  budget: number,
): SelectionProblem {
  const used = new Set([...costs.values()].flatMap(({ entries }) => entries.flatMap(({ uses }) => uses)));
  const queries = [...costs.keys()].map((id) => ({ id, weight: weights.of.get(id) ?? 0 }));
  const indexes = Array.from(used, (id) => {
    const { bytes, writeCost } = priceOf(id);
    return { id, size: bytes, writeCost };
  });
  const entries = [...costs.values()].flatMap(({ id, base, entries: found }): CostEntry[] => [
    { query: id, indexes: [], cost: base.cost },
    ...found.map(({ uses, cost }) => ({ query: id, indexes: uses, cost })),
  ]);
  return { queries, indexes, costs: entries, budget };
}

/** What a statement costs under a set: its cheapest entry whose indexes are all there. */
export function costUnder({ base, entries }: StatementCosts, chosen: ReadonlySet<string>): Priced {
  return entries.find(({ uses, cost }) => cost < base.cost && uses.every((id) => chosen.has(id))) ?? base;
}

/** The chosen indexes that some statement uses, so that none is advised for nothing. */
export function usedOf(selection: Selection, costs: ReadonlyMap<string, StatementCosts>): string[] {
  const chosen = new Set(selection.selected);
  const used = new Set([...costs.values()].flatMap((each) => costUnder(each, chosen).uses));
  return selection.selected.filter((id) => used.has(id));
}
