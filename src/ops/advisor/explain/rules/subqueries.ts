import { about, counted, duration, shortened } from '../words.ts';
import { neverRun, removedBy, rowsOf, said, wasRun } from './figures.ts';
import { largeTable, notableCost } from './reading.ts';
import type { PlanRule } from './rule.ts';

/** A subquery that depends on the outer row runs once for each of them. */
export const rescannedSubquery: PlanRule = {
  id: 'repeated-subquery',
  look({ node, parent }) {
    const name = node.subplanName;
    if (node.relationship !== 'SubPlan' || !name || !parent || neverRun(node)) return undefined;
    // A hashed one runs once.
    if (`${parent.filter ?? ''}${parent.joinFilter ?? ''}`.includes(`hashed ${name}`)) return undefined;
    const inFilter = parent.filter?.includes(name) ?? false;
    const times = node.actual?.loops ?? parent.rows ?? 0;
    if (times < 2 || times * (node.totalCost ?? 0) < notableCost * 20) return undefined;
    const often = node.actual
      ? `${counted(times)} times${tookInAll(node.actual)}`
      : `at least about ${about(times)} times`;
    return {
      severity: 'warning',
      message: `A subquery runs once for each row ${inFilter ? 'that is looked at' : 'of the result'}, ${often}`,
      advice: 'A join, or an index on what the subquery filters by, is usually faster.',
    };
  },
};

function tookInAll({ ms, loops }: { ms: number | null; loops: number }): string {
  return ms === null ? '' : `, ${duration(ms * loops)} in all`;
}

/** A CTE is computed whole, though only a part of it is used. */
export const materializedCte: PlanRule = {
  id: 'materialized-cte',
  look({ node, plan }) {
    if (node.type !== 'CTE Scan' || !node.filter || !node.cteName || neverRun(node)) return undefined;
    const scans = plan.nodes.filter(({ type, cteName }) => type === 'CTE Scan' && cteName === node.cteName);
    const source = plan.nodes.find(({ subplanName }) => subplanName === `CTE ${node.cteName}`);
    if (!source || scans.length > 1 || source.type === 'ModifyTable' || source.type === 'Recursive Union')
      return undefined;
    const all = wasRun(node) ? rowsOf(node) + removedBy(node, 'Filter') : rowsOf(source);
    if (all < largeTable || rowsOf(node) * 10 > all) return undefined;
    return {
      severity: 'warning',
      message: `${node.cteName} is computed whole (${said(node, all)} rows), of which ${said(node, rowsOf(node))} are used: ${shortened(node.filter)}`,
      advice: `WITH ${node.cteName} AS NOT MATERIALIZED lets the planner push the condition into it.`,
    };
  },
};

/** Rows that the planner takes for granted of a function of which it knows nothing (`ROWS` of CREATE FUNCTION). */
const functionRows = 1000;

export const functionGuess: PlanRule = {
  id: 'function-guess',
  look({ node }) {
    if (node.type !== 'Function Scan' || node.rows !== functionRows || !node.functionName) return undefined;
    if (node.functionName === 'generate_series' || neverRun(node)) return undefined;
    const rows = node.actual?.rows;
    if (rows !== undefined && rows > functionRows / 10 && rows < functionRows * 10) return undefined;
    return {
      severity: 'info',
      message: `The planner takes ${node.functionName} to return 1,000 rows, which is its guess for any function${rows === undefined ? '' : `; it returned ${counted(rows)}`}`,
      advice: `${rows === undefined ? 'If it returns far fewer or more, say so' : 'Say how many'}: ALTER FUNCTION ${node.functionName} ROWS ${rows === undefined ? 'n' : Math.max(1, Math.round(rows))};`,
    };
  },
};
