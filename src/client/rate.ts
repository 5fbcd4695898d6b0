/** Lets so many pass per second on average. */
export class Rate {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at = 0;
  /** How many did not pass since the last that did. */
  held = 0;

  /** @param burst so many may come at once */
  constructor(perSecond: number, burst = perSecond) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /**
   * @param now on the clock of `performance.now()`
   * @param count so many at once, or none
   */
  take(now: number, count = 1): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    if (this.#left < count) {
      this.held += count;
      return false;
    }
    this.#left -= count;
    return true;
  }

  /** So many were taken and not used. */
  giveBack(count: number): void {
    this.#left = Math.min(this.#burst, this.#left + count);
  }
}
