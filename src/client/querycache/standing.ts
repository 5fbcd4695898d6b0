import type { ChangeSource } from './feed/change-source.ts';
import type { SharedResults } from './results/shared-results.ts';

/** What is known of changes at present; one for a whole query cache. */
export class Standing {
  /**
   * What keeps results true: changes that are told, by whichever client; what this process itself writes, and time for the rest; or
   * nothing, and then none is used.
   */
  truth: 'changes' | 'own writes' | 'nothing' = 'nothing';
  /** Why it is not changes, in words. */
  reason = 'starting';
  feed: ChangeSource | undefined;
  shared: SharedResults | undefined;
  readonly #maxLagMs: number;
  /** Readers see all that was committed by then, on the clock of `performance.now()`: everyone, or those of one request. */
  #seesFrom = -Infinity;
  readonly #scopesSeeFrom = new WeakMap<object, number>();

  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
  }

  /** Changes are told, but not in time: what is kept is true, and not to be used before they are. */
  get isLate(): boolean {
    return this.truth === 'changes' && (this.feed?.lagMs ?? Infinity) > this.#maxLagMs;
  }

  /** From now on all that was committed by now is to be seen by everyone, or by one request. */
  seesAllUntilNow(scope?: object): void {
    if (scope) this.#scopesSeeFrom.set(scope, performance.now());
    else this.#seesFrom = performance.now();
  }

  /** What was committed before that moment is to be seen. */
  seesFrom(scope: object | undefined): number {
    return Math.max(this.#seesFrom, (scope && this.#scopesSeeFrom.get(scope)) ?? -Infinity);
  }

  /** All that was committed before that moment is known; of what is kept by time nothing more is to be learnt. */
  get knownUntil(): number {
    if (this.truth === 'own writes') return Infinity;
    // What one process passes on to others is on its way for no longer than it may be late.
    return performance.now() - (this.feed?.lagMs ?? Infinity) - (this.shared ? this.#maxLagMs : 0);
  }

  /** After so many ms whatever this process has written is known to all who share results. */
  get toldWithinMs(): number {
    return 2 * this.#maxLagMs;
  }
}
