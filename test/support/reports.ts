import { bucketOf } from '../../src/client/telemetry/histogram.ts';
import type { ApplicationReport } from '../../src/client/telemetry/report.ts';

export type ReportedStatement = ApplicationReport['statements'][number];

/** A statement as the library tells of it, called with these durations. */
export function reportedStatement(
  fingerprint: string,
  durationsMs: readonly number[],
  change: Partial<ReportedStatement> = {},
): ReportedStatement {
  return {
    fingerprint,
    text: `SELECT ${fingerprint}`,
    kind: 'select',
    calls: durationsMs.length,
    errors: 0,
    rows: durationsMs.length,
    ...measured(durationsMs),
    waitMs: 0,
    callSites: [{ site: 'src/orders.ts:42', calls: durationsMs.length }],
    scopes: [{ name: 'GET /orders', calls: durationsMs.length, requests: 1, most: durationsMs.length }],
    parameters: [],
    ...change,
  };
}

function measured(durationsMs: readonly number[]) {
  const counts = new Map<number, number>();
  for (const ms of durationsMs) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
  return {
    totalMs: durationsMs.reduce((sum, ms) => sum + ms, 0),
    maxMs: Math.max(0, ...durationsMs),
    histogram: [...counts],
  };
}

type ReportedScope = ApplicationReport['scopes'][number];

/** Requests of one name that took so long, with two statements each that took half of it. */
export function reportedScope(
  name: string,
  durationsMs: readonly number[],
  change: Partial<ReportedScope> = {},
): ReportedScope {
  const durations = measured(durationsMs);
  return {
    name,
    count: durationsMs.length,
    ...durations,
    statements: 2 * durationsMs.length,
    mostStatements: 2,
    statementMs: durations.totalMs / 2,
    heapGrowths: 0,
    heapGrowth: 0,
    mostHeapGrowth: 0,
    ...change,
  };
}

export function reportedTimer(name: string, durationsMs: readonly number[]): ApplicationReport['timers'][number] {
  return { name, count: durationsMs.length, ...measured(durationsMs) };
}

type ReportedPoolCounts = NonNullable<ApplicationReport['poolCounts']>;

/** Connections that were waited for so long, and lent. */
export function reportedPoolCounts(
  waitsMs: readonly number[],
  change: Partial<ReportedPoolCounts> = {},
): ReportedPoolCounts {
  const { totalMs, maxMs, histogram } = measured(waitsMs);
  return {
    acquired: waitsMs.length,
    acquireTimeouts: 0,
    acquireErrors: 0,
    waitMs: totalMs,
    waitMaxMs: maxMs,
    waits: histogram,
    opened: 1,
    openErrors: 0,
    openMs: 5,
    closed: 0,
    ...change,
  };
}

export type ReportedCacheFigures = ApplicationReport['caches'][number];

/** A cache of values with a tier in memory and one in Redis. */
export function reportedCache(name: string, change: Partial<ReportedCacheFigures> = {}): ReportedCacheFigures {
  return {
    name,
    kind: 'values',
    tiers: [reportedTier('memory', { hits: 80, lookups: 100, misses: 20 }), reportedTier('redis', { hits: 10 })],
    misses: 8,
    staleHits: 2,
    loads: 8,
    loadErrors: 1,
    loadMs: 40,
    invalidations: { tag: 3 },
    refused: { invalidated: 1 },
    bypasses: {},
    groups: [{ group: 'orders', hits: 70, misses: 5 }],
    stream: null,
    warmers: [],
    ...change,
  };
}

export function reportedTier(
  name: string,
  change: Partial<ReportedCacheFigures['tiers'][number]> = {},
): ReportedCacheFigures['tiers'][number] {
  return {
    name,
    hits: 0,
    lookups: 20,
    misses: 10,
    lookupMs: 4,
    evictions: 0,
    unreadable: 0,
    refused: 0,
    entries: 100,
    bytes: 50_000,
    isAway: false,
    ...change,
  };
}

/** A report of the ten seconds before `to`. */
export function applicationReport(change: Partial<ApplicationReport> = {}, to = new Date()): ApplicationReport {
  return {
    version: 1,
    application: 'shop',
    instance: 'one',
    sequence: 1,
    from: new Date(to.getTime() - 10_000).toISOString(),
    to: to.toISOString(),
    statements: [],
    samplesParameters: false,
    repeated: [],
    pool: [],
    scopes: [],
    timers: [],
    poolCounts: null,
    caches: [],
    commandResults: [],
    ...change,
  };
}

/** An endpoint with a pool of twenty. */
export function reportedEndpoint(change: Partial<ApplicationReport['pool'][number]> = {}) {
  return {
    endpoint: '10.0.0.1:5432',
    role: 'primary',
    open: 8,
    idle: 3,
    waiting: 2,
    lanes: 2,
    max: 20,
    ...change,
  } as const;
}
