import { createHash } from 'node:crypto';
import { planOf } from './tree/plan.ts';
import type { PlanNode } from './tree/types.ts';

/**
 * What makes a plan the one it is, as a hash: its nodes, the tables and indexes that they read, the order of joins. Not costs, numbers of
 * rows or workers, nor values in conditions. Partitions that are read alike count once, whatever number is in their names, so that next
 * month's partition is no new plan. `undefined` for what is no plan.
 */
export function planShape(plan: unknown): string | undefined {
  const explained = planOf(plan);
  if (!explained) return undefined;
  return createHash('sha256').update(shapeText(explained.root, false)).digest('hex').slice(0, 16);
}

function shapeText(node: PlanNode, numberless: boolean): string {
  const named = (name: string | undefined): string =>
    numberless ? (name ?? '').replaceAll(/\d+/g, '#') : (name ?? '');
  const { type, strategy, partialMode, joinType, operation, parallel, backward, relationship } = node;
  const several = /^(?:Merge )?Append$/.test(type);
  const own = [
    type,
    strategy,
    partialMode,
    joinType,
    operation,
    parallel ? 'parallel' : undefined,
    backward ? 'backward' : undefined,
    relationship === 'Outer' || relationship === 'Member' ? undefined : relationship,
    node.schema,
    named(node.relation),
    named(node.index),
    node.functionName,
    node.cteName,
    named(node.relation === undefined ? undefined : node.alias),
  ];
  const children = node.children.map((child) => shapeText(child, numberless || several));
  const distinct = several ? [...new Set(children)] : children;
  return `${JSON.stringify(own)}(${distinct.join(',')})`;
}
