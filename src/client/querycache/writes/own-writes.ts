import type { Footprint } from './footprint.ts';

export interface OwnWritesOptions {
  /**
   * How long a write is remembered, in ms; 60 000 by default: longer than reads take. To who asks for what lies further back the answer
   * is that it may have been written.
   */
  rememberMs?: number;
}

/** A moment in the order of writes: to be taken before a read is sent. */
export type WriteMark = number;

/** The last write to a table. */
interface Write {
  /** Its place in the order of writes. */
  readonly place: number;
  readonly at: number;
}

/** Before all writes. */
const never: Write = { place: 0, at: -Infinity };

/**
 * What this process has written lately, by tables. Times are in ms, by a clock that never goes back (`performance.now()`). A call
 * takes as long as its tables are many; what is remembered is at most one entry for each table of the database.
 */
export class OwnWrites {
  readonly #rememberMs: number;
  /** The last write of each table, the oldest first. */
  readonly #tables = new Map<number, Write>();
  #places = 0;
  /** The last of which no table is known. */
  #unknown = never;
  /** The last that is forgotten: of what is not after it, any table may have been written. */
  #forgotten = never;

  constructor({ rememberMs = 60_000 }: OwnWritesOptions = {}) {
    this.#rememberMs = rememberMs;
  }

  /** How many tables are remembered. */
  get size(): number {
    return this.#tables.size;
  }

  /** When something was last written of which the tables are not known; `undefined` when that never was. */
  get unknownAt(): number | undefined {
    return this.#unknown === never ? undefined : this.#unknown.at;
  }

  /** A write was answered, or may have been done: its transaction has ended. */
  wrote(footprint: Footprint, now: number): void {
    if (footprint !== 'unknown' && footprint.size === 0) return;
    const write = { place: ++this.#places, at: now };
    if (footprint === 'unknown') this.#unknown = write;
    else {
      for (const table of footprint) {
        this.#tables.delete(table);
        this.#tables.set(table, write);
      }
    }
    this.#forget(now);
  }

  /** To be taken before a read is sent. */
  mark(): WriteMark {
    return this.#places;
  }

  /**
   * Whether any of these tables was written after a mark, or may have been. Then what a read brings that was sent at the mark may be
   * from before the write: it is not to be kept, nor given to who asks now.
   */
  writtenSince(tables: readonly number[], mark: WriteMark): boolean {
    return this.#anyWrite(tables, ({ place }) => place > mark);
  }

  /**
   * Whether one of these tables was written less than so long ago, or may have been. Then what others keep may be from before: the
   * change stream may not have told them yet.
   */
  recently(tables: readonly number[], withinMs: number, now: number): boolean {
    return this.#anyWrite(tables, ({ at }) => now - at < withinMs);
  }

  #anyWrite(tables: readonly number[], matches: (write: Write) => boolean): boolean {
    if (tables.length === 0) return false;
    if (matches(this.#unknown) || matches(this.#forgotten)) return true;
    return tables.some((table) => matches(this.#tables.get(table) ?? never));
  }

  #forget(now: number): void {
    for (const [table, write] of this.#tables) {
      if (now - write.at < this.#rememberMs) return;
      this.#tables.delete(table);
      this.#forgotten = write;
    }
  }
}
