import { bucketCount, bucketOf, quantileMs } from './histogram.ts';

/** Numbers of the scopes of one name that have ended and used the database. Times in ms. */
export interface ScopeSummary {
  name: string;
  scopes: number;
  /** From its beginning to its end. */
  totalMs: number;
  maxMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  statements: number;
  /** Most statements in one of them. */
  mostStatements: number;
  /** Waiting for the database, added up: more than the time of the scopes where statements run at once. */
  statementMs: number;
  /** By how much the heap grew on average and at most, in bytes, where that is measured. Others that run at the same time count, too. */
  meanHeapGrowth: number | undefined;
  mostHeapGrowth: number | undefined;
}

/** What the scopes of one name did. */
export class ScopeStats {
  readonly #name: string;
  readonly #buckets = new Uint32Array(bucketCount);
  #scopes = 0;
  #totalMs = 0;
  #maxMs = 0;
  #statements = 0;
  #mostStatements = 0;
  #statementMs = 0;
  #heapGrowths = 0;
  #heapGrowth = 0;
  #mostHeapGrowth = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Counts one scope, when it has ended. */
  record(ms: number, statements: number, statementMs: number, heapGrowth: number | undefined): void {
    this.#scopes += 1;
    this.#totalMs += ms;
    this.#maxMs = Math.max(this.#maxMs, ms);
    this.#statements += statements;
    this.#mostStatements = Math.max(this.#mostStatements, statements);
    this.#statementMs += statementMs;
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    // A heap that shrank was collected meanwhile: that says nothing of the scope.
    if (heapGrowth === undefined || heapGrowth < 0) return;
    this.#heapGrowths += 1;
    this.#heapGrowth += heapGrowth;
    this.#mostHeapGrowth = Math.max(this.#mostHeapGrowth, heapGrowth);
  }

  summary(): ScopeSummary {
    return {
      name: this.#name,
      scopes: this.#scopes,
      totalMs: this.#totalMs,
      maxMs: this.#maxMs,
      p50Ms: quantileMs(this.#buckets, 0.5, this.#maxMs) ?? 0,
      p95Ms: quantileMs(this.#buckets, 0.95, this.#maxMs) ?? 0,
      p99Ms: quantileMs(this.#buckets, 0.99, this.#maxMs) ?? 0,
      statements: this.#statements,
      mostStatements: this.#mostStatements,
      statementMs: this.#statementMs,
      meanHeapGrowth: this.#heapGrowths > 0 ? this.#heapGrowth / this.#heapGrowths : undefined,
      mostHeapGrowth: this.#heapGrowths > 0 ? this.#mostHeapGrowth : undefined,
    };
  }
}
