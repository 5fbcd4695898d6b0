import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import type { TimeRange } from '../time-range.ts';

/** A report of an application, as it arrived. */
export interface ReceivedReport {
  targetId: number;
  report: ApplicationReport;
  /** When it came. */
  arrivedAt: Date;
  /** The time that its figures are put at: the end of what it covers, by a clock that can be believed. */
  at: Date;
}

/** Values of one call by the number of their placeholder: `{ "1": "42", "2": null }`. What was left out is not in it. */
export type ParameterValues = Readonly<Record<string, string | null>>;

/** What a statement is called with, as one application told. */
export interface ParameterSamples {
  fingerprint: string;
  /** What the numbers of the placeholders are those of. */
  text: string;
  /** Usual calls first. */
  samples: readonly ParameterValues[];
}

/** What an application counted of a statement and adds up. */
export interface ApplicationCounters {
  calls: number;
  errors: number;
  rows: number;
  /** From the call until the result was there, waiting for a connection included. */
  totalUs: number;
  waitUs: number;
}

/** Callers of a statement; `requests` of a scope are those in which it was called at least once. */
export interface CallerCounters {
  calls: number;
  requests: number;
}

/**
 * What an application does beside its statements: `scope`, requests or jobs of one name, with no name all of them together; `timer`,
 * durations of its own; `pool`, waits for a connection.
 */
export type ActivityKind = 'scope' | 'timer' | 'pool';

/** What is counted of an activity and adds up; what an activity does not have is 0. */
export interface ActivityCounters {
  /** Requests, measurements, or waits for a connection, however they ended. */
  count: number;
  totalUs: number;
  /** Of requests: statements, and waiting for the database, added up over statements that may have run at once. */
  statements: number;
  statementUs: number;
  /** Requests whose heap was measured, and by how many bytes it grew in them. */
  heapGrowths: number;
  heapGrowth: number;
  /** Of waits for a connection: those that took too long or failed. */
  timeouts: number;
  errors: number;
  /** Connections. */
  opened: number;
  openErrors: number;
  closed: number;
}

export interface ActivityFigures extends ActivityCounters {
  maxUs: number;
  /** Most of one request. */
  mostStatements: number;
  mostHeapGrowth: number;
  latency: LatencyCounts;
}

export interface Activity extends ActivityFigures {
  kind: ActivityKind;
  name: string;
}

export interface ActivitySeriesAnswer extends TimeRange {
  step: number;
  /** Buckets in which something was counted. `at`: start in ms since 1970. */
  points: ({ at: number } & ActivityFigures)[];
}

/** An activity since it was first seen: these only grow. */
export interface ActivityTotal extends ActivityCounters {
  application: string;
  kind: ActivityKind;
  name: string;
  latency: LatencyCounts;
}

/** Buckets of `client/telemetry/histogram.ts` with their counts, in order; empty ones are left out. */
export type LatencyCounts = readonly (readonly [bucket: number, count: number])[];

/** Counters with what is merged in other ways than by a sum. */
export interface ApplicationFigures extends ApplicationCounters {
  maxUs: number;
  latency: LatencyCounts;
}

export interface ApplicationTotals extends ApplicationFigures {
  name: string;
  firstSeen: Date;
  lastSeen: Date;
}

/** A statement as applications told of it, all of them together. */
export interface ApplicationStatement extends ApplicationFigures {
  fingerprint: string;
  text: string | null;
  kind: string;
  applications: string[];
  /** Numbers of the server's statements with the same fingerprint; empty: its statistics have none. */
  statements: number[];
}

export interface ApplicationStatementsQuery extends TimeRange {
  targetId: number;
  application?: string;
  /** Case-insensitive part of the text. */
  search?: string;
  /** Only those that the server's statistics do not have. */
  unmatched?: boolean;
  orderBy: 'totalUs' | 'calls' | 'errors' | 'rows' | 'maxUs' | 'meanUs';
  descending?: boolean;
  limit: number;
  offset?: number;
}

export interface ApplicationStatementsAnswer extends TimeRange {
  statements: ApplicationStatement[];
  /** How many fit the filters, before `limit`. */
  count: number;
}

export type ApplicationSeriesQuery = TimeRange & { targetId: number; step: number } & (
    | { fingerprint: string }
    | { application: string }
  );

export interface ApplicationSeriesAnswer extends TimeRange {
  step: number;
  /** Buckets in which something was called. `at`: start in ms since 1970. */
  points: ({ at: number } & ApplicationFigures)[];
}

/** From where a statement was called in a range. */
export interface Caller extends CallerCounters {
  application: string;
  kind: 'site' | 'scope' | 'repeated';
  /** Name of the request or job; empty for a site. */
  scope: string;
  /** Line of the source; empty for a scope. */
  site: string;
  /** Most calls in one request. */
  most: number;
}

/** A statement that was called again and again from one line within one request. */
export interface RepeatedCall {
  application: string;
  scope: string;
  site: string;
  fingerprint: string;
  text: string | null;
  statements: number[];
  requests: number;
  most: number;
}

export interface PoolEndpoint {
  endpoint: string;
  role: string;
  /** Processes that have connections to it. */
  instances: number;
  open: number;
  idle: number;
  waiting: number;
  lanes: number;
  max: number;
}

/** An application as it is now. */
export interface ApplicationNow {
  name: string;
  lastSeen: Date;
  /** Processes that have reported lately. */
  instances: number;
  /** All their pools together. */
  pools: PoolEndpoint[];
  /** Since it was first seen: these only grow. */
  total: ApplicationCounters & { latency: LatencyCounts };
}

/** Reading what applications told. Every method throws `E_STORE_UNAVAILABLE` while the store is away. */
export interface ApplicationHistory {
  /** Applications seen in the range, the busiest first. */
  applications(query: TimeRange & { targetId: number }): Promise<ApplicationTotals[]>;
  applicationsNow(query: { targetId: number; now: Date }): Promise<ApplicationNow[]>;
  applicationStatements(query: ApplicationStatementsQuery): Promise<ApplicationStatementsAnswer>;
  /** What was called of statements in a range, by fingerprint; those never called are left out. Of one application or all. */
  applicationFigures(
    query: TimeRange & { targetId: number; fingerprints: readonly string[]; application?: string },
  ): Promise<Map<string, ApplicationFigures>>;
  /** The course of one statement, or of everything that one application asked. */
  applicationSeries(query: ApplicationSeriesQuery): Promise<ApplicationSeriesAnswer>;
  /** One statement as applications told of it, whenever that was; `undefined` when none did. */
  applicationStatement(query: {
    targetId: number;
    fingerprint: string;
  }): Promise<Pick<ApplicationStatement, 'fingerprint' | 'text' | 'kind' | 'applications' | 'statements'> | undefined>;
  /**
   * Values that applications call statements with, where they tell of them; told latest first. Of one application or all. They are data of
   * the watched database: they plan statements, and are shown to nobody.
   */
  parameterSamples(query: {
    targetId: number;
    fingerprints: readonly string[];
    application?: string;
  }): Promise<ParameterSamples[]>;
  /** What one statement was called by; sites and scopes of each application with the most calls first. */
  callers(query: TimeRange & { targetId: number; fingerprint: string }): Promise<Caller[]>;
  /** What one application did in a range beside its statements; what took most time first. */
  activities(query: TimeRange & { targetId: number; application: string }): Promise<Activity[]>;
  /** The course of all requests of an application together, or of its waits for connections. */
  activitySeries(
    query: TimeRange & { targetId: number; application: string; kind: 'scope' | 'pool'; step: number },
  ): Promise<ActivitySeriesAnswer>;
  /** Since they were first seen: pools, all requests together, and some timers of each application. */
  activityTotals(query: { targetId: number; now: Date }): Promise<ActivityTotal[]>;
  /** Repeated calls seen in a range, worst first. */
  repeatedCalls(query: TimeRange & { targetId: number; limit: number }): Promise<RepeatedCall[]>;
}
