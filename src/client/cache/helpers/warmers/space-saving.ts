/** How often something was counted: at most `count`, and at least `count - error`. */
export interface Counted {
  readonly item: string;
  readonly count: number;
  /** What may have been counted for others before it. */
  readonly error: number;
}

interface Slot {
  item: string;
  count: number;
  error: number;
}

/**
 * The items that come most often, in memory that does not grow: the Space-Saving algorithm of A. Metwally, D. Agrawal and
 * A. El Abbadi, Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005. Whatever makes up more than
 * 1/capacity of all that was counted is in it; a count is too high by no more than its `error`, and never too low. Summaries of
 * several streams merge (P. Agarwal et al., Mergeable Summaries, PODS 2012).
 */
export class SpaceSaving {
  readonly #capacity: number;
  /** A heap with the least count first. */
  readonly #heap: Slot[] = [];
  readonly #places = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(item: string, times = 1, error = 0): void {
    const place = this.#places.get(item);
    const least = this.#heap[0];
    if (place !== undefined) {
      const slot = this.#heap[place] as Slot;
      slot.count += times;
      slot.error += error;
      this.#sink(place);
    } else if (this.#heap.length < this.#capacity || least === undefined) {
      this.#heap.push({ item, count: times, error });
      this.#places.set(item, this.#heap.length - 1);
      this.#rise(this.#heap.length - 1);
    } else {
      // The rarest makes room, and what was counted for it counts as what may be too much.
      this.#places.delete(least.item);
      this.#places.set(item, 0);
      this.#heap[0] = { item, count: least.count + times, error: least.count + error };
      this.#sink(0);
    }
  }

  /** The most frequent, most frequent first. */
  top(count = this.#capacity): Counted[] {
    return this.#heap
      .toSorted((a, b) => b.count - a.count)
      .slice(0, count)
      .map((slot) => ({ ...slot }));
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#count(above) <= this.#count(place)) return;
      this.#swap(place, above);
      place = above;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const least = this.#count(left + 1) < this.#count(left) ? left + 1 : left;
      if (this.#count(least) >= this.#count(place)) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #count(place: number): number {
    return this.#heap[place]?.count ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a] as Slot, this.#heap[b] as Slot];
    this.#heap[a] = second;
    this.#heap[b] = first;
    this.#places.set(second.item, a);
    this.#places.set(first.item, b);
  }
}
