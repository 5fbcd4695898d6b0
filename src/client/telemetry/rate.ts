/** Lets so many pass per second, with bursts of as many. */
export class Rate {
  readonly #perSecond: number;
  #left: number;
  #at = 0;
  /** How many did not pass since the last that did. */
  held = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /**
   * @param now on the clock of `performance.now()`
   * @param count so many at once, or none
   */
  take(now: number, count = 1): boolean {
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    if (this.#left < count) {
      this.held += count;
      return false;
    }
    this.#left -= count;
    return true;
  }
}
