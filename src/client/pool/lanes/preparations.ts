import type { ResultShape } from '../driver.ts';
import type { StatementRecord } from '../statements/record.ts';

/** A prepared statement of one connection. */
export interface LanePreparation {
  /** Its name on the server; empty for one that is parsed anew each time. */
  readonly name: string;
  /** Parse was sent. */
  parsed: boolean;
  /** Known once it has returned rows. */
  shape: ResultShape | undefined;
  /** Used since it was last looked at for eviction. */
  used: boolean;
}

/** Prepared statements kept per connection: each takes some 10 kB of the server's memory. */
const mostPreparations = 256;

/** The prepared statements of one connection, bounded: those not used for longest are closed (second chance, as clock page replacement). */
export class Preparations {
  readonly #byRecord = new Map<number, LanePreparation>();
  readonly #close: (name: string) => void;

  /** @param close tells the server that a prepared statement is not needed any more */
  constructor(close: (name: string) => void) {
    this.#close = close;
  }

  of(record: StatementRecord): LanePreparation {
    let known = this.#byRecord.get(record.id);
    if (!known) {
      if (this.#byRecord.size >= mostPreparations) this.#evict();
      known = { name: `pitcrew_${record.id}`, parsed: false, shape: undefined, used: true };
      this.#byRecord.set(record.id, known);
    }
    known.used = true;
    return known;
  }

  /** For a statement whose plan or whose name the server does not accept any more. */
  forget(record: StatementRecord, preparation: LanePreparation): void {
    // Others that were under way may have met the same, and it may be prepared anew by now.
    if (this.#byRecord.get(record.id) !== preparation) return;
    this.#byRecord.delete(record.id);
    this.#close(preparation.name);
  }

  #evict(): void {
    for (const [id, preparation] of this.#byRecord) {
      if (preparation.used) {
        preparation.used = false;
        // To the end of the queue.
        this.#byRecord.delete(id);
        this.#byRecord.set(id, preparation);
        continue;
      }
      this.#byRecord.delete(id);
      if (preparation.parsed) this.#close(preparation.name);
      return;
    }
  }
}

/** Parsed anew each time: where statements must not be prepared. */
export function unprepared(): LanePreparation {
  return { name: '', parsed: false, shape: undefined, used: true };
}
