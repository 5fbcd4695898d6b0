import type { StatementDescription } from '../../../sql/index.ts';
import type { Footprint } from './footprint.ts';

/**
 * Whether a statement may have committed something although it failed, or its transaction was rolled back: procedures, DO and several
 * statements in one text can commit within, and some definitions go in steps.
 */
export function mayCommitWithin({ kind }: StatementDescription): boolean {
  return kind === 'call' || kind === 'several' || kind === 'unknown' || kind === 'definition';
}

/**
 * What has been written over one connection since its last transaction ended. A statement is to be added when it is sent, so that it
 * is there whatever becomes of it; what a savepoint takes back stays, which is more careful.
 */
export class ClientWrites {
  #open: Footprint = nothing;
  /** Of `open`, what a rollback may not take back. */
  #lasting: Footprint = nothing;

  /** @param lasting it may commit within (`mayCommitWithin`). */
  add(footprint: Footprint, lasting = false): void {
    this.#open = union(this.#open, footprint);
    if (lasting) this.#lasting = union(this.#lasting, footprint);
  }

  /** The transaction has ended, and it was committed or may have been: the connection was lost. @returns what was written; then nothing. */
  flush(): Footprint {
    return this.#end(this.#open);
  }

  /** The transaction has certainly been rolled back. @returns what was written nevertheless, mostly nothing; then nothing. */
  rolledBack(): Footprint {
    return this.#end(this.#lasting);
  }

  #end(written: Footprint): Footprint {
    this.#open = nothing;
    this.#lasting = nothing;
    return written;
  }
}

const nothing: ReadonlySet<number> = new Set();

function union(one: Footprint, other: Footprint): Footprint {
  if (one === 'unknown' || other === 'unknown') return 'unknown';
  if (other.size === 0) return one;
  return one.size === 0 ? other : new Set([...one, ...other]);
}
