import type { PlanContext, PlanFinding, PlanRule } from './rule.ts';
import type { PlanNode } from './node.ts';
import { about, shortened } from './words.ts';

/** Smaller tables are read whole as fast as by an index. */
const largeTable = 10_000;
/** A scan that keeps more than this share is right to read everything. */
const selective = 0.2;
/** Costs in units of a sequential page read; below it nothing is worth a word. */
const notableCost = 500;

/** A whole large table is read, to keep few of its rows. */
export const filteredScan: PlanRule = (node, _parent, context) => {
  if (node.type !== 'Seq Scan' || !node.filter || node.filter.includes('SubPlan')) return undefined;
  const rows = tableRows(node, context);
  const large = rows === undefined ? node.totalCost >= notableCost : rows >= largeTable;
  if (!large || (rows !== undefined && node.rows > rows * selective)) return undefined;
  const all = rows === undefined ? `the whole of ${node.relation}` : `all ${about(rows)} rows of ${node.relation}`;
  return {
    severity: 'warning',
    node: node.label,
    message: `Reads ${all} to keep about ${about(node.rows)}: ${shortened(node.filter)}`,
    advice: `An index on the columns of this condition could spare reading the rest of ${node.relation}.`,
  };
};

/** An index finds many rows, of which the condition behind it keeps few. */
export const lossyIndex: PlanRule = (node) => {
  const [index] = node.children;
  if (node.type !== 'Bitmap Heap Scan' || !node.filter || !index?.type.startsWith('Bitmap')) return undefined;
  if (index.rows < largeTable || node.rows * 10 > index.rows) return undefined;
  return {
    severity: 'warning',
    node: node.label,
    message: `The index finds about ${about(index.rows)} rows, of which about ${about(node.rows)} are kept: ${shortened(node.filter)}`,
    advice: 'An index that also has the columns of this condition would find only the rows that are kept.',
  };
};

/** The inner side of a nested loop is a sequential scan: read anew for every row of the outer side. */
export const repeatedScan: PlanRule = (node) => {
  const [outer, inner] = node.children;
  if (node.type !== 'Nested Loop' || !outer || inner?.type !== 'Seq Scan') return undefined;
  if (outer.rows < 2 || outer.rows * inner.totalCost < notableCost * 20) return undefined;
  return {
    severity: 'warning',
    node: node.label,
    message: `Reads the whole of ${inner.relation} again for each of about ${about(outer.rows)} rows`,
    advice: `An index on the columns by which ${inner.relation} is joined could spare this.`,
  };
};

/** Two sides joined without any condition. */
export const crossJoin: PlanRule = (node) => {
  const [outer, inner] = node.children;
  if (node.type !== 'Nested Loop' || node.joinType !== 'Inner' || node.joinFilter || !outer || !inner) return undefined;
  // What is materialised cannot depend on the outer row, and neither can a scan without a condition.
  const independent = inner.type === 'Materialize' || (inner.type === 'Seq Scan' && !inner.filter);
  const pairs = outer.rows * inner.rows;
  if (!independent || outer.rows < 2 || inner.rows < 2) return undefined;
  return {
    severity: pairs >= largeTable ? 'warning' : 'info',
    node: node.label,
    message: `Every row of one side is joined with every row of the other: about ${about(outer.rows)} × ${about(inner.rows)} rows`,
    advice: 'If that is not meant, a join condition is missing.',
  };
};

/** A subquery that depends on the outer row runs once for each of them. */
export const rescannedSubquery: PlanRule = (node, parent) => {
  const name = node.subplanName;
  if (node.relationship !== 'SubPlan' || !name || !parent) return undefined;
  // A hashed one runs once.
  if (`${parent.filter ?? ''}${parent.joinFilter ?? ''}`.includes(`hashed ${name}`)) return undefined;
  const inFilter = parent.filter?.includes(name) ?? false;
  if (parent.rows * node.totalCost < notableCost * 20) return undefined;
  return {
    severity: 'warning',
    node: node.label,
    message: `A subquery runs once for each row ${inFilter ? 'that is looked at' : 'of the result'}, at least about ${about(parent.rows)} times`,
    advice: 'A join, or an index on what the subquery filters by, is usually faster.',
  } satisfies PlanFinding;
};

/** Rows of the table that a node scans; `undefined` when it is not known or two tables have that name. */
function tableRows(node: PlanNode, { tables = [] }: PlanContext): number | undefined {
  const found = tables.filter(
    ({ schema, name }) => name === node.relation && (node.schema === undefined || schema === node.schema),
  );
  const [table] = found;
  return found.length === 1 && table ? (table.estimatedRows ?? table.liveRows) : undefined;
}
