import type { PlanNode } from '../tree/types.ts';
import { counted, duration, shortened } from '../words.ts';
import { inputsOf, neverRun, removedBy, rowsOf, said, wasRun } from './figures.ts';
import { largeTable, notableCost } from './reading.ts';
import type { PlanRule } from './rule.ts';

/** The inner side of a nested loop is a sequential scan: read anew for every row of the outer side. */
export const repeatedScan: PlanRule = {
  id: 'repeated-scan',
  look({ node }) {
    const [outer, inner] = inputsOf(node);
    if (node.type !== 'Nested Loop' || !outer || inner?.type !== 'Seq Scan' || neverRun(inner)) return undefined;
    const times = inner.actual?.loops ?? outer.rows ?? 0;
    if (times < 2 || times * (inner.totalCost ?? 0) < notableCost * 20) return undefined;
    return {
      severity: 'warning',
      message: `Reads the whole of ${inner.relation} again for each of ${said(inner, times)} rows`,
      advice: `An index on the columns by which ${inner.relation} is joined could spare this.`,
    };
  },
};

/** Two sides joined without any condition. */
export const crossJoin: PlanRule = {
  id: 'cross-join',
  look({ node }) {
    const [outer, inner] = inputsOf(node);
    if (node.type !== 'Nested Loop' || node.joinType !== 'Inner' || node.joinFilter || !outer || !inner)
      return undefined;
    // What is materialised cannot depend on the outer row, and neither can a scan without a condition.
    const independent = inner.type === 'Materialize' || (inner.type === 'Seq Scan' && !inner.filter);
    const innerRows = inner.actual ? inner.actual.rows : (inner.rows ?? 0);
    const pairs = rowsOf(outer) * innerRows;
    if (!independent || rowsOf(outer) < 2 || innerRows < 2) return undefined;
    return {
      severity: pairs >= largeTable ? 'warning' : 'info',
      message: `Every row of one side is joined with every row of the other: ${said(outer, rowsOf(outer))} × ${said(inner, innerRows).replace('about ', '')} rows`,
      advice: 'If that is not meant, a join condition is missing.',
    };
  },
};

/** The inner side ran very often, and that is where the time went. */
export const manyLoops: PlanRule = {
  id: 'many-loops',
  look({ node, plan }) {
    const [outer, inner] = inputsOf(node);
    if (node.type !== 'Nested Loop' || !outer || !inner || inner.type === 'Seq Scan' || !inner.actual) return undefined;
    const { loops, ms } = inner.actual;
    const whole = wholeMs(plan.root) ?? 0;
    if (loops < 10_000 || (ms !== null && ms * loops < whole * 0.3)) return undefined;
    const expected = outer.rows ?? 0;
    const surprised = rowsOf(outer) > expected * 10;
    const took = ms === null ? '' : `, ${duration(ms * loops)} in all`;
    return {
      severity: 'warning',
      message: `The inner side of the nested loop ran ${counted(loops)} times${took}${surprised ? `; the planner expected ${counted(expected)}` : ''}`,
      advice: surprised
        ? 'With a better estimate of the outer side the planner would have chosen another join: see the misestimate below it.'
        : 'A hash join reads the inner table once; it is chosen when work_mem holds it, or when fewer outer rows or columns are needed.',
    };
  },
};

/** Pairs that were formed only to be thrown away. */
export const joinFilter: PlanRule = {
  id: 'join-filter',
  look({ node }) {
    const removed = removedBy(node, 'Join Filter');
    if (!node.joinFilter || removed < 100_000 || removed < rowsOf(node) * 10) return undefined;
    return {
      severity: 'warning',
      message: `Compared ${counted(removed + rowsOf(node))} pairs of rows to keep ${counted(rowsOf(node))}: ${shortened(node.joinFilter)}`,
      advice:
        'A join by equality can be hashed or merged; else an index on the inner side for this condition finds the pairs.',
    };
  },
};

/** A cache of a nested loop's inner rows that forgot what it would have needed again. */
export const memoizeEvictions: PlanRule = {
  id: 'memoize-evictions',
  look({ node }) {
    const evictions = node.figure('Cache Evictions') ?? 0;
    const misses = node.figure('Cache Misses') ?? 0;
    if (node.type !== 'Memoize' || evictions < 1000 || evictions * 4 < misses) return undefined;
    return {
      severity: 'info',
      message: `The cache of the nested loop was too small: ${counted(evictions)} entries were pushed out, ${counted(misses)} lookups missed`,
      advice: 'More work_mem or hash_mem_multiplier lets it keep them.',
    };
  },
};

function wholeMs(root: PlanNode): number | undefined {
  return wasRun(root) && root.actual?.ms !== null ? root.actual?.ms : undefined;
}
