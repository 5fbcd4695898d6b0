/** Gain of the smoothed averages. */
const gain = 1 / 8;

/** Why the pool is as large as it is. Times in ms. */
export interface SizeReport {
  /** Connections that the load needs, between `min` and `max`. */
  target: number;
  /** Connections busy at the same time on average: arrivals × time held (Little's law). */
  load: number;
  arrivalsPerSecond: number;
  meanHeldMs: number;
  meanConnectMs: number;
}

/**
 * Measures how many connections the load needs. By Little's law the mean number in use is arrivals per second × seconds
 * held; the square-root staffing rule of queueing theory (A. K. Erlang; S. Halfin and W. Whitt 1981) adds twice the root of it so that waiting
 * is rare. What is idle above that is closed early; what is missing is opened only when waiting for a connection in use
 * would take longer than opening one.
 */
export class Sizing {
  readonly #min: number;
  readonly #max: number;
  #heldMs: number | undefined;
  #connectMs: number | undefined;
  #arrivals = 0;
  #rate = 0;
  #measuredAt = performance.now();

  constructor(min: number, max: number) {
    this.#min = min;
    this.#max = max;
  }

  arrived(): void {
    this.#arrivals += 1;
  }

  held(ms: number): void {
    this.#heldMs = this.#heldMs === undefined ? ms : this.#heldMs + gain * (ms - this.#heldMs);
  }

  connected(ms: number): void {
    this.#connectMs = this.#connectMs === undefined ? ms : this.#connectMs + gain * (ms - this.#connectMs);
  }

  /** To be called about once a second. */
  measure(now: number): void {
    const seconds = (now - this.#measuredAt) / 1000;
    if (seconds <= 0) return;
    const rate = this.#arrivals / seconds;
    // More at once, less only slowly: a pause of a second is no reason to close what the next one needs.
    this.#rate = rate > this.#rate ? rate : this.#rate + gain * (rate - this.#rate);
    this.#arrivals = 0;
    this.#measuredAt = now;
  }

  /** Whether one more should be opened for those who wait. */
  shouldOpen(waiting: number, open: number, opening: number, longestWaitMs: number): boolean {
    if (waiting <= opening) return false;
    if (open + opening === 0) return true;
    const connectMs = this.#connectMs ?? 0;
    // Those in use may be held for much longer than is usual: whoever has waited twice as long as opening takes gets a new one.
    if (this.#heldMs === undefined || longestWaitMs >= 2 * connectMs + 5) return opening < burst(open);
    const expectedWaitMs = (waiting * this.#heldMs) / Math.max(1, open);
    return expectedWaitMs > connectMs && opening < burst(open);
  }

  report(): SizeReport {
    const heldMs = this.#heldMs ?? 0;
    const load = (this.#rate * heldMs) / 1000;
    const target = Math.ceil(load + 2 * Math.sqrt(load));
    return {
      target: Math.min(Math.max(target, this.#min), this.#max),
      load,
      arrivalsPerSecond: this.#rate,
      meanHeldMs: heldMs,
      meanConnectMs: this.#connectMs ?? 0,
    };
  }
}

/** How many may be opened at the same time: as many as there are, so that the pool doubles and never storms a cold server. */
function burst(open: number): number {
  return Math.max(2, open);
}
