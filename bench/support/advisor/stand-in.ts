import type { Selection, SelectionProblem } from '../../../src/ops/advisor/index.ts';
/** Stands in for the exact choice until that is here: classic greedy over the cost matrix. */
export function selectIndexes({ queries, indexes, costs, budget }: SelectionProblem): Selection {
  const total = (set: ReadonlySet<string>) => {
    let sum = 0;
    for (const q of queries) {
      let best = Infinity;
      for (const e of byQuery.get(q.id) ?? []) if (e.cost < best && e.indexes.every((i) => set.has(i))) best = e.cost;
      sum += best * q.weight;
    }
    for (const i of indexes) if (set.has(i.id)) sum += i.writeCost;
    return sum;
  };
  const byQuery = Map.groupBy(costs, (e) => e.query);
  const size = new Map(indexes.map((i) => [i.id, i.size]));
  const sets = [
    ...new Map(costs.filter((e) => e.indexes.length).map((e) => [e.indexes.toSorted().join('\n'), e.indexes])).values(),
  ];
  const chosen = new Set<string>();
  const used = () => [...chosen].reduce((s, i) => s + (size.get(i) ?? 0), 0);
  for (;;) {
    const now = total(chosen);
    let best: { set: readonly string[]; ratio: number } | undefined;
    for (const set of sets) {
      const added = set.filter((i) => !chosen.has(i));
      const bytes = added.reduce((s, i) => s + (size.get(i) ?? 0), 0);
      if (added.length === 0 || used() + bytes > budget) continue;
      const gain = now - total(new Set([...chosen, ...added]));
      if (gain > now * 1e-4 && (!best || gain / bytes > best.ratio)) best = { set: added, ratio: gain / bytes };
    }
    if (!best) break;
    for (const i of best.set) chosen.add(i);
  }
  const cost = total(chosen);
  return { selected: [...chosen].toSorted(), cost, bound: 0, gap: 1, seconds: 0 };
}
