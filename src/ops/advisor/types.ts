import type { DatabaseConnection, ServerProfile } from '../../engine/postgres/index.ts';

export type Severity = 'info' | 'warning' | 'critical';

/** What a finding is about. */
export interface Subject {
  kind: 'index' | 'table' | 'column' | 'sequence' | 'setting' | 'session' | 'slot' | 'statement' | 'view' | 'database';
  schema?: string;
  /** Table of an index or column. */
  table?: string;
  /** Not quoted. */
  name: string;
}

/** A figure or a fact on which a finding rests. */
export interface Evidence {
  /** "Scans since 12 May", "Size". */
  label: string;
  value: number | string | boolean | null;
  /** How a number is shown; `count` by default. */
  unit?: 'bytes' | 'ms' | 'seconds' | 'ratio' | 'rows' | 'count' | 'perSecond';
}

/** What it would bring, as far as it is known beforehand. */
export interface Gain {
  /** Bytes of disk that become free. */
  bytes?: number;
  /** Share of the planned cost of the workload that goes away, 0–1. */
  workloadShare?: number;
  /** Execution time of statements that goes away, in ms per hour, from planned costs and measured times. */
  msPerHour?: number;
  /** One sentence where no figure fits. */
  text?: string;
}

/** What is to be done. */
export type RemedyKind =
  | 'create-index'
  | 'drop-index'
  | 'reindex'
  | 'analyze'
  | 'vacuum'
  | 'statistics'
  | 'setting'
  | 'schema'
  | 'session'
  | 'manual';

export interface Remedy {
  kind: RemedyKind;
  /** Statements in order, each complete and runnable as it stands. Those of `manual` are for a person to run, or empty. */
  fix: readonly string[];
  /** Statements that bring the former state back; empty where there is nothing to undo (ANALYZE) or no way back. */
  undo: readonly string[];
  risk: 'low' | 'medium' | 'high';
  /** What it locks, how long it may take, what can go wrong: one or two sentences. */
  riskDetail: string;
  /** True when Pitcrew may run `fix` itself on request; false for what a person has to think about first. */
  appliable: boolean;
  /** Bytes of disk that it takes while it runs and after, for the space check. */
  needsBytes?: number;
}

/** Something that could be better, why we think so, and what to do. */
export interface Finding {
  /** Id of the check, kebab-case: `unused-index`. */
  check: string;
  /** The same for the same finding in every run: check and object, such as `unused-index:public.orders_note_idx`. */
  key: string;
  severity: Severity;
  subject: Subject;
  /** One factual sentence: "The index orders_note_idx was not used in the 40 days that are known". */
  title: string;
  /** Why it matters, in one to three sentences. */
  explanation: string;
  evidence: readonly Evidence[];
  gain: Gain | null;
  remedy: Remedy | null;
  /** Statements whose plans it changes, as planned beforehand; left out where that is not known. */
  affected?: readonly AffectedStatement[];
}

/** A statement of the workload, planned without and with what is advised. */
export interface AffectedStatement {
  /** Query id, as pg_stat_statements has it, or the store's number of it: as its workload names it. */
  id: string;
  text: string;
  callsPerHour: number;
  /** Planned costs, in the planner's unit. */
  costBefore: number;
  costAfter: number;
}

/** What a check answers. It never guesses: what it cannot know, it says. */
export type CheckAnswer =
  | {
      status: 'found';
      /** The gravest first; a bounded number of them. */
      findings: readonly Finding[];
      /** How many were found beyond those. */
      more?: number;
      /** Parts that could not be told, each with its reason. */
      untold?: readonly Untold[];
    }
  | { status: 'fine'; message: string; evidence?: readonly Evidence[]; untold?: readonly Untold[] }
  | ({ status: 'unknown' } & Untold);

export interface Untold {
  /** What could not be told and why, as one sentence. */
  reason: string;
  /** A GRANT, a setting or a sentence that would change that; `null` when nothing can. */
  fix: string | null;
}

/** A server whose indexes and tables may be used although the primary does not use them. */
export interface ReplicaSession {
  name: string;
  connection: DatabaseConnection;
  profile: ServerProfile;
}

/** How often indexes were used, over all history that is known. */
export interface IndexUse {
  schema: string;
  name: string;
  scans: number;
  /** Since when this index is watched, where that is later than the history's beginning: it is not older than that. */
  since?: Date;
}

/** Reads something of the primary. A function of a module, by which what it read is known again. */
export type Reader<Value> = (connection: DatabaseConnection, profile: ServerProfile) => Promise<Value>;

/** What the checks of one run have read so far. It ends with the run, so that the next one sees what is there then. */
export type Readings = Map<Reader<unknown>, Promise<unknown>>;

/** What checks are told beside the database itself. */
export interface CheckContext {
  connection: DatabaseConnection;
  profile: ServerProfile;
  /** Sessions with every replica that could be reached. */
  replicas: readonly ReplicaSession[];
  /** Replicas that exist (by pg_stat_replication or configuration) but could not be asked: names. */
  unreachedReplicas: readonly string[];
  /** Use of indexes from the store's history, and since when it is known; `null` without a store. */
  indexHistory: { since: Date; uses: readonly IndexUse[] } | null;
  /** The machine of the server, where it is ours or was told; `null` when unknown. */
  machine: Machine | null;
  /** Asks for exact answers that read whole tables or indexes (`pgstattuple`) or samples of them; false by default. */
  exact: boolean;
  /** What the checks of this run read in common; outside of a run everything is read anew. */
  readings?: Readings;
  /** From where on checks speak up, where that is not as documented. */
  thresholds?: Partial<CheckThresholds>;
}

/** What a deployment may want otherwise; everything else is a constant of its check. */
export interface CheckThresholds {
  /** An index counts as unused when it was not used for at least so many days; 7 by default. */
  unusedDays: number;
  /** Indexes and tables smaller than this are not judged for bloat, in bytes; 10 MB by default. */
  bloatFromBytes: number;
  /** Tables with fewer rows are not judged for statistics, missing indexes and vacuum; 10,000 by default. */
  smallTableRows: number;
  /** Tables from this size on may be worth partitioning, in bytes; by default as large as the memory, 100 GB where that is unknown. */
  partitionFromBytes: number;
}

export interface Machine {
  memoryBytes: number;
  cpus: number;
  disk: 'ssd' | 'rotating' | 'unknown';
}

export interface Check {
  /** Stable, kebab-case. */
  id: string;
  title: string;
  /** What it looks at and when it speaks up, with thresholds and sources: becomes documentation. */
  documentation: string;
  run(context: CheckContext): Promise<CheckAnswer>;
}
