import { z } from 'zod';
import { cacheReport, commandResult } from './caches/report.ts';

/**
 * What an application tells `pitcrew serve` of itself, by `POST /api/v1/database/ingest`. Only the daemon loads this file at run
 * time; the library takes its types. Every list and text is bounded, since whoever has a token can send one.
 */

/** Where in the application: `src/orders.ts:42`. */
const callSite = z.object({ site: z.string().max(300), calls: z.int().nonnegative() });

/** In which request or job. */
const scopeUse = z.object({
  name: z.string().max(200),
  calls: z.int().nonnegative(),
  /** Requests of that name in which it was called at least once. */
  requests: z.int().nonnegative(),
  /** Most calls in one of them. */
  most: z.int().nonnegative(),
});

/** Pairs of bucket and count; see `histogram.ts` for the bounds of buckets. */
const histogram = z.array(z.tuple([z.int().nonnegative().max(1000), z.int().positive()])).max(600);

/** Placeholders of one call that are told of. */
const mostValues = 50;

/** Values of one call by the number of their placeholder in `text`, as PostgreSQL is sent them; `null` is NULL. Those left out are not in it. */
const parameterValues = z
  .record(z.string().regex(/^[1-9]\d{0,4}$/), z.string().max(4096).nullable())
  .refine((values) => Object.keys(values).length <= mostValues, `at most ${mostValues} values`);

const statement = z.object({
  /** As `describe` makes it, from the application's text or from the server's: what both are joined by. */
  fingerprint: z.string().regex(/^[0-9a-f]{1,64}$/),
  /** Without values. */
  text: z.string().max(20_000),
  kind: z.string().max(20),
  calls: z.int().nonnegative(),
  errors: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  /** From the call until the result was there, waiting for a connection included. */
  totalMs: z.number().nonnegative(),
  waitMs: z.number().nonnegative(),
  maxMs: z.number().nonnegative(),
  histogram,
  callSites: z.array(callSite).max(20),
  scopes: z.array(scopeUse).max(20),
  /** Values of some of its calls, usual ones first, where the application keeps them. Older libraries do not tell of them. */
  parameters: z.array(parameterValues).max(10).default([]),
});

/** A statement called again and again from one line in one request. */
const repeated = z.object({
  scope: z.string().max(200),
  fingerprint: z.string().regex(/^[0-9a-f]{1,64}$/),
  site: z.string().max(300),
  /** Requests in which it was seen, and the most calls in one of them. */
  requests: z.int().positive(),
  most: z.int().positive(),
});

const endpoint = z.object({
  endpoint: z.string().max(300),
  role: z.enum(['primary', 'replica', 'analytics']),
  open: z.int().nonnegative(),
  idle: z.int().nonnegative(),
  waiting: z.int().nonnegative(),
  lanes: z.int().nonnegative(),
  max: z.int().nonnegative(),
});

/** Requests or jobs of one name that have ended and used the database. */
const scope = z.object({
  name: z.string().max(200),
  count: z.int().nonnegative(),
  totalMs: z.number().nonnegative(),
  maxMs: z.number().nonnegative(),
  histogram,
  statements: z.int().nonnegative(),
  /** Most statements in one of them. */
  mostStatements: z.int().nonnegative(),
  /** Waiting for the database, added up over statements that may have run at once. */
  statementMs: z.number().nonnegative(),
  /** Those whose heap was measured, and by how many bytes it grew in them. */
  heapGrowths: z.int().nonnegative(),
  heapGrowth: z.number().nonnegative(),
  mostHeapGrowth: z.number().nonnegative(),
});

/** Durations that the application measured under a name of its own. */
const timer = z.object({
  name: z.string().max(200),
  count: z.int().nonnegative(),
  totalMs: z.number().nonnegative(),
  maxMs: z.number().nonnegative(),
  histogram,
});

/** What became of connections and of those who waited for one. */
const poolCounts = z.object({
  acquired: z.int().nonnegative(),
  acquireTimeouts: z.int().nonnegative(),
  acquireErrors: z.int().nonnegative(),
  /** Waiting for a connection, however that ended. */
  waitMs: z.number().nonnegative(),
  waitMaxMs: z.number().nonnegative(),
  waits: histogram,
  opened: z.int().nonnegative(),
  openErrors: z.int().nonnegative(),
  openMs: z.number().nonnegative(),
  closed: z.int().nonnegative(),
});

export const applicationReport = z.object({
  version: z.literal(1),
  application: z.string().min(1).max(100),
  /** One process of it, made when it starts. */
  instance: z.string().min(1).max(100),
  /** Rises by one with every report of an instance: one that arrives twice is counted once. */
  sequence: z.int().positive(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  statements: z.array(statement).max(2000),
  /** The process keeps values of parameters and tells of them now and then. */
  samplesParameters: z.boolean().default(false),
  repeated: z.array(repeated).max(200),
  pool: z.array(endpoint).max(100),
  // Older libraries do not tell of these.
  scopes: z.array(scope).max(1000).default([]),
  timers: z.array(timer).max(500).default([]),
  poolCounts: poolCounts.nullable().default(null),
  caches: z.array(cacheReport).max(100).default([]),
  /** What became of commands that the answers to earlier reports gave. */
  commandResults: z.array(commandResult).max(100).default([]),
});

export type ApplicationReport = z.infer<typeof applicationReport>;
