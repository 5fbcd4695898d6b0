import type { ActivitySnapshot, LatestMetric, MonitorStatus, SettingState, TableState } from '../types.ts';

/**
 * All that the health score is judged by. Everywhere `undefined` means "not read": the check that needs it answers
 * `unknown` and gives the reason of the collector or of `status.skipped`. An empty list means "read, and there are none".
 */
export interface HealthInput {
  now: Date;
  status: MonitorStatus;
  /** As `DatabaseMonitor.latest()`. */
  latest: ReadonlyMap<string, LatestMetric>;
  /** What was counted lately: `HealthWindow.view(now)`. */
  window: WindowView;
  /**
   * True where somebody looks once and goes: a second of counters is judged, and what was read once only by what the
   * server counted since it began. A daemon waits half a minute, so that no first verdict is gone in a minute.
   */
  once: boolean;
  activity: ActivitySnapshot | undefined;
  tables: readonly TableState[] | undefined;
  settings: readonly SettingState[] | undefined;
  slots: readonly SlotState[] | undefined;
  sequences: readonly SequenceState[] | undefined;
  invalidIndexes: readonly InvalidIndex[] | undefined;
  /** On a standby: its WAL receiver, `null` when it has none running. Not looked at on a primary. */
  walReceiver: { status: string } | null | undefined;
  /** `checksum_failures` over all of pg_stat_database as the server counts it; `null` when checksums are off. */
  checksumFailures: number | null | undefined;
  /** How its backups are; `null` when the settings have none of it. */
  backups: BackupFacts | null | undefined;
  /** True when the database runs on the daemon's machine, so that `host.*` speaks of it. */
  hostIsLocal: boolean;
}

/** How the backups of a database are, as whoever looks after them knows. */
export interface BackupFacts {
  maxBackupAgeMs: number;
  maxLogLagMs: number;
  /** Backups are made by times of the settings. */
  scheduled: boolean;
  /** The log is to be received all the time. */
  streams: boolean;
  /** Full backups are to be proven by themselves. */
  drills: boolean;
  /** Why they cannot be; `null` when they can. */
  unprovable: string | null;
  /** A backup is being made. */
  running: boolean;
  /** When the latest one ended; `null` when there is none, `undefined` when the repository could not be read. */
  latestBackupAt: Date | null | undefined;
  /** Each with why it cannot be reached. */
  repositories: readonly { name: string; error: string | null }[];
  /** Repositories that lack backups of the first: how many, when the oldest of these was made, and why the last copy failed, if it did. */
  behind: readonly { name: string; backups: number; since: Date; isEmpty: boolean; reason: string | null }[];
  /** Kinds of runs of which the last one failed, and why. */
  failed: readonly { kind: string; at: Date; message: string }[];
  /** The last restore that was to prove a backup. */
  drill: { at: Date; ok: boolean; message: string; readyMs: number | null } | null;
  stream: {
    state: string;
    since: Date;
    slot: string;
    lagMs: number | null;
    error: string | null;
    gap: string | null;
  } | null;
}

/** A row of pg_replication_slots. */
export interface SlotState {
  slot: string;
  active: boolean;
  temporary: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`; `null` before the slot reserved anything. */
  walStatus: string | null;
  /** Bytes of WAL between its restart_lsn and the current end of WAL. */
  retainedBytes: number | null;
}

export interface SequenceState {
  schema: string;
  name: string;
  /** Share of its values that are used up, 0–1; `null` when it could not be read. */
  used: number | null;
  /** True when it starts again at its end, and no column is full before. */
  cycles: boolean;
  /** `public.orders.id`, when a column owns it. */
  ownedBy: string | null;
  /** The column that is full before the sequence ends, because its type holds less. `used` speaks of it. */
  narrowColumn: { name: string; type: string } | null;
}

/** An index that is not valid (`indisvalid` false): a failed CREATE INDEX CONCURRENTLY, or one that still runs. */
export interface InvalidIndex {
  schema: string;
  table: string;
  name: string;
}

/** Increase of a counter, over how many seconds it was watched. */
export interface WindowSum {
  increase: number;
  seconds: number;
}

/** Scans of a large table in the last minutes. */
export interface TableScans {
  schema: string;
  name: string;
  liveRows: number;
  seqScans: number;
  indexScans: number;
}

export interface WindowView {
  /** Counters by metric name, over all labels, in the last 5 minutes. */
  recent: ReadonlyMap<string, WindowSum>;
  /** The same over the last hour. */
  hour: ReadonlyMap<string, WindowSum>;
  /** Mean of unlabelled gauges in the last 5 minutes. */
  gauges: ReadonlyMap<string, { mean: number; samples: number }>;
  /** Tables of 10,000 rows and more that were read in the last 15 minutes. */
  largeTables: readonly TableScans[];
  /** Over how many seconds tables were watched in these 15 minutes; 0: not yet. */
  tableSeconds: number;
  /** Replicas that were there for at least 5 minutes in the last 24 hours and are gone. */
  lostReplicas: readonly { name: string; lastSeen: Date }[];
}
