/** Counts by name, of a bounded number of names: the first come are kept, the rest counted together. */
export class BoundedCounts {
  readonly #counts = new Map<string, number>();
  readonly #most: number;
  #others = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(name: string, count = 1): void {
    const known = this.#counts.get(name);
    if (known !== undefined) this.#counts.set(name, known + count);
    else if (this.#counts.size < this.#most) this.#counts.set(name, count);
    else this.#others += count;
  }

  merge(other: BoundedCounts): void {
    for (const [name, count] of other.#counts) this.add(name, count);
    this.#others += other.#others;
  }

  /** Most first. */
  entries(): [name: string, count: number][] {
    return [...this.#counts].toSorted(([, a], [, b]) => b - a);
  }

  /** The name counted most. */
  get top(): string | undefined {
    return this.entries()[0]?.[0];
  }

  get others(): number {
    return this.#others;
  }
}
