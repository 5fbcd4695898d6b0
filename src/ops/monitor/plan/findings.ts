import { type PlanNode, readPlan } from './node.ts';
import { crossJoin, filteredScan, lossyIndex, repeatedScan, rescannedSubquery } from './reading-rules.ts';
import { functionGuess, skippedRows, spillingHash, spillingSort } from './work-rules.ts';

/** Something that a plan says and its reader should know. */
export interface PlanFinding {
  severity: 'info' | 'warning';
  /** The node that it is about: "Seq Scan on orders". */
  node: string;
  message: string;
  advice: string | null;
}

/** What is known beside the plan. */
export interface PlanContext {
  /** `work_mem` in bytes; without it nothing is said of sorts and hashes. */
  workMemBytes?: number;
  /** `hash_mem_multiplier`; 2 by default, as in PostgreSQL 15 and newer. */
  hashMemMultiplier?: number;
  /** Rows of tables, for scans: how many were read cannot be seen in a plan that was not run. */
  tables?: readonly { schema: string; name: string; estimatedRows: number | null; liveRows: number }[];
}

export type PlanRule = (node: PlanNode, parent: PlanNode | undefined, context: PlanContext) => PlanFinding | undefined;

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
