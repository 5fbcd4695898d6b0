/** So many may come at once … */
const burst = 100;
/** … and then so many in a second. */
const perSecond = 200;

/**
 * Says yes to all at a low rate, and to so few at a high one that what is done for each does not count: a capture of 10 µs
 * then costs at most 0.2 % of a CPU. Connections that are held for long are taken at a low rate, so that their lines are known.
 */
export class Sampler {
  #left = burst;
  #at = 0;

  /** @param now on the clock of `performance.now()` */
  take(now: number): boolean {
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
