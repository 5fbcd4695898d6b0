import { PitcrewError } from '../../errors.ts';
import type { AcquireOutcome, EndpointRole } from '../observer.ts';
import { BoundedCounts } from './counts.ts';
import { bucketCount, bucketOf, quantileMs } from './histogram.ts';

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

const mostReasons = 20;

/** Counts what the pool tells of its connections. */
export class PoolCounters {
  /** Where the connections of the moment can be read. */
  endpoints: () => readonly PoolEndpoint[] = () => [];
  readonly #waits = new Uint32Array(bucketCount);
  readonly #reasons = new BoundedCounts(mostReasons);
  #acquired = 0;
  #timeouts = 0;
  #errors = 0;
  #waitMaxMs = 0;
  #opened = 0;
  #openErrors = 0;
  #openMs = 0;
  #closed = 0;

  acquired({ waitedMs, error }: AcquireOutcome): void {
    if (!error) this.#acquired += 1;
    else if (isPoolTimeout(error)) this.#timeouts += 1;
    else this.#errors += 1;
    const bucket = bucketOf(waitedMs);
    this.#waits[bucket] = (this.#waits[bucket] ?? 0) + 1;
    this.#waitMaxMs = Math.max(this.#waitMaxMs, waitedMs);
  }

  opened(tookMs: number, error: Error | undefined): void {
    if (error) {
      this.#openErrors += 1;
      return;
    }
    this.#opened += 1;
    this.#openMs += tookMs;
  }

  closed(reason: string): void {
    this.#closed += 1;
    this.#reasons.add(reason);
  }

  counts(): PoolCounts {
    return {
      acquired: this.#acquired,
      acquireTimeouts: this.#timeouts,
      acquireErrors: this.#errors,
      waitP50Ms: quantileMs(this.#waits, 0.5, this.#waitMaxMs) ?? 0,
      waitP95Ms: quantileMs(this.#waits, 0.95, this.#waitMaxMs) ?? 0,
      waitMaxMs: this.#waitMaxMs,
      opened: this.#opened,
      openErrors: this.#openErrors,
      meanOpenMs: this.#openMs / Math.max(this.#opened, 1),
      closed: this.#closed,
      closedBecause: Object.fromEntries(this.#reasons.entries()),
    };
  }
}

export function isPoolTimeout(error: Error): boolean {
  return error instanceof PitcrewError && error.code === 'E_POOL_TIMEOUT';
}
