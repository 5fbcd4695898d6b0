import { messageOf } from '../../../errors.ts';
import type { CollectorName, CollectorState } from '../types.ts';
import { backOff } from './back-off.ts';
import { type Budget, Pace } from './pace.ts';

/** Thrown by a collector's work when the server does not let us read it: no failure, and no reason to back off. */
export class NotReadable extends Error {
  override readonly name = 'NotReadable';
}

export interface LoopOptions {
  name: CollectorName;
  cadenceMs: number;
  work: () => Promise<void>;
  /** What the runs may cost the server; they become rarer while they cost more. Without it the cadence is kept. */
  budget?: Budget;
  /** Told after each run, with the error when it failed. */
  onRun?: (state: CollectorState, error: unknown) => void;
}

/** Longest wait between two tries of something that fails. */
const longestBackOffMs = 3 * 60_000;

/**
 * Runs one collector on a fixed grid of times: it does not drift, never overlaps itself, skips the times that it missed,
 * and waits longer each time it fails (twice as long, up to three minutes, with jitter so that many do not fall in step).
 */
export class CollectorLoop {
  readonly #options: LoopOptions;
  readonly #state: CollectorState;
  readonly #pace: Pace;
  /** Phase of the grid: many databases in one daemon must not be read in the same instant. */
  readonly #phase = Math.random();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #active = false;
  #failuresInRow = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#pace = new Pace(options.cadenceMs, options.budget);
    this.#state = {
      name: options.name,
      state: 'starting',
      cadenceMs: options.cadenceMs,
      lastRun: null,
      lastSuccess: null,
      lastDurationMs: null,
      runs: 0,
      failures: 0,
      message: null,
      nextRun: null,
    };
  }

  get state(): CollectorState {
    return { ...this.#state };
  }

  /** Begins with a run at once. */
  resume(): void {
    if (this.#active) return;
    this.#active = true;
    this.#failuresInRow = 0;
    if (this.#state.state === 'paused') this.#set('starting', null);
    this.#schedule(0);
  }

  /** Stops running until `resume`, for the reason given. A run under way is left to end by itself. */
  pause(message: string): void {
    this.#active = false;
    clearTimeout(this.#timer);
    this.#state.nextRun = null;
    this.#set('paused', message);
  }

  /** Runs now, or waits for the run under way and then runs again; rejects when that run fails. */
  async runNow(): Promise<void> {
    while (this.#running) await this.#running.catch(() => undefined);
    await this.#run();
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#active) return;
    this.#state.nextRun = new Date(Date.now() + delayMs);
    this.#timer = setTimeout(() => {
      this.#tick();
    }, delayMs);
    this.#timer.unref();
  }

  #tick(): void {
    // A run asked for by hand may be under way: it schedules the next one when it ends.
    if (!this.#running) void this.#run().catch(() => undefined);
  }

  async #run(): Promise<void> {
    this.#running = this.#once();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
      if (this.#active) this.#schedule(this.#delay());
    }
  }

  async #once(): Promise<void> {
    const started = performance.now();
    this.#state.lastRun = new Date();
    this.#state.runs += 1;
    let failure: unknown;
    this.#pace.begin();
    try {
      await this.#options.work();
      this.#pace.end();
      this.#state.cadenceMs = this.#pace.cadenceMs;
      this.#failuresInRow = 0;
      this.#state.lastSuccess = new Date();
      this.#settle('ok', null);
    } catch (error) {
      failure = error;
      if (error instanceof NotReadable) {
        this.#failuresInRow = 0;
        this.#settle('skipped', error.message);
      } else {
        this.#failuresInRow += 1;
        this.#state.failures += 1;
        this.#settle(this.#failuresInRow === 1 ? 'failing' : 'backing-off', messageOf(error));
        throw error;
      }
    } finally {
      this.#state.lastDurationMs = Math.round((performance.now() - started) * 10) / 10;
      this.#options.onRun?.(this.state, failure);
    }
  }

  /** The outcome of a run, unless it was paused meanwhile: then the reason for that says more. */
  #settle(state: CollectorState['state'], message: string | null): void {
    if (this.#state.state !== 'paused' || state === 'ok') this.#set(state, message);
  }

  #set(state: CollectorState['state'], message: string | null): void {
    this.#state.state = state;
    this.#state.message = message;
  }

  #delay(): number {
    const { cadenceMs } = this.#state;
    if (this.#failuresInRow > 1) return backOff(cadenceMs, this.#failuresInRow - 1, longestBackOffMs);
    const sinceGrid = (performance.now() + this.#phase * cadenceMs) % cadenceMs;
    const untilGrid = cadenceMs - sinceGrid;
    // A timer that fired a moment early must not make the same run twice, nor what is read seldom be read twice at the start.
    return untilGrid < cadenceMs / 2 ? untilGrid + cadenceMs : untilGrid;
  }
}
