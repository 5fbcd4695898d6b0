import type { PlanFinding } from './rules/rule.ts';

/** Rules whose findings an index may answer. */
const rules: ReadonlySet<string> = new Set([
  'filtered-scan',
  'index-filter',
  'index-searches',
  'join-filter',
  'limited-search',
  'many-loops',
  'repeated-scan',
  'repeated-subquery',
  'sort-for-limit',
  'sort-spill',
  'trigger-time',
]);

/** Whether something stands out in a plan that an index might change. */
export function callsForIndex(findings: readonly Pick<PlanFinding, 'rule'>[]): boolean {
  return findings.some(({ rule }) => rules.has(rule));
}
