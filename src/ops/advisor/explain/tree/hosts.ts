import type { PlanNode } from './types.ts';

/**
 * For each node the one in whose figures its own are contained. That is its parent, except for a CTE, which runs when it is scanned
 * first, and for an InitPlan, which runs when its value is first needed.
 */
export function subplanHosts(
  nodes: readonly PlanNode[],
  parents: ReadonlyMap<PlanNode, PlanNode>,
): ReadonlyMap<PlanNode, PlanNode> {
  const hosts = new Map<PlanNode, PlanNode>();
  for (const node of nodes) {
    const parent = parents.get(node);
    if (parent) hosts.set(node, hostOf(node, nodes) ?? parent);
  }
  return hosts;
}

function hostOf(node: PlanNode, nodes: readonly PlanNode[]): PlanNode | undefined {
  if (node.relationship !== 'InitPlan' || node.subplanName === undefined) return undefined;
  const cte = /^CTE (.+)$/s.exec(node.subplanName)?.[1];
  if (cte !== undefined) {
    const scans = nodes.filter((other) => other.type === 'CTE Scan' && other.cteName === cte);
    return scans.toSorted((a, b) => timeOf(b) - timeOf(a))[0];
  }
  const names = [/^InitPlan \d+/.exec(node.subplanName)?.[0], /\$\d+/.exec(node.subplanName)?.[0]];
  const used = names.flatMap((name) => (name === undefined ? [] : [new RegExp(`${name.replace('$', '\\$')}(?!\\d)`)]));
  const inside = new Set<PlanNode>();
  collect(node, inside);
  return nodes.find((other) => !inside.has(other) && used.some((pattern) => pattern.test(conditionsOf(other))));
}

function collect(node: PlanNode, into: Set<PlanNode>): void {
  into.add(node);
  for (const child of node.children) collect(child, into);
}

function timeOf({ actual }: PlanNode): number {
  return (actual?.ms ?? 0) * (actual?.loops ?? 0);
}

function conditionsOf(node: PlanNode): string {
  const { filter, joinFilter, indexCond, recheckCond, hashCond, mergeCond, oneTimeFilter } = node;
  return [filter, joinFilter, indexCond, recheckCond, hashCond, mergeCond, oneTimeFilter].join('\n');
}
