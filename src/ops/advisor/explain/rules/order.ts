import type { PlanNode } from '../tree/types.ts';
import { indexKeys, withoutTable } from './columns.ts';
import { inputsOf, neverRun, removedBy, rowsOf, said, wasRun } from './figures.ts';
import { largeTable, notableCost } from './reading.ts';
import type { PlanRule } from './rule.ts';

/** Everything is sorted to give the first few rows. */
export const sortForLimit: PlanRule = {
  id: 'sort-for-limit',
  look({ node }) {
    if (node.type !== 'Limit' || neverRun(node)) return undefined;
    const sort = sortBelow(node);
    const [source] = sort?.children ?? [];
    if (!sort || !source || neverRun(sort)) return undefined;
    const rows = wasRun(source) ? rowsOf(source) : (source.rows ?? 0) * (source.parallel ? 2 : 1);
    const limit = rowsOf(node);
    if (rows < largeTable || limit * 10 > rows || (sort.totalCost ?? notableCost) < notableCost) return undefined;
    const scan = scanBelow(source);
    const keys = sort.sortKey.every((key) => isColumn(withoutTable(key)));
    if (!scan || !keys) return undefined;
    return {
      severity: 'warning',
      message: `Sorts ${said(source, rows)} rows to return the first ${said(node, limit).replace('about ', '')}`,
      advice: `An index on ${scan.relation} (${indexKeys(scan.filter ?? scan.indexCond ?? scan.recheckCond, sort.sortKey).join(', ')}) gives them in this order, without a sort.`,
    };
  },
};

const isColumn = (key: string): boolean =>
  /^(?:"(?:[^"]|"")*"|[a-z_][\w$]*)(?: DESC)?(?: NULLS (?:FIRST|LAST))?$/.test(key);

function sortBelow(node: PlanNode): PlanNode | undefined {
  const [child] = inputsOf(node);
  if (child?.type === 'Sort') return child;
  return child?.type === 'Gather Merge' ? sortBelow(child) : undefined;
}

/** The one scan from which a sort's rows come, when nothing between could change their order. */
function scanBelow(node: PlanNode): PlanNode | undefined {
  if (/^(?:Seq|Index|Index Only|Bitmap Heap) Scan$/.test(node.type))
    return node.relation === undefined ? undefined : node;
  const [only, ...others] = inputsOf(node);
  return only && others.length === 0 && /^(?:Gather|Result|Subquery Scan)$/.test(node.type)
    ? scanBelow(only)
    : undefined;
}

/** From here on, skipping is felt. */
const manyRows = 1000;

/**
 * OFFSET is not shown in a plan, but what is paid for it is. When it was run: rows that its child gave and it did not. Else it raises
 * the start-up cost of Limit over that of its child, in proportion to the rows skipped (`adjust_limit_rows_costs` in PostgreSQL's planner).
 */
export const skippedRows: PlanRule = {
  id: 'skipped-rows',
  look({ node }) {
    const [child] = inputsOf(node);
    if (node.type !== 'Limit' || !child || neverRun(node)) return undefined;
    const skipped = wasRun(node) ? rowsOf(child) - rowsOf(node) : expectedSkip(node, child);
    if (!Number.isFinite(skipped) || skipped < manyRows) return undefined;
    return {
      severity: 'warning',
      message: `Produces ${said(node, skipped)} rows only to skip them (OFFSET)`,
      advice:
        'Page by key instead: WHERE (key) > (last key seen) ORDER BY key LIMIT n takes the same time on every page.',
    };
  },
};

function expectedSkip(node: PlanNode, child: PlanNode): number {
  const { startupCost = 0, totalCost = 0, rows = 0 } = child;
  const perRow = (totalCost - startupCost) / rows;
  return Math.min(rows, ((node.startupCost ?? 0) - startupCost) / perRow);
}

/** A LIMIT that reads far more than it returns, because the order of the index is not that of what it looks for. */
export const limitedSearch: PlanRule = {
  id: 'limited-search',
  look({ node, parent }) {
    if (parent?.type !== 'Limit' || !/^Index(?: Only)? Scan$/.test(node.type) || !wasRun(node)) return undefined;
    const removed = removedBy(node, 'Filter');
    if (!node.filter || node.indexCond || removed < largeTable || removed < rowsOf(node) * 100) return undefined;
    return {
      severity: 'warning',
      message: `Walks the index ${node.index ?? ''} in order and throws ${said(node, removed)} rows away until ${said(node, rowsOf(node))} fit`,
      advice: `An index on ${node.relation} (${indexKeys(node.filter).join(', ')}) finds them at once.`,
    };
  },
};
