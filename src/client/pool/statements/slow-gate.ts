import { PitcrewError } from '../../../errors.ts';
import { type Waiter, Waiters } from '../connections/waiters.ts';

/** How often it is looked whether quick statements suffer. */
const lookEveryMs = 100;
/** So much of the time in which the server works on quick statements may go to some that it holds up, before slow ones are to blame. */
const crowdedShare = 0.25;
/** Below this share there is room for one more. */
const roomyShare = 0.1;
/**
 * As TCP avoids congestion (RFC 5681, section 3.1): few at first, twice as many with every look, and after the first sign of
 * crowding one more at a time, and this share when there is another.
 */
const few = 4;
const decrease = 0.7;
/** Less quick work than this since the last look says nothing of how it fares. */
const leastWorkMs = 2;
/** Then so many looks are waited for until one more slow statement may run: nobody may be there any more who suffers. */
const looksWithoutWork = 10;
/** So many slow statements may always run at once. */
const least = 2;

/** How slow statements are kept from holding up quick ones. */
export interface SlowGateReport {
  /** Slow statements that may run at once: few beside quick ones, and more while these do not suffer. */
  limit: number;
  running: number;
  waiting: number;
}

/** Tells that a statement has ended; to be called at least once. */
export type Leave = () => void;

/**
 * Slow statements take the server's CPUs and disks from quick ones, although these have connections of their own. While quick
 * ones suffer, only some of the slow ones run at once: where the server is busy all of them are done no later for it.
 */
export class SlowGate {
  readonly #most: number;
  readonly #quickMs: number;
  readonly #waiters: Waiters<Leave>;
  #limit = Infinity;
  #wasCrowded = false;
  #running = 0;
  #workMs = 0;
  #heldUpMs = 0;
  #looksWithoutWork = 0;
  #looking: NodeJS.Timeout | undefined;

  /**
   * @param most connections, so that no more could run
   * @param quickMs what the server may take for a quick statement
   * @param timeoutMs how long a statement may wait here; 0 for ever
   */
  constructor(most: number, quickMs: number, timeoutMs: number) {
    this.#most = most;
    this.#quickMs = quickMs;
    this.#waiters = new Waiters(timeoutMs, (waiter) => waiter.refused(this.#timeoutError(waiter.since)));
  }

  get waitingCount(): number {
    return this.#waiters.size;
  }

  report(): SlowGateReport {
    return { limit: this.#limit, running: this.#running, waiting: this.#waiters.size };
  }

  /** Lets a slow statement run, now or when its turn comes. */
  enter(waiter: Waiter<Leave>): void {
    if (!this.#looking) {
      // Where there are no quick statements, nobody suffers.
      this.#limit = this.#workMs < leastWorkMs ? this.#most : few;
      this.#looking = setInterval(() => this.#look(), lookEveryMs).unref();
    }
    if (this.#running < this.#limit) this.#admit(waiter);
    else this.#waiters.add(waiter);
  }

  withdraw(waiter: Waiter<Leave>): void {
    this.#waiters.remove(waiter);
  }

  /** Takes what the server needed for a quick statement. */
  answered(serviceMs: number): void {
    this.#workMs += serviceMs;
    if (serviceMs > this.#quickMs) this.#heldUpMs += serviceMs;
  }

  /** Sends those who wait elsewhere. */
  moveWaiters(): void {
    for (const waiter of this.#waiters) {
      this.#waiters.remove(waiter);
      waiter.moved?.();
    }
  }

  #admit(waiter: Waiter<Leave>): void {
    this.#running += 1;
    let left = false;
    waiter.granted(() => {
      if (left) return;
      left = true;
      this.#running -= 1;
      this.#admitNext();
    });
  }

  #admitNext(): void {
    while (this.#running < this.#limit) {
      const next = this.#waiters.shift();
      if (!next) return;
      this.#admit(next);
    }
  }

  #look(): void {
    const crowded = this.#crowdedShare();
    if (crowded === undefined) this.#looksWithoutWork += 1;
    else this.#looksWithoutWork = 0;
    if (crowded !== undefined && crowded > crowdedShare) {
      this.#wasCrowded = true;
      this.#limit = Math.max(least, Math.floor(Math.min(this.#limit, this.#running) * decrease));
    } else if (!this.#wasCrowded) {
      this.#grow(this.#limit);
    } else if (crowded === undefined ? this.#looksWithoutWork % looksWithoutWork === 0 : crowded < roomyShare) {
      this.#grow(1);
    }
    if (this.#running > 0 || this.#waiters.size > 0) return;
    this.#wasCrowded = false;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #timeoutError(since: number): PitcrewError {
    const waitedMs = Math.round(performance.now() - since);
    const { limit, running, waiting } = this.report();
    return new PitcrewError('E_POOL_TIMEOUT', `a slow statement did not get its turn within ${waitedMs} ms`, {
      detail: `${running} slow statements run, ${limit} may while quick ones are held up; ${waiting} more wait.`,
      hint: 'Make the slow statements quicker or fewer, or send them to pool.analytics.',
    });
  }

  #grow(by: number): void {
    this.#limit = Math.min(this.#limit + by, this.#most);
    this.#admitNext();
  }

  /** How much of the quick work since the last look was held up; `undefined` when there was too little to tell. */
  #crowdedShare(): number | undefined {
    const share = this.#workMs < leastWorkMs ? undefined : this.#heldUpMs / this.#workMs;
    this.#workMs = 0;
    this.#heldUpMs = 0;
    return share;
  }
}
