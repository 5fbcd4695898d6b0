import { at, Choice } from './choice.ts';
import { type Kept, keep } from './improve.ts';
import type { Reduced } from './reduce.ts';

/** How far a search has come. */
export interface Progress {
  /** Numbers of the indexes of the best choice so far, in the matrix that was given, ascending. */
  chosen: number[];
  /** No choice saves more. */
  most: number;
}

/** The best choice so far, the bound, and the time left. */
export class Search {
  readonly reduced: Reduced;
  readonly gap: number;
  /** The choice that is worked on. */
  readonly choice: Choice;
  best: Kept;
  #most = Infinity;
  #finished = false;
  readonly #until: number;
  readonly #report: (progress: Progress) => void;

  /** @param gap how much more than the bound a choice may cost, as a share, to be good enough. */
  constructor(reduced: Reduced, until: number, gap: number, report: (progress: Progress) => void) {
    this.reduced = reduced;
    this.gap = gap;
    this.choice = new Choice(reduced);
    this.best = keep(this.choice);
    this.#until = until;
    this.#report = report;
  }

  get secondsLeft(): number {
    return Math.max(0.01, (this.#until - performance.now()) / 1000);
  }

  /** True when the choice is good enough or the time is up. */
  get done(): boolean {
    const cost = this.reduced.base - this.best.value;
    const missing = this.#most - this.best.value;
    return this.#finished || missing <= Math.max(this.gap, 1e-12) * cost || performance.now() >= this.#until;
  }

  /** For loops: true until a share of the time that is left now is over. */
  for(share: number): () => boolean {
    const until = performance.now() + this.secondsLeft * 1000 * share;
    return () => performance.now() < until;
  }

  /** No choice saves more than this. */
  bound(most: number): void {
    if (!(most < this.#most)) return;
    this.#most = most;
    this.#tell();
  }

  /** There is no more to look for. */
  finish(): void {
    this.#finished = true;
  }

  /** Keeps what is being worked on if it is better than the best so far. */
  found(): void {
    if (this.choice.value <= this.best.value) return;
    this.best = keep(this.choice);
    this.#tell();
  }

  /** A choice from elsewhere. Where it exceeds the budget by a rounding error, it gives up what brings least. */
  propose(chosen: Uint8Array): void {
    const { choice, reduced, best } = this;
    choice.become(chosen);
    while (choice.used > reduced.budget) {
      const order = choice.list().toSorted((a, b) => choice.loss(a) - choice.loss(b));
      if (order[0] === undefined) break;
      choice.remove(order[0]);
    }
    if (choice.value > best.value) this.found();
    else choice.become(best.chosen);
  }

  #tell(): void {
    const { chosen } = this.best;
    const { original } = this.reduced;
    const list = [...chosen.keys()].filter((index) => chosen[index] === 1).map((index) => at(original, index));
    this.#report({ chosen: list, most: Math.max(this.#most, this.best.value) });
  }
}
