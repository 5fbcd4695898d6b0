import type { Dependency } from './dependency.ts';
import { type EntryId, EntryIndex } from './entry-index.ts';
import type { Snapshot } from './snapshot.ts';
import { type Keys, TableChanges } from './table-changes.ts';

/** What one transaction has changed. May come in parts. */
export interface ChangedTables {
  /** In full: 64 bits. */
  readonly xid: number;
  /** By the tables' OIDs. */
  readonly tables: ReadonlyMap<number, Keys>;
}

export interface FenceOptions {
  /** How many transactions are remembered for each table while some snapshots may not see them; 1000 by default. */
  transactionsPerTable?: number;
}

export interface FenceStats {
  /** Entries in the index. */
  entries: number;
  /** Transactions that are remembered, over all tables. */
  remembered: number;
  evicted: number;
  /** Fills that were refused, by reason. */
  refused: {
    /** A transaction that the snapshot does not see has changed what was read, or may have. */
    changed: number;
    /** A transaction from before the epoch began is not over, or was not when it was read. */
    unsettled: number;
    /** Nothing may be kept at present, or the read began in an earlier epoch. */
    epoch: number;
  };
}

/** When a read began: to be taken before the statement is sent. */
export type FenceToken = number;

/** How much had been told at a moment: to be compared with later ones of the same fence. */
export type FenceMark = number;

/**
 * Decides what may be kept and what must go, by comparing the transactions of the change stream with the snapshots that results were
 * read with. A change can be in the stream *before* other sessions can see it: always so while its commit waits for a synchronous
 * standby. What is read after its arrival may therefore be from before it, and that only the snapshot can tell.
 *
 * Closed until `open` is called, and again after `close`. The rule is in three parts:
 * - an arriving transaction evicts the entries that depend on what it changed and whose snapshot does not see it;
 * - a result is refused when its snapshot does not see a transaction that has arrived and changed what it depends on;
 * - a result is refused while its snapshot does not see all transactions that had begun when the epoch did: they may have changed
 *   something that the stream did not tell.
 *
 * What others have held against this rule already, and keep true (a tier that processes share), need only be held against what was told
 * since it was asked for: `keepCertified`.
 */
export class Fence {
  readonly #transactionsPerTable: number;
  readonly #tables = new Map<number, TableChanges>();
  readonly #index = new EntryIndex();
  /** `undefined` while closed. */
  #settledFrom: number | undefined;
  #token: FenceToken = 0;
  #mark: FenceMark = 0;
  /** The first mark of the epoch. */
  #openedAt: FenceMark = 0;
  /** The highest `xmin` of all snapshots of this epoch: what is below it, every later one sees. */
  #horizon = 0;
  #changesUntilPrune = 0;
  #evicted = 0;
  readonly #refused = { changed: 0, unsettled: 0, epoch: 0 };

  constructor({ transactionsPerTable = 1000 }: FenceOptions = {}) {
    this.#transactionsPerTable = transactionsPerTable;
  }

  /** To be taken before a statement is sent whose result is to be kept; `undefined` while nothing may be kept. */
  token(): FenceToken | undefined {
    return this.#settledFrom === undefined ? undefined : this.#token;
  }

  /** To be taken before a question whose answer is to be held against what is told meanwhile. */
  mark(): FenceMark {
    return this.#mark;
  }

  /**
   * Begins an epoch: changes come from now on, without a gap.
   * @param snapshot taken on the primary after the stream had begun, or after definitions of tables were changed.
   * @returns the entries that are void: all.
   */
  open(snapshot: Snapshot): EntryId[] {
    const evicted = this.close();
    this.#openedAt = this.#mark += 1;
    this.#settledFrom = snapshot.xmax;
    this.#horizon = snapshot.xmin;
    return evicted;
  }

  /** Ends the epoch: the stream is lost or late. @returns the entries that are void: all. */
  close(): EntryId[] {
    this.#token += 1;
    this.#settledFrom = undefined;
    this.#tables.clear();
    const evicted = this.#index.clear();
    this.#evicted += evicted.length;
    return evicted;
  }

  /** A transaction has arrived. @returns the entries that are void by it, which are forgotten here. */
  changed({ xid, tables }: ChangedTables): EntryId[] {
    if (this.#settledFrom === undefined) return [];
    this.#mark += 1;
    const evicted: EntryId[] = [];
    for (const [table, keys] of tables) {
      let changes = this.#tables.get(table);
      if (!changes) this.#tables.set(table, (changes = new TableChanges(this.#transactionsPerTable)));
      changes.add(xid, keys, this.#horizon, this.#mark);
      evicted.push(...this.#index.evict(table, keys, xid));
    }
    this.#evicted += evicted.length;
    this.#pruneNowAndThen();
    return evicted;
  }

  /** A snapshot was taken on the primary: what it shows to be over need not be remembered for later ones. */
  noted(snapshot: Snapshot): void {
    if (snapshot.xmin > this.#horizon) this.#horizon = snapshot.xmin;
  }

  /**
   * Whether a result may be kept at this moment. Nothing may come between the answer and the keeping, unless the store compares
   * again when it sets.
   * @param snapshot taken before the statement's own, on the same server, and after `token`.
   */
  mayKeep(dependencies: readonly Dependency[], snapshot: Snapshot, token: FenceToken | undefined): boolean {
    const reason = this.#refusal(dependencies, snapshot, token);
    if (reason) this.#refused[reason] += 1;
    return reason === undefined;
  }

  /** As `mayKeep`; if so, `changed`, `open` and `close` will name the entry when it becomes void. */
  keep(id: EntryId, dependencies: readonly Dependency[], snapshot: Snapshot, token: FenceToken | undefined): boolean {
    if (!this.mayKeep(dependencies, snapshot, token)) return false;
    this.#index.set(id, dependencies, snapshot);
    return true;
  }

  /**
   * As `keep`, for a result of which it is certain that everything told up to the mark is in it or does not concern it, as when a tier has
   * given it that is told the same changes in the same order. Then it does not matter what is still known of these, nor which
   * transactions the epoch began with.
   * @param token taken together with the mark, before the tier was asked.
   */
  keepCertified(
    id: EntryId,
    dependencies: readonly Dependency[],
    snapshot: Snapshot,
    token: FenceToken | undefined,
    mark: FenceMark,
  ): boolean {
    const reason = this.#refusal(dependencies, snapshot, token, mark);
    if (reason) this.#refused[reason] += 1;
    else this.#index.set(id, dependencies, snapshot);
    return reason === undefined;
  }

  /** Whether anything told after the mark may concern these rows, whichever snapshot sees it. True when that cannot be known. */
  changedSince(dependencies: readonly Dependency[], mark: FenceMark): boolean {
    if (this.#settledFrom === undefined || mark < this.#openedAt) return true;
    return dependencies.some(({ table, keys }) => this.#tables.get(table)?.changedSince(mark, keys));
  }

  /** Something else than a transaction that is told makes results void. @returns the entries that depend on these tables. */
  evict(tables: Iterable<number>): EntryId[] {
    const evicted = [...tables].flatMap((table) => this.#index.evict(table, 'all', Infinity));
    this.#evicted += evicted.length;
    return evicted;
  }

  /** As `evict`, of all tables. */
  evictAll(): EntryId[] {
    const evicted = this.#index.clear();
    this.#evicted += evicted.length;
    return evicted;
  }

  /** The entry is not kept any more, for a reason of the cache's own. */
  forget(id: EntryId): void {
    this.#index.delete(id);
  }

  stats(): FenceStats {
    let remembered = 0;
    for (const changes of this.#tables.values()) remembered += changes.size;
    return { entries: this.#index.size, remembered, evicted: this.#evicted, refused: { ...this.#refused } };
  }

  #refusal(
    dependencies: readonly Dependency[],
    snapshot: Snapshot,
    token: FenceToken | undefined,
    mark?: FenceMark,
  ): keyof FenceStats['refused'] | undefined {
    if (this.#settledFrom === undefined || token !== this.#token) return 'epoch';
    if (mark !== undefined && mark < this.#openedAt) return 'epoch';
    if (mark === undefined && snapshot.xmin < this.#settledFrom) return 'unsettled';
    const seen = dependencies.every(({ table, keys }) => this.#tables.get(table)?.seenBy(snapshot, keys, mark) ?? true);
    return seen ? undefined : 'changed';
  }

  /** Tables that are no longer written to would keep what they remember. */
  #pruneNowAndThen(): void {
    if (--this.#changesUntilPrune > 0) return;
    this.#changesUntilPrune = 1000 + this.#tables.size;
    for (const changes of this.#tables.values()) changes.prune(this.#horizon);
  }
}
