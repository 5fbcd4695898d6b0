/** Of a statement's first calls every one is looked at. */
const firstLooks = 5;
/** Then a share that falls with their number, down to this. */
const leastOften = 1000;
/** A statement that takes so long, in ms, is looked at whenever it may be: the look is nothing beside it. */
const longMs = 5;
/** When there may be no look now. */
const laterCalls = 16;

/** When to look at the stack of a statement's caller, and for how many calls such a look stands. */
export class LookSchedule {
  #left = 1;
  /** What `#left` was when it was last set: together they tell the calls since the last look. */
  #span = 1;
  #looks = 0;

  /** Counts a call. @returns whether its caller is to be looked at */
  due(): boolean {
    return --this.#left <= 0;
  }

  /** It was due, but there may be no look now. */
  postpone(): void {
    this.#span += laterCalls - this.#left;
    this.#left = laterCalls;
  }

  /**
   * It was looked at, due or not.
   * @param meanMs what the statement takes
   * @returns the calls since the look before, this one included
   */
  looked(meanMs: number): number {
    const calls = this.#span - this.#left;
    this.#looks += 1;
    this.#span = this.#looks < firstLooks || meanMs >= longMs ? 1 : this.#interval();
    this.#left = this.#span;
    return Math.max(calls, 1);
  }

  /** Grows with the number of looks; not regular, lest it fall in step with lines that take turns. */
  #interval(): number {
    const mean = Math.min(leastOften, this.#looks * 4);
    return Math.ceil(mean * (0.5 + Math.random()));
  }
}
