import { type BucketCounts, bucketCount, bucketOf, quantileMs } from './histogram.ts';

/** Durations added up, in ms. */
export interface DurationCounts {
  count: number;
  totalMs: number;
  maxMs: number;
  buckets: BucketCounts;
}

/** Durations in short, in ms. */
export interface DurationSummary {
  totalMs: number;
  maxMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** Adds up durations of one kind, and knows what came since they were last taken. */
export class Durations {
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;
  readonly #buckets = new Uint32Array(bucketCount);
  #maxSinceTaken = 0;
  #taken: DurationCounts | undefined;

  get count(): number {
    return this.#count;
  }

  record(ms: number): void {
    this.#count += 1;
    this.#totalMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
    if (ms > this.#maxSinceTaken) this.#maxSinceTaken = ms;
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  summary(): DurationSummary {
    const quantile = (share: number): number => quantileMs(this.#buckets, share, this.#maxMs) ?? 0;
    return {
      totalMs: this.#totalMs,
      maxMs: this.#maxMs,
      p50Ms: quantile(0.5),
      p95Ms: quantile(0.95),
      p99Ms: quantile(0.99),
    };
  }

  /** What came since they were last taken; `undefined` when nothing did. */
  take(): DurationCounts | undefined {
    const before = this.#taken;
    if (this.#count === (before?.count ?? 0)) return undefined;
    const now = { count: this.#count, totalMs: this.#totalMs, maxMs: this.#maxMs, buckets: this.#buckets.slice() };
    const increase = {
      count: now.count - (before?.count ?? 0),
      totalMs: Math.max(0, now.totalMs - (before?.totalMs ?? 0)),
      maxMs: this.#maxSinceTaken,
      buckets: now.buckets.map((count, bucket) => count - (before?.buckets[bucket] ?? 0)),
    };
    this.#taken = now;
    this.#maxSinceTaken = 0;
    return increase;
  }
}
