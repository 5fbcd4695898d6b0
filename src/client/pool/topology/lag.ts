/** Positions closer together in time than this count as one: a replica may seem late by so much when it is not. */
const RESOLUTION_MS = 100;
const KEPT = 64;

/**
 * Where the primary was when, by this process's clock, so that a replica's lag needs no other clock. A replica's own
 * figures do not tell: one that is cut off from its primary has replayed all it received, and one that follows an idle
 * primary saw its last commit long ago.
 */
export class PrimaryPositions {
  #samples: { at: number; lsn: bigint }[] = [];

  /** The primary's position at a moment, in ms. */
  add(at: number, lsn: bigint): void {
    const last = this.#samples.at(-1);
    if (last && lsn <= last.lsn) return;
    if (last && at - last.at < RESOLUTION_MS) last.lsn = lsn;
    else this.#samples.push({ at, lsn });
    // The older half loses every second one: far back in time, less exactly is enough.
    if (this.#samples.length > KEPT) this.#samples = this.#samples.filter((_, i) => i % 2 === 0 || i > KEPT / 2);
  }

  /** Another timeline: positions of the former do not compare. */
  clear(): void {
    this.#samples = [];
  }

  /**
   * How far behind a replica is that has replayed up to a position; `undefined` when no position is known. `beyondMemory`:
   * it lacks even the oldest that is remembered, so the time is the least it can be.
   */
  behind(replayed: bigint, now: number): { bytes: bigint; ms: number; beyondMemory: boolean } | undefined {
    const latest = this.#samples.at(-1);
    if (!latest) return undefined;
    const missed = this.#samples.find(({ lsn }) => lsn > replayed);
    if (!missed) return { bytes: 0n, ms: 0, beyondMemory: false };
    return {
      bytes: latest.lsn - replayed,
      ms: Math.max(0, now - missed.at),
      beyondMemory: missed === this.#samples[0],
    };
  }
}
