import type { HypotheticalIndex } from '../../whatif/index.ts';
import type { CostEntry, Selection, SelectionProblem } from '../select/types.ts';
import type { StatementCosts } from './costs/explore.ts';
import type { Priced } from './costs/price.ts';
import type { Weights } from './weights.ts';

/** What an index costs beside what it saves. */
export interface IndexPrice {
  bytes: number;
  writeCost: number;
}

export interface ChoiceInput {
  costs: ReadonlyMap<string, StatementCosts>;
  weights: Weights;
  priceOf(id: string): IndexPrice;
  indexOf(id: string): HypotheticalIndex | undefined;
  /** Bytes. */
  budget: number;
  /** Share of the workload's cost that an index must spare, 0–1. */
  leastShare: number;
  /** Share that it must spare more if it were as large as all tables of the workload. */
  sizeShare: number;
  /** Size of these tables. */
  tableBytes: number;
}

/**
 * The choice of a set of indexes as a problem of its own: nothing of databases is left in it. Every index is charged the least
 * that it must spare, so that none is chosen for next to nothing, and more by its size, because it takes memory that other pages are
 * read from; and an elaborate one must make a plan cheaper by more than a plain one does.
 */
export function selectionProblem(input: ChoiceInput): SelectionProblem {
  const { costs, weights, priceOf, indexOf, budget, leastShare, sizeShare, tableBytes } = input;
  const used = new Set([...costs.values()].flatMap(({ entries }) => entries.flatMap(({ uses }) => uses)));
  const before = workloadCost(costs, weights, new Set());
  const elaborate = new Map(Array.from(used, (id) => [id, elaborateness(indexOf(id))]));
  return {
    queries: [...costs.keys()].map((id) => ({ id, weight: weights.of.get(id) ?? 0 })),
    indexes: Array.from(used, (id) => {
      const { bytes, writeCost } = priceOf(id);
      const room = sizeShare * (tableBytes > 0 ? bytes / tableBytes : 0);
      const least = leastShare + room + shareOfWorkload * (elaborate.get(id) ?? 0);
      return { id, size: bytes, writeCost: writeCost + least * before };
    }),
    costs: [...costs.values()].flatMap(({ id, base, entries }): CostEntry[] => [
      { query: id, indexes: [], cost: base.cost },
      ...entries.map(({ uses, cost }) => {
        const more = uses.reduce((sum, each) => sum + (elaborate.get(each) ?? 0), 0);
        return { query: id, indexes: uses, cost: cost * (1 + more) + more * shareOfBase * base.cost };
      }),
    ]),
    budget,
  };
}

/** Beside, as much must go away of what the statement costs without: 1 % for columns that are carried along. */
const shareOfBase = 0.1;
/** And of the workload: 0.3 % for a hash, which is smaller than a B-tree, but orders nothing. */
const shareOfWorkload = 0.02;

/**
 * By which share a plan must be cheaper for an index that is wider or serves fewer statements than a plain B-tree would: one with more
 * keys, one of a part of the rows, one that carries columns along, a hash.
 */
function elaborateness(index: HypotheticalIndex | undefined): number {
  if (!index) return 0;
  const { method, keys, include, where } = index;
  return (
    0.02 * (keys.length - 1) +
    (method === 'hash' ? 0.15 : 0) +
    (include.length > 0 ? 0.1 : 0) +
    (where === undefined ? 0 : 0.015)
  );
}

/** What a statement costs under a set: its cheapest entry whose indexes are all there. */
export function costUnder({ base, entries }: StatementCosts, chosen: ReadonlySet<string>): Priced {
  return entries.find(({ uses, cost }) => cost < base.cost && uses.every((id) => chosen.has(id))) ?? base;
}

/** What the statements of an hour cost under a set, without its upkeep. */
export function workloadCost(
  costs: ReadonlyMap<string, StatementCosts>,
  weights: Weights,
  chosen: ReadonlySet<string>,
): number {
  let sum = 0;
  for (const [id, each] of costs) sum += costUnder(each, chosen).cost * (weights.of.get(id) ?? 0);
  return sum;
}

/** The chosen indexes that some statement uses, so that none is advised for nothing. */
export function usedOf({ selected }: Selection, costs: ReadonlyMap<string, StatementCosts>): string[] {
  const chosen = new Set(selected);
  const used = new Set([...costs.values()].flatMap((each) => costUnder(each, chosen).uses));
  return selected.filter((id) => used.has(id));
}
