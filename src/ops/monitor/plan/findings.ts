import { type PlanNode, readPlan } from './node.ts';
import { crossJoin, filteredScan, lossyIndex, repeatedScan, rescannedSubquery } from './reading-rules.ts';
import type { PlanContext, PlanFinding, PlanRule } from './rule.ts';
import { functionGuess, skippedRows, spillingHash, spillingSort } from './work-rules.ts';

const rules: readonly PlanRule[] = [
  crossJoin,
  repeatedScan,
  rescannedSubquery,
  filteredScan,
  lossyIndex,
  spillingSort,
  spillingHash,
  skippedRows,
  functionGuess,
];

/**
 * What a plan of EXPLAIN (FORMAT JSON), not run, says for certain: only estimates are known, so the findings speak of
 * "about". Warnings first, in each the costliest node first. Nothing for what is no plan.
 */
export function planFindings(plan: unknown, context: PlanContext = {}): PlanFinding[] {
  const root = readPlan(plan);
  if (!root) return [];
  const found: { finding: PlanFinding; cost: number }[] = [];
  const walk = (node: PlanNode, parent: PlanNode | undefined): void => {
    for (const rule of rules) {
      const finding = rule(node, parent, context);
      if (finding) found.push({ finding, cost: node.totalCost });
    }
    for (const child of node.children) walk(child, node);
  };
  walk(root, undefined);
  const rank = { warning: 0, info: 1 };
  return found
    .toSorted((a, b) => rank[a.finding.severity] - rank[b.finding.severity] || b.cost - a.cost)
    .map(({ finding }) => finding);
}
