/** Of so many ms the quickest beat counts, and of as many before. Clocks of two machines drift less than a millisecond meanwhile. */
const windowMs = 30_000;

/**
 * When a beat was sent, though it was sent by another process's clock and may have been held up since: those that came quickest lately are
 * taken for as good as not under way at all, and whatever others took longer they are older.
 */
export class BeatClock {
  #began = -Infinity;
  /** How far this process's clock is ahead, by the quickest beat of this window and of the one before. */
  #ahead = Infinity;
  #aheadBefore = Infinity;

  /**
   * @param sentAt on the sender's clock
   * @returns when that was, on this process's clock, on which it is `now`
   */
  sent(sentAt: number, now: number): number {
    if (now - this.#began > windowMs) {
      this.#aheadBefore = this.#ahead;
      this.#ahead = Infinity;
      this.#began = now;
    }
    this.#ahead = Math.min(this.#ahead, now - sentAt);
    return sentAt + Math.min(this.#ahead, this.#aheadBefore);
  }
}
