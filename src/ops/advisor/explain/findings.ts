import { crossJoin, joinFilter, manyLoops, memoizeEvictions, repeatedScan } from './rules/joins.ts';
import { misestimatedRows } from './rules/estimates.ts';
import { spillingAggregate, spillingHash, spillingSort, temporaryFiles } from './rules/memory.ts';
import { limitedSearch, skippedRows, sortForLimit } from './rules/order.ts';
import { disabledNode, missingWorkers } from './rules/processes.ts';
import {
  coldReads,
  filteredScan,
  heapFetches,
  indexSearches,
  lossyBitmap,
  lossyIndex,
  unprunedPartitions,
} from './rules/reading.ts';
import type { PlanContext, PlanFinding, PlanRule, WholeRule } from './rules/rule.ts';
import { functionGuess, materializedCte, rescannedSubquery } from './rules/subqueries.ts';
import { jitCost, planningTime, triggerTime } from './rules/whole.ts';
import { planOf } from './tree/plan.ts';
import type { ExplainedPlan } from './tree/types.ts';

const rules: readonly PlanRule[] = [
  crossJoin,
  repeatedScan,
  manyLoops,
  joinFilter,
  rescannedSubquery,
  materializedCte,
  filteredScan,
  lossyIndex,
  limitedSearch,
  sortForLimit,
  skippedRows,
  spillingSort,
  spillingHash,
  spillingAggregate,
  temporaryFiles,
  lossyBitmap,
  heapFetches,
  indexSearches,
  unprunedPartitions,
  misestimatedRows,
  functionGuess,
  memoizeEvictions,
  missingWorkers,
  disabledNode,
  coldReads,
];
const wholeRules: readonly WholeRule[] = [jitCost, triggerTime, planningTime];

/** More would be read by nobody: a plan of a thousand partitions can have the same finding for each. */
const mostFindings = 50;

/**
 * What stands out in a plan of EXPLAIN (FORMAT JSON), run or not. Of a plan that was not run only estimates are known, so the findings
 * speak of "about". Warnings first, in each the node that takes the largest share first. Nothing for what is no plan.
 */
export function planFindings(plan: unknown, context: PlanContext = {}): PlanFinding[] {
  const explained = planOf(plan);
  return explained ? findingsOf(explained, context) : [];
}

/** As `planFindings`, of a plan that was read already. */
export function findingsOf(plan: ExplainedPlan, context: PlanContext = {}): PlanFinding[] {
  const known = { ...settingsContext(plan), ...context };
  const found: { finding: PlanFinding; weight: number }[] = [];
  for (const node of plan.nodes) {
    for (const { id, look } of rules) {
      const what = look({ node, parent: plan.parentOf(node), plan, context: known });
      if (!what) continue;
      const { share } = plan.own(node);
      found.push({
        finding: { rule: id, ...what, node: node.label, nodeId: node.id, share },
        weight: plan.executed ? (share ?? 0) : (node.totalCost ?? 0),
      });
    }
  }
  for (const { id, look } of wholeRules) {
    const what = look(plan, known);
    if (what) found.push({ finding: { rule: id, ...what, node: 'Plan', nodeId: null, share: null }, weight: 0 });
  }
  const rank = { warning: 0, info: 1 };
  return found
    .toSorted((a, b) => rank[a.finding.severity] - rank[b.finding.severity] || b.weight - a.weight)
    .slice(0, mostFindings)
    .map(({ finding }) => finding);
}

/** What the plan itself tells of the settings it was made under (EXPLAIN's SETTINGS). */
function settingsContext({ settings }: ExplainedPlan): PlanContext {
  const workMem = bytesOf(settings['work_mem']);
  const multiplier = Number(settings['hash_mem_multiplier']);
  return {
    ...(workMem === undefined ? {} : { workMemBytes: workMem }),
    ...(multiplier >= 1 ? { hashMemMultiplier: multiplier } : {}),
  };
}

const units: Record<string, number> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

function bytesOf(setting: string | undefined): number | undefined {
  const found = /^(\d+)(B|kB|MB|GB|TB)?$/.exec(setting ?? '');
  return found ? Number(found[1]) * (units[found[2] ?? 'kB'] ?? 1) : undefined;
}
