/** Someone who waits for a connection. */
export interface Waiter<Granted> {
  /** When it began to wait, on the clock of `performance.now()`. */
  since: number;
  granted(connection: Granted): void;
  refused(error: Error): void;
  /** The server is not the right one any more: to be taken elsewhere. Without it the waiter is served all the same. */
  moved?: (() => void) | undefined;
}

/** What happens to a waiter whose time is over. */
type Refuse<Granted> = (waiter: Waiter<Granted>) => void;

/**
 * Those who wait, first come first served. All wait equally long, so the first one's deadline is the next: one timer for
 * all of them.
 */
export class Waiters<Granted> {
  readonly #timeoutMs: number;
  readonly #refuse: Refuse<Granted>;
  readonly #queue = new Set<Waiter<Granted>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs 0 waits for ever. */
  constructor(timeoutMs: number, refuse: Refuse<Granted>) {
    this.#timeoutMs = timeoutMs;
    this.#refuse = refuse;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** The one that has waited longest. */
  get first(): Waiter<Granted> | undefined {
    for (const waiter of this.#queue) return waiter;
    return undefined;
  }

  add(waiter: Waiter<Granted>): void {
    this.#queue.add(waiter);
    if (this.#queue.size === 1) this.#arm();
  }

  remove(waiter: Waiter<Granted>): boolean {
    const removed = this.#queue.delete(waiter);
    if (this.#queue.size === 0) clearTimeout(this.#timer);
    return removed;
  }

  shift(): Waiter<Granted> | undefined {
    const first = this.first;
    if (first) this.remove(first);
    return first;
  }

  [Symbol.iterator](): IterableIterator<Waiter<Granted>> {
    return this.#queue.values();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const { first } = this;
    if (this.#timeoutMs === 0 || !first) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, first.since + this.#timeoutMs - performance.now()));
  }

  #expire(): void {
    const now = performance.now();
    for (const waiter of this.#queue) {
      if (waiter.since + this.#timeoutMs > now) break;
      this.#queue.delete(waiter);
      this.#refuse(waiter);
    }
    this.#arm();
  }
}
