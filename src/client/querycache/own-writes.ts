import type { DeclaredFunctions as JudgedFunctions, StatementDescription } from '../../sql/index.ts';
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

/** What is told of a write. */
export interface OwnWrite {
  readonly tables: Footprint;
  /** It may have changed definitions. */
  readonly defines: boolean;
}

/** What the pool itself writes: its readers see it at once, whatever the changes have told by then. */
export class PoolWrites {
  readonly #written = new OwnWrites();
  readonly #footprints: Footprints;
  readonly #sessions: Sessions;
  readonly #told: (write: OwnWrite) => void;

  /**
   * @param functions what the application says of its functions
   * @param told called for each write, after it counts
   */
  constructor(
    catalog: CurrentCatalog,
    sessions: Sessions,
    functions: JudgedFunctions,
    told: (write: OwnWrite) => void,
  ) {
    this.#footprints = createFootprints(catalog, functions);
    this.#sessions = sessions;
    this.#told = told;
  }

  /** A statement was answered that is a transaction of its own, or may have been done. */
  wrote(description: StatementDescription | undefined): void {
    const tables = this.#footprintOf(description);
    this.mayHaveWritten({ tables, defines: mayDefine(description) });
  }

  /** From now on results that were read before are not given to readers of this process. */
  mayHaveWritten(write: OwnWrite): void {
    const { tables } = write;
    if (tables !== 'unknown' && tables.size === 0) return;
    this.#written.wrote(tables, performance.now());
    this.#told(write);
  }

  lent(): LentWrites {
    const writes = new ClientWrites();
    let defines = false;
    return {
      sent: (description) => {
        const tables = this.#footprintOf(description);
        writes.add(tables, !description || mayCommitWithin(description));
        defines ||= mayDefine(description);
      },
      ended: () => {
        this.mayHaveWritten({ tables: writes.flush(), defines });
        defines = false;
      },
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

const longestHead = 200;

/**
 * Whether a statement may change definitions that others see. Those of temporary tables come often, and nothing that is kept depends on
 * them; what procedures and DO define, the changes tell a moment later.
 */
function mayDefine(description: StatementDescription | undefined): boolean {
  if (!description || description.effects) return false;
  const { kind, normalized } = description;
  if (kind === 'several') return true;
  return kind === 'definition' && !/\btemp(?:orary)?\b/i.test(normalized.slice(0, longestHead));
}
