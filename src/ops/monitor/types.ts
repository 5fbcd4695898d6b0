/** What the monitor of one database shows to the server, the commands and the health score: plain data. */
import type { ActivityRow, ColumnRow, Skipped } from '../../engine/postgres/index.ts';
import type { PlanVerdict } from '../store/index.ts';

export type { Skipped };

export type CollectorName = 'activity' | 'statements' | 'instance' | 'tables' | 'slow';

export interface CollectorState {
  name: CollectorName;
  /** `skipped`: the server does not let us read it, see `message`. `backing-off`: failed and waits longer each time. */
  state: 'starting' | 'ok' | 'failing' | 'backing-off' | 'skipped' | 'paused';
  cadenceMs: number;
  lastRun: Date | null;
  lastSuccess: Date | null;
  lastDurationMs: number | null;
  runs: number;
  failures: number;
  /** Why it is not ok, in a sentence. */
  message: string | null;
  nextRun: Date | null;
}

export type ConnectionState = 'connecting' | 'watching' | 'unreachable' | 'refused' | 'unsupported' | 'standby-daemon';

export interface ServerFacts {
  /** `18.4` */
  version: string;
  /** `180004` */
  versionNumber: number;
  /** `postgresql`, `aurora`, `rds`, `cloud-sql`, `azure`, `supabase`, … where recognised. */
  flavour: string;
  /** A pooler such as PgBouncer stands between. */
  pooled: boolean;
  isStandby: boolean;
  startedAt: Date;
  systemIdentifier: string | null;
  timeline: number | null;
  maxConnections: number;
  reservedConnections: number;
  blockSize: number;
  /** CPUs of the server's machine; `null` when it is elsewhere and not configured. */
  cpus: number | null;
  database: string;
  user: string;
  /** Version of pg_stat_statements in use, `null` without it. */
  statementsVersion: string | null;
  statementsMax: number | null;
}

export interface MonitorStatus {
  database: string;
  targetId: number;
  connection: ConnectionState;
  /** Since when it is so. */
  since: Date;
  /** Why, when it is not `watching`. */
  message: string | null;
  hint: string | null;
  /** The server is there, but all its connections are taken. */
  noConnectionLeft: boolean;
  /** Host, port and database name; never user or password. */
  address: string;
  server: ServerFacts | null;
  collectors: CollectorState[];
  skipped: Skipped[];
  /** What Pitcrew itself cost the database, per second of wall time over the last minutes. */
  ownCost: { backendMsPerSecond: number; calls: number; tempBytes: number; connections: number } | null;
}

/** A session as last sampled. */
export interface Session extends ActivityRow {
  /** Whether it is of a Pitcrew daemon, or of its store. */
  own: boolean;
}

export interface ActivitySnapshot {
  at: Date;
  sessions: Session[];
  /** Client backends by state. */
  byState: Record<string, number>;
  /** Active sessions by class: `CPU` (no wait), `Lock`, `IO`, `LWLock`, … */
  byWait: Record<string, number>;
}

export interface TableState {
  oid: number;
  schema: string;
  name: string;
  kind: 'table' | 'partitioned' | 'materialized view' | 'partition';
  estimatedRows: number | null;
  liveRows: number;
  deadRows: number;
  heapBytes: number;
  indexBytes: number;
  toastBytes: number;
  lastVacuum: Date | null;
  lastAutovacuum: Date | null;
  lastAnalyze: Date | null;
  lastAutoanalyze: Date | null;
  /** Scans of the whole table and of its indexes since the server began to count. */
  seqScans: number;
  indexScans: number;
  modifiedSinceAnalyze: number;
  frozenXidAge: number | null;
}

export interface SettingState {
  name: string;
  value: string;
  unit: string | null;
  category: string;
  description: string;
  source: string;
  isDefault: boolean;
  pendingRestart: boolean;
}

/** Answer of one health check. */
export interface HealthCheck {
  id: string;
  /** Plain words: "Connections". */
  title: string;
  /** `unknown`: could not be told, with the reason in `message`; it never counts as good. */
  status: 'ok' | 'warning' | 'critical' | 'unknown';
  /** One plain sentence: "38 of 100 connections are in use". */
  message: string;
  /** Points that this check can cost, and what it costs now. */
  weight: number;
  pointsLost: number;
  /** Figures behind the message. */
  evidence: Record<string, number | string | null>;
  /** What to do, a sentence; `null` when nothing needs doing. */
  advice: string | null;
}

export interface HealthReport {
  at: Date;
  status: 'healthy' | 'warning' | 'critical' | 'unknown';
  /** 0–100; `null` when too little is known. */
  score: number | null;
  grade: 'A' | 'B' | 'C' | 'D' | 'F' | null;
  /** Share of the weights that could be judged, 0–1. */
  known: number;
  checks: HealthCheck[];
}

export interface PlanRequest {
  text: string;
  /** Settings under which it runs, such as search_path. */
  searchPath?: string;
}

export interface PlanAnswer {
  /** EXPLAIN's JSON. */
  plan: unknown;
  /** EXPLAIN's text form. */
  text: string;
  /** True when it was planned without parameter values. */
  generic: boolean;
  totalCost: number;
}

/** A statement with what it took in a time. */
export interface TopStatement {
  queryId: string;
  toplevel: boolean;
  database: string;
  user: string;
  /** `null` when it is hidden from us. */
  text: string | null;
  calls: number;
  rows: number;
  totalMs: number;
  meanMs: number | null;
  /** Of what all statements took, 0–1. */
  share: number | null;
}

/** The statements that took the most time, without Pitcrew's own. */
export interface TopStatements {
  /** Since when they count, where the server tells it; `null` also when they are of an interval. */
  since: Date | null;
  /** Length of the interval; `null` when they count since the statistics began. */
  seconds: number | null;
  statements: TopStatement[];
}

export type MonitorEvent =
  | { type: 'connection'; database: string; connection: ConnectionState; message: string | null }
  | { type: 'sample'; database: string; collector: CollectorName; at: Date }
  | {
      type: 'health';
      database: string;
      score: number | null;
      grade: HealthReport['grade'];
      status: HealthReport['status'];
    }
  /** What a statement's change of plan was found to have done. */
  | { type: 'plan'; database: string; statementId: number; verdict: PlanVerdict; at: Date };

/** The monitor of one watched database. */
export interface DatabaseMonitor {
  readonly name: string;
  readonly targetId: number;
  status(): MonitorStatus;
  activity(): ActivitySnapshot | undefined;
  /** Latest value of every metric: name{label="value"} → value (counters: per second). */
  latest(): ReadonlyMap<string, LatestMetric>;
  tables(): TableState[];
  settings(): SettingState[];
  health(): HealthReport;
  /** Plans a statement without running it. Throws `E_QUERY`, `E_UNSUPPORTED`, `E_DATABASE_UNREACHABLE`. */
  explain(request: PlanRequest): Promise<PlanAnswer>;
  /**
   * Reads the statements that took the most time: between the last two readings (`lately`; of none before the second), or
   * since the server began to count (`ever`). Empty where statements cannot be read. Throws `E_DATABASE_UNREACHABLE`.
   */
  topStatements(span: 'ever' | 'lately', most: number): Promise<TopStatements>;
  /** Columns of the tables and views of these names. Throws `E_DATABASE_UNREACHABLE`. */
  columns(tables: readonly string[]): Promise<ColumnRow[]>;
  cancelSession(pid: number): Promise<boolean>;
  terminateSession(pid: number): Promise<boolean>;
  resetStatements(): Promise<void>;
  /** Runs the named collectors now and waits for them (tests, `monitor`). */
  collectNow(collectors?: CollectorName[]): Promise<void>;
  onEvent(listener: (event: MonitorEvent) => void): () => void;
  /** Tells the listeners what another part of the daemon has found out about this database. */
  announce(event: MonitorEvent): void;
  stop(): Promise<void>;
}

export interface LatestMetric {
  name: string;
  labels: Readonly<Record<string, string>>;
  kind: 'counter' | 'gauge';
  /** Gauge: as seen. Counter: increase per second over the last interval. */
  value: number;
  /** Counters: sum since the daemon began to watch, for Prometheus. */
  total: number;
  at: Date;
}
