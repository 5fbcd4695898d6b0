import type { Snapshot } from './snapshot.ts';

/** Keys of rows, as `keyOf` writes them, or all rows. */
export type Keys = ReadonlySet<string> | 'all';

/** How many keys of one table are kept apart; beyond that a transaction counts as having changed all rows. */
const MOST_KEYS = 20_000;

/**
 * What was changed in one table by transactions that some snapshot may not see yet. Bounded: what is dropped raises the
 * floor, below which nothing is certain.
 */
export class TableChanges {
  readonly #most: number;
  /** In order of arrival, which is the order of commits. */
  readonly #byXid = new Map<number, Keys>();
  #keys = 0;
  #highest = 0;
  #floor = 0;

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

  /** @param horizon every snapshot taken from now on sees all transactions below it. */
  add(xid: number, keys: Keys, horizon: number): void {
    this.#highest = Math.max(this.#highest, xid);
    const before = this.#byXid.get(xid);
    this.#keys -= sizeOf(before);
    const both = before === undefined ? keys : union(before, keys);
    const kept = this.#keys + sizeOf(both) > MOST_KEYS ? 'all' : both;
    this.#keys += sizeOf(kept);
    this.#byXid.set(xid, kept);
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

  /** Whether a snapshot sees everything that was changed in these rows. */
  seenBy(snapshot: Snapshot, keys: readonly string[] | undefined): boolean {
    if (snapshot.xmin > this.#highest) return true;
    if (snapshot.xmin <= this.#floor) return false;
    for (const [xid, changed] of this.#byXid) {
      if (!snapshot.sees(xid) && concerns(changed, keys)) return false;
    }
    return true;
  }

  #drop(xid: number): void {
    this.#keys -= sizeOf(this.#byXid.get(xid));
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
