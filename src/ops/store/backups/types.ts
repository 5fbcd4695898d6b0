import type { Document } from '../advice/types.ts';

/** What is done for backups. */
export type BackupRunKind = 'full' | 'incremental' | 'drill' | 'verify' | 'prune';

/** `stopped`: by whoever asked for it to, or because its daemon died. */
export type BackupRunState = 'running' | 'done' | 'failed' | 'stopped';

/** Why a run did not succeed, as the program tells it; no secrets. */
export interface BackupRunError {
  code: string;
  message: string;
  detail: string | null;
  hint: string | null;
  /** It may be over by itself: it is tried again. */
  passes: boolean;
}

export interface BackupRun {
  id: number;
  kind: BackupRunKind;
  trigger: 'schedule' | 'hand';
  askedBy: string;
  /** 1 for the first of those for one time of the schedule. */
  attempt: number;
  /** The time of the schedule that it was for. */
  dueAt: Date | null;
  /** What people call the repository; no secrets. */
  repository: string;
  beganAt: Date;
  endedAt: Date | null;
  state: BackupRunState;
  /** The backup that it made, or was about. */
  backup: string | null;
  bytes: number | null;
  storedBytes: number | null;
  error: BackupRunError | null;
  /** What came of it: by kind. */
  report: Document | null;
}

/** A line of a run's log. */
export interface BackupRunLine {
  at: Date;
  level: 'info' | 'warn' | 'error';
  text: string;
}

export type BackupRunBegun = Pick<
  BackupRun,
  'kind' | 'trigger' | 'askedBy' | 'attempt' | 'dueAt' | 'repository' | 'beganAt' | 'backup'
>;

export type BackupRunEnded = Pick<
  BackupRun,
  'endedAt' | 'state' | 'backup' | 'bytes' | 'storedBytes' | 'error' | 'report'
>;

/** Latest runs of a kind. */
export interface LatestRuns {
  kind: BackupRunKind;
  /** Ended or not. */
  last: BackupRun;
  lastDone: BackupRun | null;
}

/** What the store keeps of backups. Every method throws `E_STORE_UNAVAILABLE` while the store is away. */
export interface BackupStore {
  /** Writes down that a run has begun, and forgets the oldest of its kind: 500 are kept. */
  beginRun(targetId: number, run: BackupRunBegun): Promise<number>;
  /** Adds lines of a run's log; `from` is the place of the first. */
  addLines(id: number, from: number, lines: readonly BackupRunLine[]): Promise<void>;
  endRun(id: number, result: BackupRunEnded): Promise<void>;
  /** Writes down of runs that nobody is at any more that they were stopped: those under way at `at`, but for `except`. @returns their ids */
  abandonRuns(
    targetId: number,
    ended: { at: Date; error: BackupRunError; except: readonly number[] },
  ): Promise<number[]>;
  /** The youngest first. `count`: of all that fit. */
  runs(query: {
    targetId: number;
    kinds?: readonly BackupRunKind[] | undefined;
    states?: readonly BackupRunState[] | undefined;
    limit: number;
    offset: number;
  }): Promise<{ count: number; runs: BackupRun[] }>;
  run(targetId: number, id: number): Promise<BackupRun | undefined>;
  /** At most 500. */
  lines(id: number): Promise<BackupRunLine[]>;
  latestRuns(targetId: number): Promise<LatestRuns[]>;
  /** The latest drill of each backup that found out something of it: one that could not be done says nothing. */
  latestDrills(targetId: number): Promise<BackupRun[]>;
  /** How many there are, of those that are kept. */
  countRuns(targetId: number): Promise<{ kind: BackupRunKind; state: BackupRunState; count: number }[]>;
}
