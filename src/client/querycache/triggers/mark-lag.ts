import type { Snapshot } from '../fence/index.ts';

interface Mark {
  at: number;
  before: Snapshot;
}

/** More than these are not kept: then the oldest stand for what lies between. */
const MOST_MARKS = 100;

/**
 * How far behind the listener is. Notifications come in the order of commits, so that when one of our own has come, everything is known
 * that others could see before it was sent. While no transaction has ended since, nothing can be missing, and none is sent.
 */
export class MarkLag {
  readonly #marks = new Map<number, Mark>();
  #numbers = 0;
  #completeAt: number;
  /** Every transaction below it is over and known, if a snapshot says that this one is the next to end. */
  #quietFrom: number | undefined;

  constructor(now: number) {
    this.#completeAt = now;
  }

  /** Whether nothing has happened since the last mark that has come. If so, all was known at `at`, before the snapshot was taken. */
  isQuiet(snapshot: Snapshot, at: number): boolean {
    const quiet = snapshot.xmin === snapshot.xmax && snapshot.xmax === this.#quietFrom;
    if (quiet) this.#completeAt = Math.max(this.#completeAt, at);
    return quiet;
  }

  /** A mark is about to be sent. @param before taken at a moment after `at`. @returns its number. */
  next(before: Snapshot, at: number): number {
    this.#numbers += 1;
    if (this.#marks.size < MOST_MARKS) this.#marks.set(this.#numbers, { at, before });
    return this.#numbers;
  }

  /** A mark has come, which was sent by this transaction. */
  came(number: number, xid: number): void {
    for (const [each, { at, before }] of this.#marks) {
      if (each > number) break;
      this.#marks.delete(each);
      this.#completeAt = Math.max(this.#completeAt, at);
      const alone = each === number && before.xmin === before.xmax && before.xmax === xid;
      this.#quietFrom = alone ? xid + 1 : undefined;
    }
  }

  /** How long ago the last moment is of which all is known, in ms. */
  ms(now: number): number {
    return now - this.#completeAt;
  }
}
