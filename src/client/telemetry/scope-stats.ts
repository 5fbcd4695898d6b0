import { type DurationCounts, Durations, type DurationSummary } from './durations.ts';

/** Numbers of the scopes of one name that have ended and used the database. Times in ms, from the beginning of a scope to its end. */
export interface ScopeSummary extends DurationSummary {
  name: string;
  scopes: number;
  statements: number;
  /** Most statements in one of them. */
  mostStatements: number;
  /** Waiting for the database, added up: more than the time of the scopes where statements run at once. */
  statementMs: number;
  /** By how much the heap grew on average and at most, in bytes, where that is measured. Others that run at the same time count, too. */
  meanHeapGrowth: number | undefined;
  mostHeapGrowth: number | undefined;
}

/** What the scopes of one name did since they were last taken. */
export interface ScopeIncrease extends DurationCounts, ScopeSums {
  name: string;
}

/** What is added up of scopes, and the most of one. */
interface ScopeSums {
  statements: number;
  mostStatements: number;
  statementMs: number;
  /** Scopes whose heap was measured, and by how many bytes it grew in them. */
  heapGrowths: number;
  heapGrowth: number;
  mostHeapGrowth: number;
}

const noSums = (): ScopeSums => ({
  statements: 0,
  mostStatements: 0,
  statementMs: 0,
  heapGrowths: 0,
  heapGrowth: 0,
  mostHeapGrowth: 0,
});

/** What the scopes of one name did. */
export class ScopeStats {
  readonly #name: string;
  readonly #durations = new Durations();
  readonly #sums = noSums();
  #sinceTaken = noSums();

  constructor(name: string) {
    this.#name = name;
  }

  /** Counts one scope, when it has ended. */
  record(ms: number, statements: number, statementMs: number, heapGrowth: number | undefined): void {
    this.#durations.record(ms);
    add(this.#sums, statements, statementMs, heapGrowth);
    add(this.#sinceTaken, statements, statementMs, heapGrowth);
  }

  summary(): ScopeSummary {
    const { statements, mostStatements, statementMs, heapGrowths, heapGrowth, mostHeapGrowth } = this.#sums;
    return {
      name: this.#name,
      scopes: this.#durations.count,
      ...this.#durations.summary(),
      statements,
      mostStatements,
      statementMs,
      meanHeapGrowth: heapGrowths > 0 ? heapGrowth / heapGrowths : undefined,
      mostHeapGrowth: heapGrowths > 0 ? mostHeapGrowth : undefined,
    };
  }

  /** What was counted since it was last taken; `undefined` when nothing was. */
  take(): ScopeIncrease | undefined {
    const durations = this.#durations.take();
    if (!durations) return undefined;
    const sums = this.#sinceTaken;
    this.#sinceTaken = noSums();
    return { name: this.#name, ...durations, ...sums };
  }
}

function add(sums: ScopeSums, statements: number, statementMs: number, heapGrowth: number | undefined): void {
  sums.statements += statements;
  sums.mostStatements = Math.max(sums.mostStatements, statements);
  sums.statementMs += statementMs;
  // A heap that shrank was collected meanwhile: that says nothing of the scope.
  if (heapGrowth === undefined || heapGrowth < 0) return;
  sums.heapGrowths += 1;
  sums.heapGrowth += heapGrowth;
  sums.mostHeapGrowth = Math.max(sums.mostHeapGrowth, heapGrowth);
}
