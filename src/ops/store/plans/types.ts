import type { TimeRange } from '../time-range.ts';

/** A plan as it was just seen. */
export interface SeenPlan {
  targetId: number;
  /** The store's own number of the statement. */
  statementId: number;
  /** What makes it this plan and no other: see `planShape` of the advisor. */
  shape: string;
  /** EXPLAIN's JSON. */
  plan: unknown;
  /** Planned without values of parameters. */
  generic: boolean;
  totalCost: number;
  at: Date;
}

/** A form of plan that a statement has or had. */
export interface KeptPlan {
  shape: string;
  /** As last seen; `null` when it was too large to keep. */
  plan: unknown;
  generic: boolean;
  totalCost: number;
  firstSeen: Date;
  lastSeen: Date;
}

/** `pending`: too few calls so far; `unknown`: there never were enough. */
export type PlanVerdict = 'pending' | 'slower' | 'faster' | 'similar' | 'unknown';

export interface PlanMeasure {
  calls: number;
  /** Mean execution time in microseconds; 0 without calls. */
  meanUs: number;
}

/** A statement went from one plan to another. */
export interface PlanChange {
  id: number;
  statementId: number;
  fromShape: string;
  toShape: string;
  /** When the former plan was seen last, and the new one first: it changed in between. */
  seenBefore: Date;
  at: Date;
  verdict: PlanVerdict;
  before: PlanMeasure;
  after: PlanMeasure;
}

/** A change with the statement that it is of. */
export interface StatementPlanChange extends PlanChange {
  text: string | null;
  queryId: string;
  database: string;
  user: string;
}

export interface PlanHistory {
  /** Plans of a statement, the one seen last first, and its changes, the latest first. */
  plans(query: { targetId: number; statementId: number }): Promise<{ plans: KeptPlan[]; changes: PlanChange[] }>;
  /** Changes of all statements in a range, the latest first. */
  planChanges(
    query: TimeRange & { targetId: number; verdicts?: readonly PlanVerdict[]; limit: number },
  ): Promise<StatementPlanChange[]>;
}

/** What a change was found to have done. */
export interface PlanJudgement {
  id: number;
  verdict: PlanVerdict;
  before: PlanMeasure;
  after: PlanMeasure;
}

export interface PlanWriting {
  /**
   * Keeps a plan: a new form is added, a known one seen again. Of each statement the ten forms that were seen last are kept, and the
   * twenty latest changes. Answers the change that this is, if it is one. Throws `E_STORE_UNAVAILABLE`.
   */
  keepPlan(seen: SeenPlan): Promise<PlanChange | undefined>;
  /** Writes down what a change has done. Throws `E_STORE_UNAVAILABLE`. */
  judgePlanChange(judgement: PlanJudgement): Promise<void>;
}
