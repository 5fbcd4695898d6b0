/**
 * Whether a host is trusted. It leaves after some failures in a row, and returns after some good answers in a row
 * ("half-open" meanwhile: probed more often, not used).
 */
export class Breaker {
  readonly #failuresToLeave: number;
  readonly #goodToReturn: number;
  #open = false;
  #failures = 0;
  #good = 0;

  constructor(failuresToLeave: number, goodToReturn: number) {
    this.#failuresToLeave = failuresToLeave;
    this.#goodToReturn = goodToReturn;
  }

  /** `decisive`: enough by itself. */
  failed(decisive = false): void {
    this.#failures += 1;
    this.#good = 0;
    if (decisive || this.#failures >= this.#failuresToLeave) this.#open = true;
  }

  succeeded(): void {
    this.#failures = 0;
    if (!this.#open) return;
    this.#good += 1;
    if (this.#good >= this.#goodToReturn) this.reset();
  }

  reset(): void {
    this.#open = false;
    this.#failures = 0;
    this.#good = 0;
  }

  get open(): boolean {
    return this.#open;
  }

  get halfOpen(): boolean {
    return this.#open && this.#good > 0;
  }

  /** Good answers that are still missing. */
  get missing(): number {
    return this.#open ? this.#goodToReturn - this.#good : 0;
  }
}
