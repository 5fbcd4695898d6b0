import type { Snapshot } from './snapshot.ts';

/** Keys of rows, as `keyOf` writes them, or all rows. */
export type Keys = ReadonlySet<string> | 'all';

/** How many keys of one table are kept apart; beyond that a transaction counts as having changed all rows. */
const MOST_KEYS = 20_000;

interface Change {
  readonly keys: Keys;
  /** The mark at which its last part was told. */
  readonly toldAt: number;
}

/**
 * What was changed in one table by transactions that some snapshot may not see yet. Bounded: what is dropped raises the
 * floor, below which nothing is certain, and the mark from which on all that was told is remembered.
 */
export class TableChanges {
  readonly #most: number;
  /** In order of arrival, which is the order of commits. */
  readonly #byXid = new Map<number, Change>();
  #keys = 0;
  #highest = 0;
  #floor = 0;
  /** The marks of what was told last, and of what was told last of all that was dropped. */
  #lastToldAt = 0;
  #droppedToldAt = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#byXid.size;
  }

  /** All that was kept, and what was dropped, is below this. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * @param horizon every snapshot taken from now on sees all transactions below it.
   * @param toldAt rises from one transaction to the next.
   */
  add(xid: number, keys: Keys, horizon: number, toldAt: number): void {
    this.#highest = Math.max(this.#highest, xid);
    this.#lastToldAt = toldAt;
    const before = this.#byXid.get(xid)?.keys;
    this.#keys -= sizeOf(before);
    const both = before === undefined ? keys : union(before, keys);
    const kept = this.#keys + sizeOf(both) > MOST_KEYS ? 'all' : both;
    this.#keys += sizeOf(kept);
    this.#byXid.set(xid, { keys: kept, toldAt });
    if (this.#byXid.size > this.#most) this.prune(horizon);
    for (const oldest of this.#byXid.keys()) {
      if (this.#byXid.size <= this.#most) break;
      this.#drop(oldest);
    }
  }

  /** Drops what all later snapshots see. Refuses only those taken before. */
  prune(horizon: number): void {
    for (const xid of this.#byXid.keys()) if (xid < horizon) this.#drop(xid);
  }

  /** Whether a snapshot sees everything that was changed in these rows, of what was told after a mark. */
  seenBy(snapshot: Snapshot, keys: readonly string[] | undefined, mark = 0): boolean {
    if (this.#lastToldAt <= mark || snapshot.xmin > this.#highest) return true;
    if (this.#droppedToldAt > mark && snapshot.xmin <= this.#floor) return false;
    for (const [xid, change] of this.#byXid) {
      if (change.toldAt > mark && !snapshot.sees(xid) && concerns(change.keys, keys)) return false;
    }
    return true;
  }

  /** Whether these rows may have been changed by what was told after a mark. */
  changedSince(mark: number, keys: readonly string[] | undefined): boolean {
    if (this.#lastToldAt <= mark) return false;
    if (this.#droppedToldAt > mark) return true;
    for (const change of this.#byXid.values()) if (change.toldAt > mark && concerns(change.keys, keys)) return true;
    return false;
  }

  #drop(xid: number): void {
    const change = this.#byXid.get(xid);
    if (!change) return;
    this.#keys -= sizeOf(change.keys);
    this.#droppedToldAt = Math.max(this.#droppedToldAt, change.toldAt);
    this.#byXid.delete(xid);
    this.#floor = Math.max(this.#floor, xid);
  }
}

function concerns(changed: Keys, keys: readonly string[] | undefined): boolean {
  return changed === 'all' || keys === undefined || keys.some((key) => changed.has(key));
}

function union(one: Keys, other: Keys): Keys {
  return one === 'all' || other === 'all' ? 'all' : new Set([...one, ...other]);
}

function sizeOf(keys: Keys | undefined): number {
  return keys === undefined || keys === 'all' ? 0 : keys.size;
}
