import type { PlanContext, PlanFinding, PlanRule } from './rule.ts';
import type { PlanNode } from './node.ts';
import { about, size } from './words.ts';

/** A sort that is larger than work_mem goes to disk. Under a Limit only the first rows are kept, in memory. */
export const spillingSort: PlanRule = (node, parent, { workMemBytes }) => {
  if (node.type !== 'Sort' || parent?.type === 'Limit') return undefined;
  return spill(
    node,
    workMemBytes,
    'Sorts',
    'An index in this order spares the sort; else raise work_mem for this statement.',
  );
};

/** A hash table that is larger than work_mem × hash_mem_multiplier is written to disk in parts. */
export const spillingHash: PlanRule = (node, _parent, { workMemBytes, hashMemMultiplier = 2 }: PlanContext) => {
  const aggregate = node.type === 'Aggregate' && node.strategy === 'Hashed';
  if (node.type !== 'Hash' && !aggregate) return undefined;
  const limit = workMemBytes === undefined ? undefined : workMemBytes * hashMemMultiplier;
  return spill(
    node,
    limit,
    aggregate ? 'Groups into' : 'Hashes',
    'Fewer rows or columns here would fit into memory; else raise work_mem for this statement.',
  );
};

function spill(node: PlanNode, limit: number | undefined, verb: string, advice: string): PlanFinding | undefined {
  const bytes = node.rows * node.width;
  if (limit === undefined || bytes <= limit) return undefined;
  return {
    severity: 'warning',
    node: node.label,
    message: `${verb} about ${about(node.rows)} rows of ${node.width} bytes (${size(bytes)}), more than the ${size(limit)} it may use: it will go to disk`,
    advice,
  };
}

/** From here on, skipping is felt. */
const manyRows = 1000;

/**
 * OFFSET is not shown in a plan, but what is paid for it is: it raises the start-up cost of Limit over that of its child,
 * in proportion to the rows skipped (`adjust_limit_rows_costs` in PostgreSQL's planner).
 */
export const skippedRows: PlanRule = (node) => {
  const [child] = node.children;
  if (node.type !== 'Limit' || !child) return undefined;
  const perRow = (child.totalCost - child.startupCost) / child.rows;
  const skipped = Math.min(child.rows, (node.startupCost - child.startupCost) / perRow);
  if (!Number.isFinite(skipped) || skipped < manyRows) return undefined;
  return {
    severity: 'warning',
    node: node.label,
    message: `Produces about ${about(skipped)} rows only to skip them (OFFSET)`,
    advice:
      'Page by key instead: WHERE (key) > (last key seen) ORDER BY key LIMIT n takes the same time on every page.',
  };
};

/** Rows that the planner takes for granted of a function of which it knows nothing (`ROWS` of CREATE FUNCTION). */
const functionRows = 1000;

export const functionGuess: PlanRule = (node) => {
  if (node.type !== 'Function Scan' || node.rows !== functionRows || !node.functionName) return undefined;
  if (node.functionName === 'generate_series') return undefined;
  return {
    severity: 'info',
    node: node.label,
    message: `The planner takes ${node.functionName} to return 1,000 rows, which is its guess for any function`,
    advice: `If it returns far fewer or more, say so: ALTER FUNCTION ${node.functionName} ROWS n;`,
  };
};
