export interface GroupStats {
  group: string;
  hits: number;
  misses: number;
}

const most = 100;

/** Counts by groups, whose names come from what is asked for: those that come when there are a hundred are counted together. */
export class Groups {
  readonly #groups = new Map<string, GroupStats>();

  of(name: string): GroupStats {
    const known = this.#groups.get(name);
    if (known) return known;
    if (this.#groups.size >= most && name !== 'other') return this.of('other');
    const group = { group: name, hits: 0, misses: 0 };
    this.#groups.set(name, group);
    return group;
  }

  /** As they are now, those most asked for first. */
  report(): GroupStats[] {
    return [...this.#groups.values()]
      .map((group) => ({ ...group }))
      .toSorted((a, b) => b.hits + b.misses - a.hits - a.misses);
  }
}
