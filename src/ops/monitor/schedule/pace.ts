/** What something done again and again may cost. */
export interface Budget {
  /** Share of the time that it may take: 0.001 is 1 ms per second. */
  share: number;
  /** Time that it has taken so far, in ms. */
  spentMs: () => number;
}

/** At most so many times rarer than its cadence. */
const mostTimes = 6;
/** Of so many runs the cheapest counts: another's work on the same connection, or a busy moment, is no reason to slow down. */
const runsCompared = 3;
/** Back to more often only when it then stays this far within the budget, so that it does not change to and fro. */
const slack = 0.8;

/** How often something may be done within its budget: every `cadence`, or every second, third … sixth time. */
export class Pace {
  readonly #baseMs: number;
  readonly #budget: Budget | undefined;
  #times = 1;
  #before = 0;
  #costs: number[] = [];

  constructor(cadenceMs: number, budget: Budget | undefined) {
    this.#baseMs = cadenceMs;
    this.#budget = budget;
  }

  get cadenceMs(): number {
    return this.#baseMs * this.#times;
  }

  begin(): void {
    this.#before = this.#budget?.spentMs() ?? 0;
  }

  /** To be called when a run has succeeded. */
  end(): void {
    if (!this.#budget) return;
    this.#costs = [...this.#costs, this.#budget.spentMs() - this.#before].slice(-runsCompared);
    // The first runs read what later ones need not read again.
    if (this.#costs.length < runsCompared) return;
    const cost = Math.min(...this.#costs);
    const timesFor = (share: number): number => Math.ceil(cost / share / this.#baseMs);
    const needed = timesFor(this.#budget.share);
    const wanted = needed > this.#times ? needed : Math.min(this.#times, timesFor(this.#budget.share * slack));
    // Twice as rare at most at one time: what was read last must not look outdated before it is read again.
    this.#times = Math.min(Math.max(wanted, 1), this.#times * 2, mostTimes);
  }
}
