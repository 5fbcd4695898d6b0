import type { CacheTier, Invalidation } from '../../cache/index.ts';
import type { PublishedTable, StreamEvent } from '../stream/index.ts';
import type { LearntBy } from './change-source.ts';
import { invalidationsOf, type Note, writeNote } from './notes.ts';

interface Item {
  readonly what: readonly Invalidation[];
  /** How many changes had been told here by then. */
  readonly mark: number;
  readonly attempt: number;
}

/** Events that wait to be passed on; when there are more, all that is shared is given up instead. */
const mostWaiting = 10_000;
/** Events that are passed on together. */
const mostAtOnce = 200;
/** The tables of an epoch are kept in the tier for so long; put there again and again, since a tier may let go of anything. */
const tablesMs = 60_000;
const tablesAgainMs = 10_000;

/** Under which key the tables of the present epoch are. */
export const tablesKey = (database: string): string => `${database}:tables`;

/** What is kept there. */
export interface StoredTables {
  readonly epoch: string;
  readonly by: LearntBy;
  readonly tables: readonly PublishedTable[];
}

/**
 * Passes on what one process reads, to all who share a tier: what is to be told, and in the same breath what of the tier is void by it.
 * When the tier cannot be reached, others may have missed something: then everything begins anew.
 */
export class Publisher {
  readonly #tier: CacheTier;
  readonly #database: string;
  readonly #mark: () => number;
  #waiting: Item[] = [];
  #publishing = false;
  #open: Extract<StreamEvent, { type: 'open' }> | undefined;
  /** Nothing is passed on until everybody has been told to begin anew. */
  #broken = true;
  #by: LearntBy = 'stream';
  #attempts = 0;
  #beats = 0;
  #tablesUntil = 0;
  #sharedMark: number | undefined;

  /** @param mark how many changes have been told in this process */
  constructor(tier: CacheTier, database: string, mark: () => number) {
    this.#tier = tier;
    this.#database = database;
    this.#mark = mark;
  }

  /** All that had been told here by this mark has been told to the others, and is in force in the tier; `undefined` while it is not known. */
  get sharedMark(): number | undefined {
    return this.#open ? this.#sharedMark : undefined;
  }

  /** To be called after this process has been told itself. */
  told(event: StreamEvent, by: LearntBy): void {
    this.#by = by;
    switch (event.type) {
      case 'open':
        this.#open = event;
        this.#begin();
        break;
      case 'changed':
        if (!this.#broken)
          this.#add(
            { kind: 'changed', xid: event.xid, tables: event.tables },
            invalidationsOf(this.#database, event.tables),
          );
        break;
      case 'snapshot':
        if (this.#broken) this.#begin();
        this.#beat(event.snapshot);
        break;
      case 'closed':
        this.#open = undefined;
        this.closed(event);
    }
  }

  /** Others learn why there is nothing to follow. */
  closed({ why, reason }: Pick<Extract<StreamEvent, { type: 'closed' }>, 'why' | 'reason'>): void {
    this.#add({ kind: 'closed', why, reason }, []);
  }

  /** The tier may have lost what it had, or have what it had once: everything begins anew. */
  tierLost(): void {
    this.#begin();
  }

  get #epoch(): string {
    return `${this.#open?.epoch ?? ''}/${this.#attempts}`;
  }

  #begin(): void {
    if (!this.#open) return;
    this.#attempts += 1;
    this.#beats = 0;
    this.#tablesUntil = 0;
    this.#sharedMark = undefined;
    this.#broken = false;
    this.#add({ kind: 'open', epoch: this.#epoch }, [{ kind: 'prefix', prefix: `${this.#database}:` }]);
  }

  #beat(snapshot: Extract<Note, { kind: 'beat' }>['snapshot']): void {
    if (!this.#open || this.#broken) return;
    this.#beats += 1;
    this.#add({ kind: 'beat', epoch: this.#epoch, number: this.#beats, snapshot, sentAt: performance.now() }, []);
  }

  #add(note: Note, what: readonly Invalidation[]): void {
    this.#waiting.push({
      what: [{ kind: 'note', text: writeNote(this.#database, note) }, ...what],
      mark: this.#mark(),
      attempt: this.#attempts,
    });
    if (this.#waiting.length > mostWaiting) this.#break();
    if (!this.#publishing) void this.#publish();
  }

  async #publish(): Promise<void> {
    this.#publishing = true;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0, mostAtOnce);
        await this.#tier.invalidate(batch.flatMap(({ what }) => what));
        const last = batch.at(-1);
        if (last?.attempt === this.#attempts && !this.#broken) this.#sharedMark = last.mark;
        if (this.#open && !this.#broken && Date.now() > this.#tablesUntil) await this.#putTables(this.#open);
      }
    } catch {
      this.#break();
    } finally {
      this.#publishing = false;
    }
  }

  #break(): void {
    this.#broken = true;
    this.#sharedMark = undefined;
    this.#waiting = [];
  }

  async #putTables({ tables }: Extract<StreamEvent, { type: 'open' }>): Promise<void> {
    const now = Date.now();
    const value: StoredTables = { epoch: this.#epoch, by: this.#by, tables: [...tables.values()] };
    const entry = { value, createdAt: now, freshUntil: now + tablesMs, keptUntil: now + tablesMs, tags: [], loadMs: 0 };
    if (await this.#tier.set(tablesKey(this.#database), entry, this.#tier.position())) {
      this.#tablesUntil = now + tablesAgainMs;
    }
  }
}
