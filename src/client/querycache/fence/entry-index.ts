import type { Dependency } from './dependency.ts';
import type { Snapshot } from './snapshot.ts';
import type { Keys } from './table-changes.ts';

/** What an entry is known by: its key in the cache. */
export type EntryId = string;

interface Indexed {
  readonly dependencies: readonly Dependency[];
  readonly snapshot: Snapshot;
}

/** Entries that depend on one table. */
interface TableEntries {
  /** On any of its rows. */
  readonly whole: Set<EntryId>;
  /** On rows with these keys only. */
  readonly byKey: Map<string, Set<EntryId>>;
}

/** Finds the entries that a change concerns, by table and by key. As large as the entries that were put in and not taken out. */
export class EntryIndex {
  readonly #entries = new Map<EntryId, Indexed>();
  readonly #tables = new Map<number, TableEntries>();

  get size(): number {
    return this.#entries.size;
  }

  set(id: EntryId, dependencies: readonly Dependency[], snapshot: Snapshot): void {
    this.delete(id);
    this.#entries.set(id, { dependencies, snapshot });
    for (const { table, keys } of dependencies) {
      let entries = this.#tables.get(table);
      if (!entries) this.#tables.set(table, (entries = { whole: new Set(), byKey: new Map() }));
      if (keys === undefined) entries.whole.add(id);
      else for (const key of keys) addTo(entries.byKey, key, id);
    }
  }

  delete(id: EntryId): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    for (const { table, keys } of entry.dependencies) {
      const entries = this.#tables.get(table);
      if (!entries) continue;
      entries.whole.delete(id);
      for (const key of keys ?? []) removeFrom(entries.byKey, key, id);
      if (entries.whole.size === 0 && entries.byKey.size === 0) this.#tables.delete(table);
    }
  }

  /** Takes out and gives the entries that depend on these rows and whose snapshot does not see the transaction; none sees Infinity. */
  evict(table: number, keys: Keys, xid: number): EntryId[] {
    const entries = this.#tables.get(table);
    if (!entries) return [];
    const evicted = new Set<EntryId>();
    const look = (ids: Iterable<EntryId>): void => {
      for (const id of ids) if (this.#entries.get(id)?.snapshot.sees(xid) === false) evicted.add(id);
    };
    look(entries.whole);
    if (keys === 'all') for (const ids of entries.byKey.values()) look(ids);
    else for (const key of keys) look(entries.byKey.get(key) ?? []);
    for (const id of evicted) this.delete(id);
    return [...evicted];
  }

  /** Takes out and gives all. */
  clear(): EntryId[] {
    const all = [...this.#entries.keys()];
    this.#entries.clear();
    this.#tables.clear();
    return all;
  }
}

function addTo(map: Map<string, Set<EntryId>>, key: string, id: EntryId): void {
  const ids = map.get(key);
  if (ids) ids.add(id);
  else map.set(key, new Set([id]));
}

function removeFrom(map: Map<string, Set<EntryId>>, key: string, id: EntryId): void {
  const ids = map.get(key);
  if (ids?.delete(id) && ids.size === 0) map.delete(key);
}
