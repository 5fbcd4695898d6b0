import type { HypotheticalIndex, WhatIf } from '../../../src/ops/whatif/index.ts';
import type { WorkloadQuery } from '../../../test/support/workloads/index.ts';
import type { Candidate } from './candidates.ts';

/** What spares less of the workload's cost is not worth an index. */
const leastShare = 1e-4;

export interface GreedyChoice {
  indexes: HypotheticalIndex[];
  /** As the backend estimates them, in bytes. */
  sizeBytes: number;
  /** Planned cost of the workload without and with them. */
  before: number;
  after: number;
  plans: number;
}

/**
 * Classic index selection (as of AutoAdmin and its kind): what spares most cost per byte, given all that was taken before, is taken next, as
 * long as it fits into the budget and spares anything.
 */
export async function greedySelection(
  whatIf: WhatIf,
  queries: readonly WorkloadQuery[],
  candidates: readonly Candidate[],
  budgetBytes: number,
): Promise<GreedyChoice> {
  let plans = 0;
  const costOf = async (id: string, add: readonly HypotheticalIndex[]): Promise<number> => {
    const query = queries.find((each) => each.id === id);
    if (!query) throw new Error(`there is no query ${id}`);
    plans += 1;
    const values = query.samples?.[0];
    const { cost } = await whatIf.plan({ text: query.text, ...(values ? { parameters: values } : {}) }, { add });
    return cost * (query.weight ?? 1);
  };
  const costs = new Map<string, number>();
  for (const { id } of queries) costs.set(id, await costOf(id, []));
  const before = sumOf(costs);
  const sizes = new Map<Candidate, number>();
  for (const candidate of candidates) sizes.set(candidate, await whatIf.size(candidate.index));

  const chosen: Candidate[] = [];
  let left = budgetBytes;
  for (;;) {
    const given = chosen.map(({ index }) => index);
    let best: { candidate: Candidate; costs: Map<string, number>; perByte: number } | undefined;
    // All are asked about again: some help only beside what was taken meanwhile.
    for (const candidate of candidates) {
      const size = sizes.get(candidate) ?? Infinity;
      if (size > left || chosen.includes(candidate)) continue;
      const now = new Map<string, number>();
      for (const id of candidate.queries) now.set(id, await costOf(id, [...given, candidate.index]));
      const spared = [...now].reduce((sum, [id, cost]) => sum + Math.max(0, (costs.get(id) ?? 0) - cost), 0);
      if (spared < before * leastShare) continue;
      if (!best || spared / size > best.perByte) best = { candidate, costs: now, perByte: spared / size };
    }
    if (!best) break;
    chosen.push(best.candidate);
    left -= sizes.get(best.candidate) ?? 0;
    for (const [id, cost] of best.costs) costs.set(id, Math.min(cost, costs.get(id) ?? cost));
  }
  return {
    indexes: chosen.map(({ index }) => index),
    sizeBytes: budgetBytes - left,
    before,
    after: sumOf(costs),
    plans,
  };
}

function sumOf(costs: ReadonlyMap<string, number>): number {
  return [...costs.values()].reduce((sum, cost) => sum + cost, 0);
}
