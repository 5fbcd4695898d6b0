import type { ExplainedPlan, PlanNode } from '../tree/types.ts';

/** Something that a plan says and its reader should know. */
export interface PlanFinding {
  /** What was found, kebab-case: `sort-spill`. */
  rule: string;
  severity: 'info' | 'warning';
  /** The node that it is about: "Seq Scan on orders"; "Plan" for what is about the whole. */
  node: string;
  /** Its number in the order of the tree; `null` for the whole. */
  nodeId: number | null;
  /** One sentence: what was found. */
  message: string;
  /** One sentence: what to do. */
  advice: string | null;
  /** What the node takes by itself of the time that the plan took, else of its cost, 0–1; `null` when neither is known. */
  share: number | null;
}

/** What is known beside the plan. */
export interface PlanContext {
  /** `work_mem` in bytes; without it nothing is said of sorts and hashes that were not run. */
  workMemBytes?: number;
  /** `hash_mem_multiplier`; 2 by default, as in PostgreSQL 15 and newer. */
  hashMemMultiplier?: number;
  /** Rows of tables, for scans: how many were read cannot be seen in a plan that was not run. */
  tables?: readonly { schema: string; name: string; estimatedRows: number | null; liveRows: number }[];
}

/** A node with what is around it. */
export interface Visit {
  node: PlanNode;
  parent: PlanNode | undefined;
  plan: ExplainedPlan;
  context: PlanContext;
}

/** What a rule found: a finding without where. */
export type Found = Pick<PlanFinding, 'severity' | 'message' | 'advice'>;

export interface PlanRule {
  id: string;
  look(visit: Visit): Found | undefined;
}

/** A rule about the whole plan. */
export interface WholeRule {
  id: string;
  look(plan: ExplainedPlan, context: PlanContext): Found | undefined;
}
