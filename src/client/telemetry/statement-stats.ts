import type { StatementDescription } from '../../sql/index.ts';
import type { StatementOutcome } from '../observer.ts';
import { sqlStateOf } from '../sql-state.ts';
import { BoundedCounts } from './counts.ts';
import { bucketCount, bucketOf } from './histogram.ts';

/** Lines, error classes and scopes kept per statement. */
const mostNames = 20;

/** How often a statement was called in one kind of scope. */
export interface ScopeUse {
  calls: number;
  /** Scopes in which it was called at least once, as far as they have ended. */
  scopes: number;
  /** Most calls in one of them. */
  most: number;
}

/** What is counted of one statement. Times in ms. */
export class StatementStats {
  readonly fingerprint: string;
  /** Without values. */
  readonly text: string;
  readonly kind: StatementDescription['kind'];
  calls = 0;
  errors = 0;
  rows = 0;
  totalMs = 0;
  waitMs = 0;
  minMs = Infinity;
  maxMs = 0;
  slow = 0;
  readonly buckets = new Uint32Array(bucketCount);
  /** Lines that called it, as far as they were looked at. */
  readonly sites = new BoundedCounts(mostNames);
  /** Errors by class of SQLSTATE (two characters), or `client`. */
  readonly errorClasses = new BoundedCounts(mostNames);
  readonly scopes = new Map<string, ScopeUse>();

  constructor(fingerprint: string, text: string, kind: StatementDescription['kind']) {
    this.fingerprint = fingerprint;
    this.text = text;
    this.kind = kind;
  }

  record({ durationMs, queuedMs, rows, error }: StatementOutcome): void {
    this.calls += 1;
    this.rows += rows;
    this.totalMs += durationMs;
    this.waitMs += queuedMs;
    if (durationMs < this.minMs) this.minMs = durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
    const bucket = bucketOf(durationMs);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    if (!error) return;
    this.errors += 1;
    this.errorClasses.add(sqlStateOf(error)?.slice(0, 2) ?? 'client');
  }

  /** Adds what was counted of one scope when it has ended. */
  usedIn(name: string, calls: number): void {
    let use = this.scopes.get(name);
    if (!use) {
      if (this.scopes.size >= mostNames) return;
      use = { calls: 0, scopes: 0, most: 0 };
      this.scopes.set(name, use);
    }
    use.calls += calls;
    use.scopes += 1;
    if (calls > use.most) use.most = calls;
  }

  merge(other: StatementStats): void {
    this.calls += other.calls;
    this.errors += other.errors;
    this.rows += other.rows;
    this.totalMs += other.totalMs;
    this.waitMs += other.waitMs;
    this.minMs = Math.min(this.minMs, other.minMs);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
    this.slow += other.slow;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + (other.buckets[bucket] ?? 0);
    }
    this.sites.merge(other.sites);
    this.errorClasses.merge(other.errorClasses);
    for (const [name, use] of other.scopes) {
      const known = this.scopes.get(name);
      if (!known) {
        if (this.scopes.size < mostNames) this.scopes.set(name, { ...use });
        continue;
      }
      known.calls += use.calls;
      known.scopes += use.scopes;
      known.most = Math.max(known.most, use.most);
    }
  }
}
