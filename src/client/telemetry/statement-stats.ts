import type { StatementDescription } from '../../sql/index.ts';
import type { StatementOutcome } from '../observer.ts';
import { sqlStateOf } from '../sql-state.ts';
import { BoundedCounts } from './counts.ts';
import { errorCode } from './error-code.ts';
import { type BucketCounts, bucketCount, bucketOf } from './histogram.ts';
import { LookSchedule } from './look-schedule.ts';
import type { ParameterValues, Reservoir } from './parameters/reservoir.ts';
import { type ScopeUse, ScopeUses } from './scope-uses.ts';

/** Lines, error classes and scopes kept per statement. */
const mostNames = 20;

/** What of a statement was counted in an interval, or since the application started. Times in ms. */
export interface StatementCounts {
  calls: number;
  errors: number;
  rows: number;
  totalMs: number;
  waitMs: number;
  /** Took longer than the slow log's threshold. */
  slow: number;
  buckets: BucketCounts;
  sites: BoundedCounts;
}

/** What a statement has done since it was last taken. */
export interface StatementIncrease extends StatementCounts {
  readonly fingerprint: string;
  readonly text: string;
  readonly kind: StatementDescription['kind'];
  maxMs: number;
  scopes: readonly ({ name: string } & ScopeUse)[];
  /** Values of some of its calls, where the application keeps them. */
  parameters: readonly ParameterValues[];
}

/** What is counted of one statement since the application started. Times in ms. */
export class StatementStats implements StatementCounts {
  readonly fingerprint: string;
  /** Without values. */
  readonly text: string;
  readonly kind: StatementDescription['kind'];
  /** From how long on it is slow, in ms. */
  readonly slowMs: number;
  calls = 0;
  errors = 0;
  rows = 0;
  totalMs = 0;
  waitMs = 0;
  minMs = Infinity;
  maxMs = 0;
  slow = 0;
  /** Calls of late, halved from time to time: by this the least used are found. */
  recent = 0;
  buckets: Uint32Array | Float64Array = new Uint32Array(bucketCount);
  /** Lines that call it. Not every call is looked at: one that is counts for those before it that were not. */
  readonly sites = new BoundedCounts(mostNames);
  readonly looks = new LookSchedule();
  /** Errors by class of SQLSTATE (two characters), or by code when they are not the server's. */
  readonly errorClasses = new BoundedCounts(mostNames);
  readonly scopes = new ScopeUses(mostNames);
  /** Values of parameters: `undefined` where none are kept, `null` where its plan does not depend on them. */
  reservoir: Reservoir | null | undefined;
  #maxSinceTaken = 0;
  #taken: StatementCounts | undefined;
  #absorbedBy: StatementStats | undefined;

  constructor(fingerprint: string, text: string, kind: StatementDescription['kind'], slowMs: number) {
    this.fingerprint = fingerprint;
    this.text = text;
    this.kind = kind;
    this.slowMs = slowMs;
  }

  /** Itself, or what counts its calls since it was absorbed. */
  get current(): StatementStats {
    return this.#absorbedBy?.current ?? this;
  }

  record({ durationMs, queuedMs, rows, error }: StatementOutcome): void {
    this.calls += 1;
    this.recent += 1;
    this.rows += rows;
    this.totalMs += durationMs;
    this.waitMs += queuedMs;
    if (durationMs < this.minMs) this.minMs = durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
    if (durationMs > this.#maxSinceTaken) this.#maxSinceTaken = durationMs;
    if (durationMs >= this.slowMs) this.slow += 1;
    // From here on a bucket could hold more than 32 bits.
    if (this.calls === 0xffff_ffff) this.buckets = Float64Array.from(this.buckets);
    const bucket = bucketOf(durationMs);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    if (!error) return;
    this.errors += 1;
    this.errorClasses.add(errorClass(error));
  }

  /** A call comes from that line, as does what was called since the last look. */
  seenAt(site: string | undefined): void {
    this.sites.add(site, this.looks.looked(this.calls === 0 ? 0 : this.totalMs / this.calls));
  }

  /** What was counted since it was last taken; `undefined` when nothing was. */
  take(): StatementIncrease | undefined {
    const scopes = this.scopes.take();
    if (this.calls === (this.#taken?.calls ?? 0) && scopes.length === 0) return undefined;
    const before = this.#taken ?? nothing();
    const { fingerprint, text, kind } = this;
    const maxMs = this.#maxSinceTaken;
    this.#maxSinceTaken = 0;
    this.#taken = { ...counted(this), buckets: this.buckets.slice(), sites: this.sites.copy() };
    return { fingerprint, text, kind, maxMs, scopes, parameters: [], ...difference(this, before) };
  }

  /** Counts another's as its own, also what of it was taken. */
  absorb(other: StatementStats): void {
    other.#absorbedBy = this;
    this.reservoir = null;
    add(this, other);
    this.minMs = Math.min(this.minMs, other.minMs);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
    this.#maxSinceTaken = Math.max(this.#maxSinceTaken, other.#maxSinceTaken);
    this.errorClasses.merge(other.errorClasses);
    this.scopes.merge(other.scopes);
    if (!other.#taken) return;
    this.#taken ??= nothing();
    add(this.#taken, other.#taken);
  }
}

const sums = ['calls', 'errors', 'rows', 'totalMs', 'waitMs', 'slow'] as const;

type Sums = Pick<StatementCounts, (typeof sums)[number]>;

function nothing(): StatementCounts {
  const none: Sums = { calls: 0, errors: 0, rows: 0, totalMs: 0, waitMs: 0, slow: 0 };
  return { ...none, buckets: new Float64Array(bucketCount), sites: new BoundedCounts(mostNames) };
}

function counted({ calls, errors, rows, totalMs, waitMs, slow }: Sums): Sums {
  return { calls, errors, rows, totalMs, waitMs, slow };
}

function add(to: StatementCounts, from: StatementCounts): void {
  for (const sum of sums) to[sum] += from[sum];
  if (!(to.buckets instanceof Float64Array)) to.buckets = Float64Array.from(to.buckets);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    to.buckets[bucket] = (to.buckets[bucket] ?? 0) + (from.buckets[bucket] ?? 0);
  }
  to.sites.merge(from.sites);
}

function difference(now: StatementCounts, before: StatementCounts): StatementCounts {
  const increase = counted(now);
  for (const sum of sums) increase[sum] = Math.max(0, now[sum] - before[sum]);
  const buckets = Float64Array.from(now.buckets);
  for (let bucket = 0; bucket < bucketCount; bucket++)
    buckets[bucket] = (buckets[bucket] ?? 0) - (before.buckets[bucket] ?? 0);
  return { ...increase, buckets, sites: now.sites.since(before.sites) };
}

/** The class of a SQLSTATE: its first two characters. */
function errorClass(error: Error): string {
  return sqlStateOf(error)?.slice(0, 2) ?? errorCode(error);
}
