import type { StatementDescription } from '../../sql/index.ts';
import type { LentWrites } from '../pool/index.ts';
import type { CurrentCatalog } from './dependencies/index.ts';
import type { Sessions } from './session/session-facts.ts';
import {
  ClientWrites,
  createFootprints,
  type Footprint,
  type Footprints,
  mayCommitWithin,
  OwnWrites,
} from './writes/index.ts';

/** What the pool itself writes: its readers see it at once, whatever the changes have told by then. */
export class PoolWrites {
  readonly #written = new OwnWrites();
  readonly #footprints: Footprints;
  readonly #sessions: Sessions;
  readonly #told: (tables: Footprint) => void;

  /** @param told called for each write, after it counts */
  constructor(catalog: CurrentCatalog, sessions: Sessions, told: (tables: Footprint) => void) {
    this.#footprints = createFootprints(catalog);
    this.#sessions = sessions;
    this.#told = told;
  }

  /** A statement was answered that is a transaction of its own, or may have been done. */
  wrote(description: StatementDescription | undefined): void {
    this.mayHaveWritten(this.#footprintOf(description));
  }

  /** From now on results that were read before are not given to readers of this process. */
  mayHaveWritten(tables: Footprint): void {
    if (tables !== 'unknown' && tables.size === 0) return;
    this.#written.wrote(tables, performance.now());
    this.#told(tables);
  }

  lent(): LentWrites {
    const writes = new ClientWrites();
    return {
      sent: (description) => {
        writes.add(this.#footprintOf(description), !description || mayCommitWithin(description));
      },
      ended: () => this.mayHaveWritten(writes.flush()),
    };
  }

  mark(): number {
    return this.#written.mark();
  }

  /** Whether any of these tables was written since, or may have been. */
  writtenSince(tables: readonly number[], mark: number): boolean {
    return this.#written.writtenSince(tables, mark);
  }

  recently(tables: readonly number[], withinMs: number): boolean {
    return this.#written.recently(tables, withinMs, performance.now());
  }

  #footprintOf(description: StatementDescription | undefined): Footprint {
    const facts = this.#sessions.known;
    if (!description) return 'unknown';
    return facts ? this.#footprints.of(description, facts.session) : 'unknown';
  }
}
