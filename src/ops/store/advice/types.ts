import type { TimeRange } from '../time-range.ts';

/**
 * The life of a piece of advice. `found` and `planned` (on a twin) are open; `applying` and `undoing` are under way; `applied` waits for the
 * next look, `measuring` for enough calls; `kept`, `undone` and `resolved` are over; `failed` can be tried again; `dismissed` stays
 * so.
 */
export type AdviceState =
  | 'found'
  | 'planned'
  | 'applying'
  | 'applied'
  | 'measuring'
  | 'kept'
  | 'undoing'
  | 'undone'
  | 'failed'
  | 'dismissed'
  | 'resolved';

/** A JSON document that the store keeps for the advisor. It looks into findings alone, to search, sort and pick them by table. */
export type Document = object;

export interface StoredAdvice {
  id: number;
  targetId: number;
  /** The same for the same finding in every run. */
  key: string;
  check: string;
  /** What is to be done: `create-index`; empty where nothing is. */
  kind: string;
  severity: 'info' | 'warning' | 'critical';
  state: AdviceState;
  stateSince: Date;
  finding: Document;
  /** The finding as it was when it was dismissed or undone. */
  declinedFinding: Document | null;
  firstSeen: Date;
  lastSeen: Date;
  applyBeganAt: Date | null;
  appliedAt: Date | null;
  /** How far what is under way is. */
  progress: Document | null;
  measurement: Document | null;
}

/** What has to be known of advice to tell what a run changes about it. */
export type KnownAdvice = Pick<StoredAdvice, 'id' | 'key' | 'check' | 'state' | 'stateSince' | 'declinedFinding'>;

/** What lists of advice are ordered by. `gain`: time saved an hour as planned, then the share of the workload, then bytes. */
export type AdviceOrder = 'severity' | 'title' | 'kind' | 'gain' | 'risk' | 'state' | 'stateSince' | 'firstSeen';

export interface AdvicePageQuery {
  targetId: number;
  /** All but `resolved` when left out. */
  states?: readonly AdviceState[] | undefined;
  severity?: StoredAdvice['severity'] | undefined;
  kind?: string | undefined;
  check?: string | undefined;
  /** Part of the title, of "schema.table" or of the name, in either case. */
  search?: string | undefined;
  /** What is alike comes in the order of `firstSeen`, the youngest first. */
  orderBy: AdviceOrder;
  descending: boolean;
  limit: number;
  offset: number;
}

/** How much advice there is, each by the values of one property. */
export interface AdviceFacets {
  states: Partial<Record<AdviceState, number>>;
  severities: Partial<Record<StoredAdvice['severity'], number>>;
  /** Empty where nothing is to be done. */
  kinds: Record<string, number>;
  checks: Record<string, number>;
}

export interface AdvicePage {
  advice: StoredAdvice[];
  /** Of all that fits. */
  count: number;
  /** Of all advice, whatever was asked for. */
  counts: AdviceFacets['states'];
  /** Of what fits all that was asked for but this property. */
  facets: AdviceFacets;
}

/** A change of state: who, when and why. */
export interface AdviceEvent {
  at: Date;
  from: AdviceState | null;
  to: AdviceState;
  by: string;
  reason: string | null;
}

/** Advice was applied, or taken back. */
export interface AppliedAdvice {
  at: Date;
  what: 'applied' | 'undone';
  /** Of the advice. */
  id: number;
  kind: string;
  title: string;
}

/** What a run found out about one piece of advice. */
export type AdviceChange =
  | {
      type: 'new';
      key: string;
      check: string;
      kind: string;
      severity: StoredAdvice['severity'];
      state: AdviceState;
      finding: Document;
    }
  | {
      type: 'seen';
      id: number;
      /** It is left alone when its state is another by now. */
      state: AdviceState;
      kind: string;
      severity: StoredAdvice['severity'];
      finding: Document;
      to?: AdviceState;
      reason?: string;
    }
  | { type: 'gone'; id: number; state: AdviceState; to: AdviceState; reason: string };

/** A change of state on its own; what is left out stays as it is. */
export interface AdviceTransition {
  targetId: number;
  id: number;
  /** Nothing happens unless it is in one of these. */
  from: readonly AdviceState[];
  to: AdviceState;
  by: string;
  reason?: string | undefined;
  at: Date;
  applyBeganAt?: Date;
  appliedAt?: Date;
  measurement?: Document | null;
  /** Remembers the finding as the one that was declined; false forgets it. */
  declined?: boolean;
}

export type ChangePurpose = 'apply' | 'undo' | 'clean-up' | 'maintenance';

/** A statement that is about to change a watched database. */
export interface ChangeIntent {
  targetId: number;
  adviceId: number | null;
  /** Advice's key, or what else it is for. */
  subject: string;
  purpose: ChangePurpose;
  /** Of several, from 0. */
  position: number;
  statement: string;
  askedBy: string;
  at: Date;
  /** The session that runs it. */
  serverPid: number | null;
  sessionBegan: Date | null;
  /** What was seen before, by which the outcome can be told afterwards. */
  before: Document | null;
}

/** `unknown`: it has not ended yet, or whoever ran it is gone. */
export type ChangeOutcome = 'unknown' | 'done' | 'failed' | 'cancelled';

export interface ChangeResult {
  outcome: ChangeOutcome;
  at: Date;
  durationMs: number | null;
  error?: string | undefined;
  sqlState?: string | undefined;
  /** How it became known, when whoever ran it did not write it down. */
  resolution?: string | undefined;
}

export interface LoggedChange extends Omit<ChangeIntent, 'at'> {
  id: number;
  beganAt: Date;
  endedAt: Date | null;
  outcome: ChangeOutcome;
  durationMs: number | null;
  error: string | null;
  sqlState: string | null;
  resolution: string | null;
}

export type AdviceRunKind = 'checks' | 'indexes';

export interface AdviceRun {
  id: number;
  kind: AdviceRunKind;
  askedBy: string;
  beganAt: Date;
  /** `null`: under way, or whoever ran it is gone. */
  endedAt: Date | null;
  error: string | null;
  report: Document | null;
}

/** What the store keeps for the advisor. Every method throws `E_STORE_UNAVAILABLE` while the store is away. */
export interface AdviceStore {
  /** The gravest first, then the youngest; 2,000 at most. `tables`: only what is about one of these or a part of it. */
  list(query: {
    targetId: number;
    states?: readonly AdviceState[];
    kinds?: readonly string[];
    tables?: readonly { schema: string; name: string }[];
  }): Promise<StoredAdvice[]>;
  /** A page of what fits, and how much there is. */
  page(query: AdvicePageQuery): Promise<AdvicePage>;
  /** All advice, however much, in no order. */
  known(targetId: number): Promise<KnownAdvice[]>;
  get(targetId: number, id: number): Promise<StoredAdvice | undefined>;
  /** Changes of state of one piece of advice, oldest first. */
  events(id: number): Promise<AdviceEvent[]>;
  /**
   * When advice was applied or undone in a range, the latest first; 50 at most. Advice about one of `tables` (`orders` in any schema, or
   * `public.orders`), and advice that was planned for one of the statements `queryIds`.
   */
  applied(
    query: TimeRange & { targetId: number; tables: readonly string[]; queryIds?: readonly string[] },
  ): Promise<AppliedAdvice[]>;
  /** Writes what a run found, all or nothing. */
  save(targetId: number, changes: readonly AdviceChange[], run: { at: Date; by: string }): Promise<void>;
  /** Changes a state; `undefined` when it is in none of the states that were expected. */
  change(transition: AdviceTransition): Promise<StoredAdvice | undefined>;
  setProgress(id: number, progress: Document | null): Promise<void>;
  setMeasurement(id: number, measurement: Document): Promise<void>;
  /** Writes down that a statement is about to run. Gives its number. */
  beginChange(intent: ChangeIntent): Promise<number>;
  endChange(id: number, result: ChangeResult): Promise<void>;
  /** What was run, the youngest first. `open`: only what has not ended. `before`: numbers below it. */
  changes(query: {
    targetId: number;
    adviceId?: number;
    open?: boolean;
    since?: Date;
    before?: number;
    limit: number;
  }): Promise<LoggedChange[]>;
  beginRun(run: { targetId: number; kind: AdviceRunKind; askedBy: string; at: Date }): Promise<number>;
  endRun(id: number, result: { at: Date; error?: string | undefined; report?: Document | undefined }): Promise<void>;
  /** The last run of a kind; `finished`: the last that ended well. */
  lastRun(query: { targetId: number; kind: AdviceRunKind; finished: boolean }): Promise<AdviceRun | undefined>;
}
