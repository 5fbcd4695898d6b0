import { subplanHosts } from './hosts.ts';
import type { Buffers, Own, PlanNode } from './types.ts';

interface Tree {
  root: PlanNode;
  nodes: readonly PlanNode[];
  parents: ReadonlyMap<PlanNode, PlanNode>;
  executionMs: number | undefined;
}

/**
 * What each node takes by itself. EXPLAIN's figures of a node contain those of its children, and of one loop only; a node of a
 * parallel part runs in several processes at once. A plan of a CTE or of an InitPlan is taken from the node that asks for it first,
 * which is not always the one it hangs from.
 */
export function ownFigures(tree: Tree): (node: PlanNode) => Own {
  const hosts = subplanHosts(tree.nodes, tree.parents);
  const costs = plannedCosts(tree.root);
  const known = new Map<PlanNode, Own>();
  const wholeMs = wallMs(tree.root, 1) ?? tree.executionMs ?? null;
  const wholeCost = tree.root.totalCost;
  const timed = tree.nodes.some(({ actual }) => actual !== undefined && actual.ms !== null);
  const times = timed ? wallTimes(tree) : undefined;
  const contained = Map.groupBy(tree.nodes, (node) => hosts.get(node));
  for (const node of tree.nodes) {
    const below = contained.get(node) ?? [];
    const ms = times ? ownMs(node, below, times) : null;
    const cost = costs.get(node) ?? null;
    const share = ms !== null ? ratio(ms, wholeMs) : timed ? null : ratio(cost, wholeCost);
    known.set(node, { ms, cost, share, buffers: ownBuffers(node, below) });
  }
  const nothing: Own = { ms: null, cost: null, share: null, buffers: undefined };
  return (node) => known.get(node) ?? nothing;
}

function ratio(part: number | null, whole: number | null | undefined): number | null {
  if (part === null || whole === null || whole === undefined || !(whole > 0)) return null;
  return Math.min(1, Math.max(0, part / whole));
}

/** Inclusive wall-clock time of a node: its loops one after the other in each of so many processes. */
function wallMs({ actual }: PlanNode, processes: number): number | undefined {
  if (!actual) return undefined;
  if (actual.loops === 0) return 0;
  return actual.ms === null ? undefined : (actual.ms * actual.loops) / processes;
}

/** Inclusive times of all nodes; below a Gather the processes that take part divide them. */
function wallTimes({ root }: Tree): ReadonlyMap<PlanNode, number> {
  const times = new Map<PlanNode, number>();
  const visit = (node: PlanNode, processes: number): void => {
    times.set(node, wallMs(node, processes) ?? 0);
    for (const child of node.children) visit(child, processes * participants(node, child));
  };
  visit(root, 1);
  return times;
}

/** How many processes run what is below a Gather: the leader too, unless it is kept from it. */
function participants(node: PlanNode, child: PlanNode): number {
  if (!node.type.startsWith('Gather') || child.relationship === 'InitPlan') return 1;
  return Math.max(1, (child.actual?.loops ?? 1) / Math.max(1, node.actual?.loops ?? 1));
}

function ownMs(node: PlanNode, below: readonly PlanNode[], times: ReadonlyMap<PlanNode, number>): number {
  const inside = below.reduce((sum, each) => sum + (times.get(each) ?? 0), 0);
  return Math.max(0, (times.get(node) ?? 0) - inside);
}

function ownBuffers({ buffers }: PlanNode, below: readonly PlanNode[]): Buffers | undefined {
  if (!buffers) return undefined;
  const own: Buffers = { ...buffers };
  for (const { buffers: inside } of below) {
    if (!inside) continue;
    for (const name of Object.keys(own) as (keyof Buffers)[]) own[name] = Math.max(0, own[name] - inside[name]);
  }
  return own;
}

/**
 * Costs of nodes by themselves, within the whole plan's cost. The planner gives a child's cost for one run to its end: under a
 * LIMIT only a part is paid, on the inner side of a nested loop it is paid again for every outer row.
 */
function plannedCosts(root: PlanNode): ReadonlyMap<PlanNode, number> {
  const costs = new Map<PlanNode, number>();
  const visit = (node: PlanNode, paid: number): void => {
    let left = paid;
    for (const child of node.children) {
      const part = Math.min(left, shareOfChild(node, child, paid));
      left -= part;
      visit(child, part);
    }
    costs.set(node, left);
  };
  if (root.totalCost !== undefined) visit(root, root.totalCost);
  return costs;
}

/** What of the cost paid for a node is paid for a child of it. */
function shareOfChild(node: PlanNode, child: PlanNode, paid: number): number {
  const total = node.totalCost ?? 0;
  const once = child.totalCost ?? 0;
  const scale = total > 0 ? paid / total : 0;
  const again = child.relationship === 'SubPlan' || (node.type === 'Nested Loop' && child.relationship === 'Inner');
  const kept = child.type === 'Materialize' || child.type === 'Memoize';
  const times = again && !kept ? Math.max(1, outerRows(node, child)) : 1;
  return once * times * scale;
}

function outerRows(node: PlanNode, child: PlanNode): number {
  const driver =
    child.relationship === 'SubPlan' ? node : node.children.find(({ relationship }) => relationship === 'Outer');
  return driver?.rows ?? 1;
}
