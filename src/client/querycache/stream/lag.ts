interface Mark {
  lsn: bigint;
  at: number;
}

/** More than these are not kept; then the oldest stand for what lies between. */
const MOST_MARKS = 1000;

/**
 * How far behind the stream is. The server is asked now and then where its log ends; once the stream has come to that position,
 * everything is known that others could see before the question. That counts in commits with `synchronous_commit = off`, which are to be
 * seen up to three `wal_writer_delay` before they are on disk, and only then in the stream.
 */
export class Lag {
  readonly #marks: Mark[] = [];
  #position = 0n;
  #completeAt: number;

  constructor(now: number) {
    this.#completeAt = now;
  }

  /** The log ended there at a moment that lies after `at`. */
  marked(lsn: bigint, at: number): void {
    if (this.#marks.length < MOST_MARKS) this.#marks.push({ lsn, at });
    this.reached(this.#position);
  }

  reached(position: bigint): void {
    if (position > this.#position) this.#position = position;
    for (let mark = this.#marks[0]; mark !== undefined && mark.lsn <= this.#position; mark = this.#marks[0]) {
      this.#completeAt = Math.max(this.#completeAt, mark.at);
      this.#marks.shift();
    }
  }

  /** The server has written something that has not come yet. */
  get behind(): boolean {
    return this.#marks.length > 0;
  }

  /** How long ago the last moment is of which all is known, in ms. */
  ms(now: number): number {
    return now - this.#completeAt;
  }
}
