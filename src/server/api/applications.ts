import { z } from '@hono/zod-openapi';
import { pendingCommand } from '../../client/telemetry/caches/report.ts';
import { applicationReport as report } from '../../client/telemetry/report.ts';
import { shownFrom, timestamp } from './common.ts';

export const applicationReport = report.openapi('ApplicationReport');

export const ingestAnswer = z
  .object({
    accepted: z.literal(true),
    at: timestamp.openapi({ description: 'The time at which its figures are counted.' }),
    stored: z.boolean().openapi({ description: 'false: the store is away, and the report waits in memory.' }),
    note: z.string().nullable().openapi({ description: 'Why it is not counted at the time that it says.' }),
    commands: z.array(pendingCommand).openapi({
      description:
        'What the process is to do with its caches; the report after tells the result. Given again until it has.',
    }),
  })
  .openapi('IngestAnswer');

/** What applications measured of calls; times include waiting for a connection and the way to the server and back. */
export const applicationFigures = z
  .object({
    calls: z.number(),
    errors: z.number(),
    rows: z.number(),
    totalMs: z.number(),
    meanMs: z.number().nullable(),
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    p99Ms: z.number().nullable(),
    maxMs: z.number(),
    waitMs: z.number().nullable().openapi({ description: 'Waiting for a connection, on average.' }),
  })
  .openapi('ApplicationFigures');
export type ApplicationFigures = z.infer<typeof applicationFigures>;

const callSite = z
  .object({
    application: z.string(),
    site: z.string(),
    calls: z
      .number()
      .openapi({ description: 'By its share: of frequent statements applications look at some calls only.' }),
    share: z.number(),
  })
  .openapi('CallSite');

const scopeUse = z
  .object({
    application: z.string(),
    name: z.string(),
    calls: z.number(),
    requests: z.number().openapi({ description: 'Requests in which it was called at least once.' }),
    perRequest: z.number().nullable(),
    most: z.number().openapi({ description: 'Most calls in one request.' }),
  })
  .openapi('ScopeUse');

const repeatedCall = z
  .object({
    application: z.string(),
    scope: z.string(),
    site: z.string(),
    requests: z.number(),
    most: z.number().openapi({ description: 'Most calls in one request.' }),
    fingerprint: z.string(),
    text: z.string().nullable(),
    statement: z.number().int().nullable().openapi({ description: "Id of the server's statement, where it has one." }),
    message: z.string().openapi({ description: 'A plain sentence.' }),
  })
  .openapi('RepeatedCall');

export const repeatedCalls = z
  .object({ database: z.string(), from: timestamp, to: timestamp, repeated: z.array(repeatedCall) })
  .openapi('RepeatedCalls');
export type RepeatedCalls = z.infer<typeof repeatedCalls>;

/** From where a statement is called. */
export const callers = {
  callSites: z.array(callSite),
  scopes: z.array(scopeUse),
  repeated: z.array(repeatedCall),
};

const column = z.array(z.number().nullable());

/** Values along one time axis. */
const course = {
  callsPerSecond: column,
  errorsPerSecond: column,
  meanMs: column,
  p50Ms: column,
  p95Ms: column,
  p99Ms: column,
  waitMs: column,
};

const applicationStatement = applicationFigures
  .extend({
    fingerprint: z.string(),
    kind: z.string(),
    text: z.string().nullable(),
    applications: z.array(z.string()),
    statements: z
      .array(z.number().int())
      .openapi({ description: "Ids of the server's statements with this fingerprint; empty: it has none." }),
  })
  .openapi('ApplicationStatement');
export type ApplicationStatement = z.infer<typeof applicationStatement>;

export const applicationStatements = z
  .object({
    database: z.string(),
    from: timestamp,
    to: timestamp,
    count: z.number().int(),
    statements: z.array(applicationStatement),
  })
  .openapi('ApplicationStatements');
export type ApplicationStatements = z.infer<typeof applicationStatements>;

export const applicationStatementDetail = z
  .object({
    database: z.string(),
    from: shownFrom,
    to: timestamp,
    step: z.number(),
    statement: applicationStatement,
    ...callers,
    series: z.object({ at: z.array(z.number()), ...course }),
  })
  .openapi('ApplicationStatementDetail');
export type ApplicationStatementDetail = z.infer<typeof applicationStatementDetail>;

const poolEndpoint = z
  .object({
    endpoint: z.string(),
    role: z.string(),
    instances: z.number().int(),
    open: z.number(),
    idle: z.number(),
    waiting: z.number(),
    lanes: z.number(),
    max: z.number(),
  })
  .openapi('PoolEndpoint');

const application = applicationFigures
  .extend({
    name: z.string(),
    firstSeen: timestamp,
    lastSeen: timestamp,
    callsPerSecond: z.number().nullable(),
    instances: z.number().int().openapi({ description: 'Processes that report now.' }),
    pools: z.array(poolEndpoint).openapi({ description: 'Their pools together, as they are now.' }),
  })
  .openapi('Application');

/** Durations; percentiles within the 5 % of the histogram. */
const durations = {
  count: z.number(),
  totalMs: z.number(),
  meanMs: z.number().nullable(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  maxMs: z.number(),
};

const applicationScope = z
  .object({
    name: z.string(),
    ...durations,
    perSecond: z.number().nullable(),
    statements: z.number(),
    statementsPerScope: z.number().nullable(),
    mostStatements: z.number().openapi({ description: 'Most statements in one of them.' }),
    databaseMs: z
      .number()
      .openapi({ description: 'Waiting for the database, added up over statements that may have run at once.' }),
    databaseShare: z.number().nullable().openapi({ description: 'The same as a share of their time, 1 at most.' }),
    meanHeapGrowthBytes: z
      .number()
      .nullable()
      .openapi({ description: 'By how much the heap grew meanwhile; null where that is not measured.' }),
    mostHeapGrowthBytes: z.number().nullable(),
  })
  .openapi('ApplicationScope');
export type ApplicationScope = z.infer<typeof applicationScope>;

const applicationTimer = z
  .object({ name: z.string(), ...durations, perSecond: z.number().nullable() })
  .openapi('ApplicationTimer');

const acquires = z
  .object({
    ...durations,
    acquired: z.number(),
    timeouts: z.number(),
    errors: z.number(),
    opened: z.number(),
    openErrors: z.number(),
    closed: z.number(),
    series: z.object({
      acquiredPerSecond: column,
      timeoutsPerSecond: column,
      errorsPerSecond: column,
      openedPerSecond: column,
      closedPerSecond: column,
      p50Ms: column,
      p95Ms: column,
      p99Ms: column,
    }),
  })
  .openapi('Acquires');

export const applications = z
  .object({ database: z.string(), from: timestamp, to: timestamp, applications: z.array(application) })
  .openapi('Applications');
export type Applications = z.infer<typeof applications>;

export const applicationDetail = z
  .object({
    database: z.string(),
    from: shownFrom,
    to: timestamp,
    step: z.number(),
    application,
    series: z.object({ at: z.array(z.number()), ...course }),
    pools: z
      .array(
        z.object({
          endpoint: z.string(),
          role: z.string(),
          open: column,
          idle: column,
          waiting: column,
          lanes: column,
          max: column,
        }),
      )
      .openapi({ description: 'Endpoints over the same time axis.' }),
    acquires: acquires.nullable().openapi({
      description: 'Waits for a connection of its own, and what became of connections; null: none was needed.',
    }),
    scopes: z.array(applicationScope).openapi({
      description: 'Requests and jobs that have ended and used the database; those that took most time first.',
    }),
    timers: z.array(applicationTimer).openapi({ description: 'Durations of its own; what took most time first.' }),
  })
  .openapi('ApplicationDetail');
export type ApplicationDetail = z.infer<typeof applicationDetail>;
