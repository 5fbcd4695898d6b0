import type { ExplainedPlan, PlanNode } from '../tree/types.ts';
import { counted, shortened } from '../words.ts';
import { conjuncts, filterColumns } from './columns.ts';
import { inputsOf, rowsOf, wasRun } from './figures.ts';
import type { PlanRule } from './rule.ts';

/** Estimates that are off by less seldom lead to another plan. */
const wrongFrom = 10;
/** Of so few rows it does not matter. */
const fewRows = 100;

/**
 * How many times as many (or as few) rows came as were expected, and which way; `undefined` when the plan does not tell: it was not
 * run, or stopped early because nobody wanted more.
 */
export function misestimate(node: PlanNode, plan: ExplainedPlan): { factor: number; more: boolean } | undefined {
  if (!wasRun(node) || node.rows === undefined || unjudged.test(node.type)) return undefined;
  const actual = node.actual?.rows ?? 0;
  const more = actual > node.rows;
  if (!more && mayStopEarly(node, plan)) return undefined;
  const factor = more ? actual / Math.max(1, node.rows) : node.rows / Math.max(1, actual);
  return { factor, more };
}

/** Their rows say nothing of their own, or are not counted. */
const unjudged =
  /^(?:Bitmap(?:And|Or)|Bitmap Index Scan|Hash|Materialize|Memoize|ModifyTable|LockRows|Gather|Gather Merge|Limit)$/;

/** Whether what is above may have stopped before the node had given all its rows. */
function mayStopEarly(node: PlanNode, plan: ExplainedPlan): boolean {
  let child = node;
  for (let parent = plan.parentOf(node); parent; child = parent, parent = plan.parentOf(parent)) {
    if (/^(?:Sort|Hash|Aggregate)$/.test(parent.type) && child.relationship === 'Outer') return false;
    if (parent.type === 'Limit' || parent.type === 'Merge Join') return true;
    // With nothing to join with, the outer side is not read on.
    const other = parent.children.find((each) => each.relationship === 'Inner');
    if (parent.type === 'Hash Join' && child.relationship === 'Outer' && other && rowsOf(other) === 0) return true;
    if (/Semi|Anti/.test(parent.joinType ?? '') && child.relationship === 'Inner') return true;
    if (child.relationship === 'SubPlan' || child.relationship === 'InitPlan') return true;
  }
  return false;
}

/** Where the planner's estimate of rows begins to be wrong: above it all others follow from it. */
export const misestimatedRows: PlanRule = {
  id: 'misestimate',
  look({ node, plan }) {
    const found = misestimate(node, plan);
    if (!found || found.factor < wrongFrom) return undefined;
    const { rows: expected = 0, actual } = node;
    const loops = Math.max(1, actual?.loops ?? 1);
    if (Math.max(expected, actual?.rows ?? 0) * (found.more ? loops : 1) < fewRows) return undefined;
    // What came up from below was wrong already.
    const inherited = inputsOf(node).some((child) => (nearest(child, plan)?.factor ?? 1) > found.factor / 3);
    if (inherited) return undefined;
    const factor = found.factor >= 1000 ? counted(found.factor) : Number(found.factor.toPrecision(2));
    const steers = steersJoin(node, plan);
    return {
      severity: steers && Math.max(expected, actual?.rows ?? 0) >= 1000 ? 'warning' : 'info',
      message: `${counted(expected)} rows were expected and ${counted(actual?.rows ?? 0)} came${loops > 1 ? ' in each loop' : ''}: ${found.more ? `${factor} times as many` : `1/${factor} of them`}`,
      advice: adviceFor(node),
    };
  },
};

/** The estimate of a node, or of what is below when the node itself says nothing. */
function nearest(node: PlanNode, plan: ExplainedPlan): { factor: number } | undefined {
  const own = misestimate(node, plan);
  if (own) return own;
  return inputsOf(node)
    .flatMap((child) => nearest(child, plan) ?? [])
    .toSorted((a, b) => b.factor - a.factor)[0];
}

/** Whether the choice of a join, a sort or a hash above depends on the estimate. */
function steersJoin(node: PlanNode, plan: ExplainedPlan): boolean {
  for (let parent = plan.parentOf(node); parent; parent = plan.parentOf(parent)) {
    if (/Join|Nested Loop|Sort|Aggregate|Memoize/.test(parent.type)) return true;
  }
  return false;
}

function adviceFor(node: PlanNode): string {
  const condition = node.filter ?? node.indexCond ?? node.recheckCond;
  if (node.relation !== undefined && condition !== undefined) return scanAdvice(node.relation, condition);
  if (node.relation !== undefined) return `ANALYZE ${node.relation};`;
  if (node.type === 'Aggregate' || node.type === 'Unique' || node.type === 'Group') return groupAdvice(node);
  if (/Join|Nested Loop/.test(node.type)) {
    return 'ANALYZE the joined tables; if it stays, raise the statistics targets of the columns they are joined by, or join in two steps.';
  }
  if (node.type === 'Function Scan') return `ALTER FUNCTION ${node.functionName ?? '…'} ROWS n; tells the planner.`;
  return 'ANALYZE the tables below it; if it stays, put this part into a temporary table and ANALYZE it, or rewrite it.';
}

function scanAdvice(relation: string, condition: string): string {
  const { equal, range, expressions } = filterColumns(condition);
  const columns = [...equal, ...range];
  if (expressions.length > 0) {
    return `CREATE STATISTICS ON ${expressions.map((each) => `(${each})`).join(', ')} FROM ${relation}; then ANALYZE ${relation};`;
  }
  if (columns.length > 1) {
    return `If these columns depend on each other: CREATE STATISTICS ON ${columns.join(', ')} FROM ${relation}; then ANALYZE ${relation};`;
  }
  const [only] = columns;
  if (only === undefined || conjuncts(condition).length > 1) {
    return `ANALYZE ${relation}; a condition that compares columns as they are (${shortened(condition)} does not) is estimated better.`;
  }
  return `ANALYZE ${relation}; if it stays: ALTER TABLE ${relation} ALTER COLUMN ${only} SET STATISTICS 1000; and ANALYZE again.`;
}

function groupAdvice({ groupKey }: PlanNode): string {
  if (groupKey.length > 1) {
    return `CREATE STATISTICS (ndistinct) ON ${groupKey.map((key) => key.replace(/^[\w"]+\./, '')).join(', ')} FROM the table; then ANALYZE it.`;
  }
  return 'ANALYZE the table; if it stays, tell how many values there are: ALTER TABLE … ALTER COLUMN … SET (n_distinct = …);';
}
