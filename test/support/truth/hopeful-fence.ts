import {
  type ChangedTables,
  type Dependency,
  Fence,
  type FenceMark,
  type FenceStats,
  type FenceToken,
  type Snapshot,
} from '../../../src/client/querycache/fence/index.ts';

/**
 * What one would do without snapshots: entries are deleted when a change arrives, and results refused when one has arrived since they
 * were asked for. So that the checker can show that it finds what that leaves.
 */
export class HopefulFence extends Fence {
  readonly #entries = new Map<string, readonly Dependency[]>();
  readonly #changedAt = new Map<number, number>();
  #place = 0;
  #isOpen = false;

  override token(): FenceToken | undefined {
    return this.#isOpen ? this.#place : undefined;
  }

  override mark(): FenceMark {
    return this.#place;
  }

  override open(_snapshot: Snapshot): string[] {
    const gone = this.close();
    this.#isOpen = true;
    return gone;
  }

  override close(): string[] {
    this.#isOpen = false;
    return this.evictAll();
  }

  override changed({ tables }: ChangedTables): string[] {
    this.#place += 1;
    for (const table of tables.keys()) this.#changedAt.set(table, this.#place);
    return this.#goneWhere(({ table, keys }) => {
      const changed = tables.get(table);
      return changed === 'all' || (changed !== undefined && (keys?.some((key) => changed.has(key)) ?? true));
    });
  }

  override mayKeep(dependencies: readonly Dependency[], _snapshot: Snapshot, token: FenceToken | undefined): boolean {
    return this.#isOpen && token !== undefined && !this.changedSince(dependencies, token);
  }

  override keep(
    id: string,
    dependencies: readonly Dependency[],
    snapshot: Snapshot,
    token: FenceToken | undefined,
  ): boolean {
    if (!this.mayKeep(dependencies, snapshot, token)) return false;
    this.#entries.set(id, dependencies);
    return true;
  }

  override keepCertified(
    id: string,
    dependencies: readonly Dependency[],
    snapshot: Snapshot,
    token: FenceToken | undefined,
  ): boolean {
    return this.keep(id, dependencies, snapshot, token);
  }

  override changedSince(dependencies: readonly Dependency[], mark: FenceMark): boolean {
    return dependencies.some(({ table }) => (this.#changedAt.get(table) ?? 0) > mark);
  }

  override evict(tables: Iterable<number>): string[] {
    const all = new Set(tables);
    return this.#goneWhere(({ table }) => all.has(table));
  }

  override evictAll(): string[] {
    return this.#goneWhere(() => true);
  }

  override forget(id: string): void {
    this.#entries.delete(id);
  }

  override stats(): FenceStats {
    return { ...super.stats(), entries: this.#entries.size };
  }

  #goneWhere(concerned: (dependency: Dependency) => boolean): string[] {
    const gone = [...this.#entries].filter(([, dependencies]) => dependencies.some(concerned)).map(([id]) => id);
    for (const id of gone) this.#entries.delete(id);
    return gone;
  }
}
