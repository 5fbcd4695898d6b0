import type { PlanNode } from './node.ts';

/** Something that a plan says and its reader should know. */
export interface PlanFinding {
  severity: 'info' | 'warning';
  /** The node that it is about: "Seq Scan on orders". */
  node: string;
  message: string;
  advice: string | null;
}

/** What is known beside the plan. */
export interface PlanContext {
  /** `work_mem` in bytes; without it nothing is said of sorts and hashes. */
  workMemBytes?: number;
  /** `hash_mem_multiplier`; 2 by default, as in PostgreSQL 15 and newer. */
  hashMemMultiplier?: number;
  /** Rows of tables, for scans: how many were read cannot be seen in a plan that was not run. */
  tables?: readonly { schema: string; name: string; estimatedRows: number | null; liveRows: number }[];
}

export type PlanRule = (node: PlanNode, parent: PlanNode | undefined, context: PlanContext) => PlanFinding | undefined;
