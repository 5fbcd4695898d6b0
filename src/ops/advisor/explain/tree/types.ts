/** Blocks that a node touched, those of its children included; in blocks of the server's block size. */
export interface Buffers {
  sharedHit: number;
  sharedRead: number;
  sharedDirtied: number;
  sharedWritten: number;
  localHit: number;
  localRead: number;
  tempRead: number;
  tempWritten: number;
}

/** What was measured of a node when the statement ran (ANALYZE). */
export interface Actual {
  /** How often it ran, all processes together; 0 when it was never executed. */
  loops: number;
  /** Rows of one loop, on average. */
  rows: number;
  /** Of one loop, children included, in ms; `null` with TIMING OFF. */
  ms: number | null;
  /** Until the first row of one loop, in ms; `null` with TIMING OFF. */
  startupMs: number | null;
}

/** A node of a plan, the same whether it was read from text or JSON, planned or run. */
export interface PlanNode {
  /** Its place in the order of the tree, from 0. */
  id: number;
  /** As in EXPLAIN's JSON: `Seq Scan`, `Aggregate`, `Nested Loop`. */
  type: string;
  /** `Seq Scan on orders o` */
  label: string;
  schema: string | undefined;
  relation: string | undefined;
  alias: string | undefined;
  index: string | undefined;
  backward: boolean;
  functionName: string | undefined;
  cteName: string | undefined;
  joinType: string | undefined;
  /** `Outer`, `Inner`, `Member`, `SubPlan`, `InitPlan`, … */
  relationship: string | undefined;
  /** `SubPlan 1`, `InitPlan 1 (returns $0)`, `CTE recent`. */
  subplanName: string | undefined;
  /** Of aggregates: `Plain`, `Sorted`, `Hashed`, `Mixed`. */
  strategy: string | undefined;
  /** `Partial`, `Finalize`; `undefined` for all at once. */
  partialMode: string | undefined;
  /** Of ModifyTable: `Insert`, `Update`, `Delete`, `Merge`. */
  operation: string | undefined;
  parallel: boolean;
  /** Planned although its kind was switched off (`enable_seqscan = off`). */
  disabled: boolean;
  filter: string | undefined;
  joinFilter: string | undefined;
  indexCond: string | undefined;
  recheckCond: string | undefined;
  hashCond: string | undefined;
  mergeCond: string | undefined;
  oneTimeFilter: string | undefined;
  sortKey: readonly string[];
  presortedKey: readonly string[];
  groupKey: readonly string[];
  /** `undefined` with COSTS OFF. */
  startupCost: number | undefined;
  totalCost: number | undefined;
  rows: number | undefined;
  /** Bytes of a row. */
  width: number | undefined;
  actual: Actual | undefined;
  buffers: Buffers | undefined;
  /** Any other figure or text of EXPLAIN's JSON under its own name. */
  figure(name: string): number | undefined;
  text(name: string): string | undefined;
  children: readonly PlanNode[];
}

/** What a node costs without its children. */
export interface Own {
  /** Wall-clock time in ms: of parallel processes the mean; `null` when the plan was not run or not timed. */
  ms: number | null;
  /** In the planner's units; `null` with COSTS OFF. */
  cost: number | null;
  /** Of the time of the whole plan, else of its cost, 0–1; `null` when neither is known. */
  share: number | null;
  buffers: Buffers | undefined;
}

export interface JitFigures {
  functions: number;
  /** In ms; `null` when it was not timed or not run. */
  totalMs: number | null;
}

export interface TriggerFigures {
  name: string;
  constraint: string | undefined;
  relation: string | undefined;
  ms: number | null;
  calls: number;
}

/** A whole plan. */
export interface ExplainedPlan {
  root: PlanNode;
  /** All nodes in the order of the tree, parents before children. */
  nodes: readonly PlanNode[];
  parentOf(node: PlanNode): PlanNode | undefined;
  own(node: PlanNode): Own;
  /** True when the statement was run (ANALYZE). */
  executed: boolean;
  planningMs: number | undefined;
  executionMs: number | undefined;
  jit: JitFigures | undefined;
  triggers: readonly TriggerFigures[];
  /** Settings that were not at their defaults (SETTINGS). */
  settings: Readonly<Record<string, string>>;
  /** The statement, where auto_explain wrote it. */
  queryText: string | undefined;
}
