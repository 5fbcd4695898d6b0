/** What is done to a table or an index. */
export type TaskKind = 'analyze' | 'vacuum' | 'freeze' | 'reindex' | 'drop-leftover';

/** One piece of maintenance that is needed. */
export interface MaintenanceTask {
  kind: TaskKind;
  schema: string;
  /** The table; for an index the table that it belongs to. */
  table: string;
  /** Oid of the table, of what is done to a table. */
  tableOid: number | null;
  /** Of `reindex` and `drop-leftover`. */
  index?: string;
  /** One statement, complete as it stands. */
  statement: string;
  /** Why it is needed, as one sentence with its figures. */
  reason: string;
  /** How much it brings, to order tasks by: see `docs/maintenance.md`. */
  gain: number;
  /** How long it may take, from sizes; a rough figure. */
  estimatedSeconds: number;
  /** Bytes of disk that it takes while it runs. */
  needsBytes: number;
  /** Bytes that become free for certain; 0 where that is not known. */
  freesBytes: number;
}

/** Something that would be done but cannot be, or could not be told. */
export interface LeftOut {
  /** `public.orders`, `index public.orders_note_idx`. */
  subject: string;
  reason: string;
  /** A GRANT, a setting or a sentence that would change that; `null` when nothing can. */
  fix: string | null;
}

export interface MaintenancePlan {
  /** In the order in which they are run. */
  tasks: readonly MaintenanceTask[];
  leftOut: readonly LeftOut[];
}

export type TaskOutcome =
  | 'done'
  /** Nothing was run: its table is locked, busy, gone, or there is no room. */
  | 'skipped'
  | 'failed'
  /** Stopped while it ran: interrupted, out of time, or others waited for it. What it left was removed. */
  | 'cancelled'
  /** Its turn did not come. */
  | 'not-run';

export interface TaskResult {
  task: MaintenanceTask;
  outcome: TaskOutcome;
  /** Why, for all but `done`. */
  reason: string | null;
  ms: number;
  /** What it changed: "12,000 dead rows before, 0 after"; `null` where nothing can be said. */
  effect: string | null;
}

/** Writes down what is changed. A statement is written down before it runs; when that fails, it is not run. */
export interface MaintenanceJournal {
  begin(entry: JournalEntry): Promise<(end: JournalEnd) => Promise<void>>;
}

export interface JournalEntry {
  /** `vacuum:public.orders`. */
  subject: string;
  statement: string;
  serverPid: number | null;
  sessionBegan: Date | null;
}

export interface JournalEnd {
  /** `unknown`: the connection was lost, so nobody knows. */
  outcome: 'done' | 'failed' | 'cancelled' | 'unknown';
  durationMs: number;
  error?: string;
  sqlState?: string;
}
