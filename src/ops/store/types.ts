/**
 * What the store keeps and how it is asked. Times in statement statistics are whole microseconds, because whole numbers
 * add up exactly however often they are rolled up; everything else is in the unit that its name says.
 */

import type { Config } from '../../config/index.ts';
import type { AdviceStore } from './advice/types.ts';
import type { ApplicationHistory, ReceivedReport } from './applications/types.ts';
import type { BackupStore } from './backups/types.ts';
import type { CacheAsk, CacheHistory, PendingCommand } from './caches/types.ts';
import type { PlanHistory, PlanWriting } from './plans/types.ts';
import type { TimeRange } from './time-range.ts';

export type { TimeRange };

/** Rooms of history that are rolled up and expire by the same rules. */
export type Family = 'metric' | 'statement' | 'table' | 'index' | 'application' | 'caller' | 'activity' | 'cache';

/** One value of one series. A series is a name and its labels, for one target. */
export interface MetricSample {
  /** Dotted name with unit where it has one: `database.commits`, `replication.replay_lag_seconds`. */
  name: string;
  labels?: Readonly<Record<string, string>>;
  /** A counter's value is its increase over the batch's `seconds`; a gauge's is what was seen at `at`. */
  kind: 'counter' | 'gauge';
  value: number;
}

/** What tells one row of pg_stat_statements from another. `queryId` is text: it exceeds JavaScript's safe integers. */
export interface StatementKey {
  database: string;
  user: string;
  queryId: string;
  toplevel: boolean;
}

/** Counters of a statement that grow; in a batch, by how much they grew. */
export interface StatementCounters {
  calls: number;
  rows: number;
  totalExecUs: number;
  plans: number;
  totalPlanUs: number;
  /** Sum of squared execution times in ms², from mean and deviation: gives the deviation of any interval. */
  sumSquaresMs2: number;
  sharedHit: number;
  sharedRead: number;
  sharedDirtied: number;
  sharedWritten: number;
  localRead: number;
  localWritten: number;
  tempRead: number;
  tempWritten: number;
  blockReadUs: number;
  blockWriteUs: number;
  walRecords: number;
  walFpi: number;
  walBytes: number;
  jitUs: number;
}

export interface StatementDelta {
  key: StatementKey;
  counters: StatementCounters;
}

/** Text of a statement, sent to the store once, when its key is first seen. */
export interface StatementText {
  key: StatementKey;
  text: string;
  /** True for Pitcrew's own statements. */
  own: boolean;
}

/** A table or index; `parent` is the index's table. */
export interface RelationKey {
  schema: string;
  name: string;
  parent?: string;
}

export interface TableCounters {
  seqScans: number;
  seqRowsRead: number;
  indexScans: number;
  indexRowsFetched: number;
  inserts: number;
  updates: number;
  deletes: number;
  hotUpdates: number;
  heapRead: number;
  heapHit: number;
  indexRead: number;
  indexHit: number;
  vacuums: number;
  autovacuums: number;
  analyzes: number;
  autoanalyzes: number;
}

export interface TableGauges {
  liveRows: number;
  deadRows: number;
  /** `relpages` × block size, TOAST and indexes apart. */
  heapBytes: number;
  indexBytes: number;
  toastBytes: number;
}

export interface TableDelta {
  key: RelationKey;
  counters: TableCounters;
  gauges: TableGauges;
}

export interface IndexCounters {
  scans: number;
  rowsRead: number;
  rowsFetched: number;
  blocksRead: number;
  blocksHit: number;
}

export interface IndexDelta {
  key: RelationKey;
  counters: IndexCounters;
  gauges: { bytes: number };
}

/** A table or index, and which of the two it is. */
export interface NamedRelation extends RelationKey {
  family: 'table' | 'index';
}

/**
 * Cumulative values as last read from the server, kept so that the difference across a daemon's restart is still exact.
 * Written in the same transaction as the deltas that lead to them.
 */
export interface BaselineChange {
  /** Everything of this collector is dropped before `upserts` apply (another server, or a statistics reset). */
  replaceAll: boolean;
  upserts: { key: string; values: number[]; stamp?: string }[];
  deletes: string[];
}

export interface BaselineEntry {
  values: number[];
  stamp: string | undefined;
}

/** What one run of one collector found; written whole or not at all. */
export interface Batch {
  targetId: number;
  /** `activity`, `statements`, … */
  collector: string;
  /** End of the interval covered. */
  at: Date;
  /** Length of the interval that the counters cover: since the last run that succeeded, downtime included; 0 at first. */
  seconds: number;
  metrics?: MetricSample[];
  statements?: StatementDelta[];
  texts?: StatementText[];
  tables?: TableDelta[];
  indexes?: IndexDelta[];
  /** Tables and indexes found gone since the last run; they are no longer listed for ranges after `at`. */
  dropped?: NamedRelation[];
  baseline?: BaselineChange;
}

/** A level of history: raw samples, then roll-ups. */
export interface Level {
  name: 'raw' | 'minute' | 'quarterHour' | 'hour';
  /** Width of a point in seconds. */
  seconds: number;
  /** How long it is kept, in milliseconds. */
  retentionMs: number;
}

export interface SeriesQuery extends TimeRange {
  targetId: number;
  /** Names, each exact or a prefix ending in `.*`. */
  names: string[];
  /** Only series that carry these labels. */
  labels?: Record<string, string>;
  /** Wanted width of a point in seconds; the answer says what it is. */
  step: number;
}

export interface SeriesPoint {
  /** Start of the bucket, in ms since 1970. */
  at: number;
  /** Gauge: mean over the bucket. Counter: increase per second over the time covered. `null`: nothing was seen. */
  value: number | null;
  /** Gauges: extremes within the bucket. */
  min: number | null;
  max: number | null;
  /** Counters: the increase itself. */
  sum: number | null;
}

export interface Series {
  name: string;
  labels: Record<string, string>;
  kind: 'counter' | 'gauge';
  points: SeriesPoint[];
}

export interface SeriesAnswer extends TimeRange {
  step: number;
  series: Series[];
}

/** A statement and what it did within a time range. */
export interface StatementTotals {
  /** The store's own number for (target, key). */
  id: number;
  key: StatementKey;
  /** `null` when the text could not be read. */
  text: string | null;
  /** What applications know the statement by too; `null` while it is not worked out, or the text cannot be read. */
  fingerprint: string | null;
  own: boolean;
  firstSeen: Date;
  lastSeen: Date;
  counters: StatementCounters;
}

export interface StatementsQuery extends TimeRange {
  targetId: number;
  database?: string;
  user?: string;
  /** Case-insensitive part of the text. */
  search?: string;
  /** Pitcrew's own statements: left out by default. */
  own?: 'exclude' | 'include' | 'only';
  orderBy: 'totalExecUs' | 'calls' | 'meanUs' | 'rows' | 'sharedRead' | 'tempWritten' | 'walBytes' | 'blockReadUs';
  descending?: boolean;
  /** Only statements with a mean of at least this many microseconds. */
  minMeanUs?: number;
  limit: number;
  offset?: number;
}

export interface StatementsAnswer extends TimeRange {
  statements: StatementTotals[];
  /** How many fit the filters, before `limit`. */
  count: number;
  /** Sum over all that fit the filters. */
  totals: StatementCounters;
  /** Seconds of the range in which statistics were collected. */
  coveredSeconds: number;
}

/** What statements can be filtered by. */
export interface StatementFacets {
  users: string[];
  databases: string[];
}

export interface CounterPoint<Counters> {
  /** Start of the bucket, in ms since 1970. */
  at: number;
  /** Seconds of the bucket in which statistics were collected; 0 means that nothing is known. */
  coveredSeconds: number;
  counters: Counters;
}

export interface StatementSeriesAnswer extends TimeRange {
  step: number;
  points: CounterPoint<StatementCounters>[];
}

export interface TableTotals {
  id: number;
  key: RelationKey;
  counters: TableCounters;
  /** The latest seen. */
  gauges: TableGauges;
}

export interface IndexTotals {
  id: number;
  key: RelationKey;
  /** When it was first seen; not later than it was made, give or take the time between two looks. */
  firstSeen: Date;
  counters: IndexCounters;
  gauges: { bytes: number };
}

export interface RelationsAnswer<Totals> extends TimeRange {
  relations: Totals[];
  coveredSeconds: number;
}

/** Reading. Every method throws `E_STORE_UNAVAILABLE` while the store is away. */
export interface History extends ApplicationHistory, CacheHistory, PlanHistory {
  series(query: SeriesQuery): Promise<SeriesAnswer>;
  statements(query: StatementsQuery): Promise<StatementsAnswer>;
  /** Users and databases of the statements that were seen in the range, Pitcrew's own apart; each in order. */
  statementFacets(query: TimeRange & { targetId: number }): Promise<StatementFacets>;
  statement(targetId: number, id: number): Promise<Omit<StatementTotals, 'counters'> | undefined>;
  statementSeries(
    query: TimeRange & { targetId: number; ids: number[]; step: number },
  ): Promise<Map<number, StatementSeriesAnswer>>;
  tables(query: TimeRange & { targetId: number }): Promise<RelationsAnswer<TableTotals>>;
  /** Gauges of tables as they stood at a moment; tables not seen by then are left out. */
  tableGauges(query: { targetId: number; ids: readonly number[]; at: Date }): Promise<Map<number, TableGauges>>;
  indexes(
    query: TimeRange & { targetId: number; schema?: string; table?: string },
  ): Promise<RelationsAnswer<IndexTotals>>;
  tableSeries(
    query: TimeRange & { targetId: number; id: number; step: number },
  ): Promise<TimeRange & { step: number; points: (CounterPoint<TableCounters> & { gauges: TableGauges | null })[] }>;
}

export interface StoreStatus {
  state: 'ready' | 'away' | 'read-only';
  /** Why it is not ready. */
  message: string | undefined;
  since: Date;
  /** Batches waiting to be written, and how many were given up because too many waited. */
  waitingBatches: number;
  lostBatches: number;
  /** Bytes that Pitcrew's tables take, when last looked at. */
  bytes: number | undefined;
}

export interface Store extends PlanWriting {
  readonly history: History;
  readonly levels: readonly Level[];
  /** What the advisor keeps: advice and its states, what was changed on watched databases, runs. */
  readonly advice: AdviceStore;
  /** What was done for backups, and how it went. */
  readonly backups: BackupStore;
  /** Registers a watched database (by its name in the config) and gives its number. */
  target(name: string): Promise<number>;
  /**
   * Takes the exclusive right to write for a target, so that two daemons on one store never count twice. False when
   * another daemon holds it; may be asked again later. Lost with the connection and taken again by itself, unless
   * another daemon was faster: then what waits is given up and the next answer is false, even when the other has ended
   * meanwhile. After every change from false to true, begin from `baseline`.
   */
  claim(targetId: number): Promise<boolean>;
  baseline(targetId: number, collector: string): Promise<Map<string, BaselineEntry>>;
  /** Keys of statements whose text is stored already, in the form of `statementKeyText`. */
  knownStatements(targetId: number): Promise<Set<string>>;
  /** Tables and indexes that are listed: those not known to be dropped. */
  listedRelations(targetId: number): Promise<NamedRelation[]>;
  /**
   * Queues a report of an application; needs no claim, and counts each report once. True once it is written, false
   * when the store cannot take it now; never throws. What cannot be written in time is dropped and counted.
   */
  report(received: ReceivedReport): Promise<boolean>;
  /**
   * Keeps a command for caches of applications, which any daemon on this store gives to their processes as they report, for ten
   * minutes. Gives its id.
   */
  askCaches(ask: CacheAsk): Promise<string>;
  /** What a process that reports is to do with its caches: what it has not told the result of. */
  pendingCacheCommands(process: {
    targetId: number;
    application: string;
    instance: string;
    now: Date;
  }): Promise<PendingCommand[]>;
  /** Queues a batch; returns at once, never throws. What cannot be written in time is dropped and counted. */
  append(batch: Batch): void;
  /** Resolves when everything queued has been written, or rejects with `E_STORE_UNAVAILABLE`. */
  flush(): Promise<void>;
  status(): StoreStatus;
  close(): Promise<void>;
}

/** What the store tells of: any logger of pino's shape. */
export interface StoreLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface StoreOptions {
  /** PostgreSQL 15 or newer; TLS by the URL's `sslmode`. No pooler may stand between: sessions hold the claims (advisory locks). */
  url: string;
  retention: Config['store']['retention'];
  logger?: StoreLogger | undefined;
}

/** A statement's key as one text, for maps and baselines. */
export function statementKeyText(key: StatementKey): string {
  const { queryId, toplevel, database, user } = key;
  // Joined: a template would keep its parts in memory for as long as the key is in a map.
  return [queryId, toplevel ? 't' : 'n', encodeURIComponent(database), encodeURIComponent(user)].join('/');
}
