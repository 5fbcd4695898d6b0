import type { PrimaryTerm } from '../topology/index.ts';

/** All writes up to this number end at or below a position. */
export interface WrittenPosition {
  /** Writes of this process are numbered as they are acknowledged. */
  upTo: number;
  lsn: bigint;
  /** Whose position it is. */
  term: PrimaryTerm | undefined;
}

/** So many answers are kept; a scope that comes back later gets a newer one, which is only stricter. */
const KEPT = 32;

/** What the primary has answered, oldest first. */
export class WrittenPositions {
  readonly #answers: WrittenPosition[] = [];

  add(answer: WrittenPosition): void {
    const last = this.#answers.at(-1);
    // A question overtaken by a later one has nothing to add.
    if (last && last.upTo >= answer.upTo) return;
    this.#answers.push(answer);
    if (this.#answers.length > KEPT) this.#answers.shift();
  }

  /** The earliest answer that covers a write. */
  covering(write: number): WrittenPosition | undefined {
    return this.#answers.find(({ upTo }) => upTo >= write);
  }
}
