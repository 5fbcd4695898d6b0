import type { DatabaseConnection, ServerProfile } from '../../../engine/postgres/index.ts';
import type { HypotheticalIndex, IndexName, WhatIf, WhatIfGap } from '../../whatif/index.ts';
import type { Selection, SelectionProblem } from '../select/types.ts';
import type { Finding } from '../types.ts';
import type { WholeSample, Workload } from '../workload/types.ts';
import type { CandidateLimits } from './candidates/types.ts';
import type { ExploreLimits } from './costs/explore.ts';

/** Chooses the set of indexes. */
export type IndexSelector = (problem: SelectionProblem) => Promise<Selection> | Selection;

export interface AdviceLimits extends CandidateLimits, ExploreLimits {
  /** Time for planning, in seconds; 300 by default. Statements that it does not suffice for are left out, those with the least time first. */
  planningSeconds: number;
  /** Share of the workload's cost that an index must spare beyond its upkeep, 0–1; 0.001 by default. */
  leastShare: number;
  /**
   * Share that an index as large as all tables of the workload must spare in addition, and a smaller one less, 0–1; 0.02 by
   * default: it takes memory that other pages are read from.
   */
  sizeShare: number;
  /** Candidates that one statement is planned with at most. */
  candidatesPerStatement: number;
}

export interface AdviceProgress {
  phase: 'reading' | 'planning' | 'choosing' | 'refining';
  done: number;
  total: number;
}

export interface AdviseOptions {
  connection: DatabaseConnection;
  profile: ServerProfile;
  whatIf: WhatIf;
  workload: Workload;
  /** What all new indexes together may take; no bound by default. */
  budgetBytes?: number;
  selectIndexes: IndexSelector;
  /** Findings that want an index dropped, by the checks of indexes: each is held against the workload. */
  drops?: readonly Finding[];
  limits?: Partial<AdviceLimits>;
  /** Tells which values statements were planned with. Not by default: they may be an application's, and advice is kept and sent on. */
  tellValues?: boolean;
  onProgress?: (progress: AdviceProgress) => void;
  signal?: AbortSignal;
}

/** A statement that an index helps, with all advised indexes in place. */
export interface HelpedStatement {
  id: string;
  text: string;
  callsPerHour: number;
  /** Values with which it was planned, where they are to be told; empty: generically, or it has no placeholders. */
  samples: readonly WholeSample[];
  /** The planner's cost of one call, the mean of its samples. */
  costBefore: number;
  costAfter: number;
  /** Execution time per hour that goes away; `null` when it was not measured. */
  msPerHour: number | null;
}

export interface AdvisedIndex {
  index: HypotheticalIndex;
  /** The name that the remedy gives it. */
  name: string;
  sizeBytes: number;
  /** What its upkeep costs in an hour, in the planner's unit. */
  writeCostPerHour: number;
  /** Of it: what is lost because updates can no longer be HOT. */
  lostHotPerHour: number;
  /** What it saves in an hour, in the planner's unit, writes not yet taken off. Shared evenly among the indexes of a plan. */
  gainPerHour: number;
  /** Of the workload's cost, 0–1. */
  workloadShare: number;
  msPerHour: number | null;
  /** Most gain first. */
  statements: readonly HelpedStatement[];
  finding: Finding;
}

/** An index that a check wants dropped, held against the workload. */
export interface DropAdvice {
  finding: Finding;
  index: IndexName;
  /** No statement of the workload would cost more without it, and nothing else needs it. */
  confirmed: boolean;
  /** What needs it beside statements: `the primary key`, `the foreign key orders_customer_fk`. */
  neededFor: string | undefined;
  /** Why it could not be told what statements would cost without it. */
  untold: string | undefined;
  /** Statements that would. */
  statements: readonly { id: string; text: string; costBefore: number; costAfter: number }[];
  /** What its upkeep costs in an hour, in the planner's unit. */
  savedPerHour: number;
}

export interface IndexAdvice {
  /** Most gain per hour first. */
  indexes: readonly AdvisedIndex[];
  drops: readonly DropAdvice[];
  /** Of the advised indexes and the confirmed drops. */
  findings: readonly Finding[];
  /** Of the workload in an hour, in the planner's unit: weighted with measured times where there are any. */
  cost: { before: number; after: number; bound: number; gap: number };
  /** Measured execution time in an hour, and what is to be expected; `null` when nothing was measured. */
  msPerHour: { before: number; after: number } | null;
  budgetBytes: number | null;
  sizeBytes: number;
  /** `partly`: those for which plans or time did not suffice to price every set of candidates. */
  statements: { planned: number; partly: number; improved: number };
  candidates: number;
  plans: number;
  seconds: number;
  /** What the backend or the catalog did without. */
  gaps: readonly WhatIfGap[];
  /** Statements and indexes that were not considered, and why. */
  leftOut: readonly { text: string; reason: string }[];
}
