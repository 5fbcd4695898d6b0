import { PitcrewError } from '../../errors.ts';
import type { AcquireOutcome, EndpointRole } from '../observer.ts';
import { BoundedCounts } from './counts.ts';
import { type DurationCounts, Durations } from './durations.ts';

/** The connections to one server now. */
export interface PoolEndpoint {
  /** `host:port` */
  endpoint: string;
  role: EndpointRole;
  open: number;
  idle: number;
  /** Callers that wait for one. */
  waiting: number;
  lanes: number;
  max: number;
}

/** What the pool did since the application started. Times in ms. */
export interface PoolCounts {
  /** Connections lent, and what became of the waits for one. */
  acquired: number;
  acquireTimeouts: number;
  acquireErrors: number;
  waitP50Ms: number;
  waitP95Ms: number;
  waitMaxMs: number;
  opened: number;
  openErrors: number;
  meanOpenMs: number;
  closed: number;
  /** Why connections were closed, the most frequent reason first. */
  closedBecause: Record<string, number>;
}

/** What the pool did since it was last taken. Times in ms. */
export interface PoolIncrease extends PoolSums {
  /** Waits for a connection, however they ended. */
  waits: DurationCounts;
}

/** What is added up. */
interface PoolSums {
  acquired: number;
  acquireTimeouts: number;
  acquireErrors: number;
  opened: number;
  openErrors: number;
  /** Opening connections, those that were opened. */
  openMs: number;
  closed: number;
}

const noSums = (): PoolSums => ({
  acquired: 0,
  acquireTimeouts: 0,
  acquireErrors: 0,
  opened: 0,
  openErrors: 0,
  openMs: 0,
  closed: 0,
});

const noWaits: DurationCounts = { count: 0, totalMs: 0, maxMs: 0, buckets: [] };

const mostReasons = 20;

/** Counts what the pool tells of its connections. */
export class PoolCounters {
  /** Where the connections of the moment can be read. */
  endpoints: () => readonly PoolEndpoint[] = () => [];
  readonly #waits = new Durations();
  readonly #reasons = new BoundedCounts(mostReasons);
  readonly #sums = noSums();
  #taken = noSums();

  acquired({ waitedMs, error }: AcquireOutcome): void {
    if (!error) this.#sums.acquired += 1;
    else if (isPoolTimeout(error)) this.#sums.acquireTimeouts += 1;
    else this.#sums.acquireErrors += 1;
    this.#waits.record(waitedMs);
  }

  opened(tookMs: number, error: Error | undefined): void {
    if (error) {
      this.#sums.openErrors += 1;
      return;
    }
    this.#sums.opened += 1;
    this.#sums.openMs += tookMs;
  }

  closed(reason: string): void {
    this.#sums.closed += 1;
    this.#reasons.add(reason);
  }

  counts(): PoolCounts {
    const { openMs, ...sums } = this.#sums;
    const { p50Ms, p95Ms, maxMs } = this.#waits.summary();
    return {
      ...sums,
      waitP50Ms: p50Ms,
      waitP95Ms: p95Ms,
      waitMaxMs: maxMs,
      meanOpenMs: openMs / Math.max(sums.opened, 1),
      closedBecause: Object.fromEntries(this.#reasons.entries()),
    };
  }

  /** What was counted since it was last taken; `undefined` when nothing was. */
  take(): PoolIncrease | undefined {
    const before = this.#taken;
    this.#taken = { ...this.#sums };
    const increase = noSums();
    for (const sum of Object.keys(increase) as (keyof PoolSums)[]) increase[sum] = this.#sums[sum] - before[sum];
    const waits = this.#waits.take() ?? noWaits;
    return Object.values(increase).some((count) => count > 0) ? { ...increase, waits } : undefined;
  }
}

export function isPoolTimeout(error: Error): boolean {
  return error instanceof PitcrewError && error.code === 'E_POOL_TIMEOUT';
}
