import { bucketOf } from '../../src/client/telemetry/histogram.ts';
import type { ApplicationReport } from '../../src/client/telemetry/report.ts';

export type ReportedStatement = ApplicationReport['statements'][number];

/** A statement as the library tells of it, called with these durations. */
export function reportedStatement(
  fingerprint: string,
  durationsMs: readonly number[],
  change: Partial<ReportedStatement> = {},
): ReportedStatement {
  const counts = new Map<number, number>();
  for (const ms of durationsMs) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
  return {
    fingerprint,
    text: `SELECT ${fingerprint}`,
    kind: 'select',
    calls: durationsMs.length,
    errors: 0,
    rows: durationsMs.length,
    totalMs: durationsMs.reduce((sum, ms) => sum + ms, 0),
    waitMs: 0,
    maxMs: Math.max(0, ...durationsMs),
    histogram: [...counts],
    callSites: [{ site: 'src/orders.ts:42', calls: durationsMs.length }],
    scopes: [{ name: 'GET /orders', calls: durationsMs.length, requests: 1, most: durationsMs.length }],
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
    repeated: [],
    pool: [],
    scopes: [],
    timers: [],
    poolCounts: null,
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
