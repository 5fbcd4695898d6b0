import { quantileMs } from './histogram.ts';
import type { ScopeUse } from './scope-uses.ts';
import type { StatementStats } from './statement-stats.ts';

/** Numbers of one statement. Times in ms. */
export interface StatementSummary {
  fingerprint: string;
  /** Without values. */
  text: string;
  kind: string;
  calls: number;
  errors: number;
  /** By class of SQLSTATE (two characters), or by code when they are not the server's. */
  errorClasses: Record<string, number>;
  rows: number;
  totalMs: number;
  meanMs: number;
  minMs: number;
  maxMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  /** Waiting for a connection, on average. */
  meanWaitMs: number;
  slow: number;
  /** Lines that call it, those that call it most first. Estimates: of frequent statements only some calls are looked at. */
  callSites: { site: string; calls: number }[];
  scopes: ({ name: string } & ScopeUse)[];
}

export function summaryOf(stats: StatementStats): StatementSummary {
  const calls = Math.max(stats.calls, 1);
  return {
    fingerprint: stats.fingerprint,
    text: stats.text,
    kind: stats.kind,
    calls: stats.calls,
    errors: stats.errors,
    errorClasses: Object.fromEntries(stats.errorClasses.entries()),
    rows: stats.rows,
    totalMs: stats.totalMs,
    meanMs: stats.totalMs / calls,
    minMs: stats.calls === 0 ? 0 : stats.minMs,
    maxMs: stats.maxMs,
    p50Ms: quantileMs(stats.buckets, 0.5, stats.maxMs) ?? 0,
    p95Ms: quantileMs(stats.buckets, 0.95, stats.maxMs) ?? 0,
    p99Ms: quantileMs(stats.buckets, 0.99, stats.maxMs) ?? 0,
    meanWaitMs: stats.waitMs / calls,
    slow: stats.slow,
    callSites: stats.sites.entries().map(([site, seen]) => ({ site, calls: seen })),
    scopes: stats.scopes.totals(),
  };
}
