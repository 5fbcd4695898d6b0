/** Counts by name, of a bounded number of names: the first come are kept, the rest counted together. */
export class BoundedCounts {
  readonly #counts = new Map<string, number>();
  readonly #most: number;
  #others = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @param name `undefined` counts among the others */
  add(name: string | undefined, count = 1): void {
    const known = name === undefined ? undefined : this.#counts.get(name);
    if (name !== undefined && (known !== undefined || this.#counts.size < this.#most)) {
      this.#counts.set(name, (known ?? 0) + count);
    } else {
      this.#others += count;
    }
  }

  merge(other: BoundedCounts): void {
    for (const [name, count] of other.#counts) this.add(name, count);
    this.#others += other.#others;
  }

  /** What was counted since it was last taken. */
  since(taken: BoundedCounts): BoundedCounts {
    const increase = new BoundedCounts(this.#most);
    for (const [name, count] of this.#counts) {
      const more = count - (taken.#counts.get(name) ?? 0);
      if (more > 0) increase.add(name, more);
    }
    increase.#others = Math.max(0, this.#others - taken.#others);
    return increase;
  }

  copy(): BoundedCounts {
    const copy = new BoundedCounts(this.#most);
    copy.merge(this);
    return copy;
  }

  /** Most first. */
  entries(): [name: string, count: number][] {
    return [...this.#counts].toSorted(([, a], [, b]) => b - a);
  }

  /** The name counted most. */
  get top(): string | undefined {
    return this.entries()[0]?.[0];
  }

  /** The name, when all that was counted has one. */
  get only(): string | undefined {
    return this.#counts.size === 1 && this.#others === 0 ? this.top : undefined;
  }

  get others(): number {
    return this.#others;
  }
}
