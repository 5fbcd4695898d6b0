import type { PlanNode } from '../tree/types.ts';
import { about, counted } from '../words.ts';

/** Rows that a node gave in all its loops, or is expected to give in one when it was not run. */
export function rowsOf({ actual, rows }: PlanNode): number {
  return actual ? actual.rows * actual.loops : (rows ?? 0);
}

/** Rows that a filter threw away in all loops, 0 when the plan was not run. */
export function removedBy(node: PlanNode, filter: 'Filter' | 'Join Filter' | 'Index Recheck'): number {
  return (node.figure(`Rows Removed by ${filter}`) ?? 0) * Math.max(1, node.actual?.loops ?? 1);
}

/** A number of rows in words: with "about" when it is an estimate. */
export function said(node: PlanNode, rows: number): string {
  return node.actual ? counted(rows) : `about ${about(rows)}`;
}

export function wasRun({ actual }: PlanNode): boolean {
  return actual !== undefined && actual.loops > 0;
}

export function neverRun({ actual }: PlanNode): boolean {
  return actual?.loops === 0;
}

/** Children that give rows, subplans apart. */
export function inputsOf(node: PlanNode): readonly PlanNode[] {
  return node.children.filter(({ relationship }) => relationship !== 'SubPlan' && relationship !== 'InitPlan');
}
