import { bucketCount, bucketOf, quantileMs } from './histogram.ts';

/** Names kept apart; whatever comes later is counted together. */
const mostNames = 200;

/** Durations measured under one name, in ms. */
export interface TimerStats {
  name: string;
  count: number;
  totalMs: number;
  maxMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** A measurement under way. */
export interface Timer extends Disposable {
  /** Ends it, once. @returns how long it took, in ms */
  end(): number;
}

interface Durations {
  count: number;
  totalMs: number;
  maxMs: number;
  buckets: Uint32Array;
}

/** Timers of the application's own. */
export class Timers {
  readonly #byName = new Map<string, Durations>();
  readonly #running = new Map<string, Timer[]>();

  /** Begins to measure. With `using` it ends by itself. */
  startTimer(name: string): Timer {
    const startedAt = performance.now();
    let tookMs: number | undefined;
    const timer: Timer = {
      end: () => {
        if (tookMs !== undefined) return tookMs;
        tookMs = performance.now() - startedAt;
        this.#forget(name, timer);
        this.#record(name, tookMs);
        return tookMs;
      },
      [Symbol.dispose]: () => void timer.end(),
    };
    const running = this.#running.get(name) ?? [];
    // Timers that nobody ends must not pile up.
    if (running.length < mostNames && this.#running.size < mostNames) this.#running.set(name, [...running, timer]);
    return timer;
  }

  /** Ends the timer of that name that was started last, for code that cannot keep it. @returns ms, `undefined` when none runs */
  endTimer(name: string): number | undefined {
    return this.#running.get(name)?.at(-1)?.end();
  }

  stats(): TimerStats[] {
    return [...this.#byName].map(([name, { count, totalMs, maxMs, buckets }]) => ({
      name,
      count,
      totalMs,
      maxMs,
      p50Ms: quantileMs(buckets, 0.5) ?? 0,
      p95Ms: quantileMs(buckets, 0.95) ?? 0,
      p99Ms: quantileMs(buckets, 0.99) ?? 0,
    }));
  }

  #forget(name: string, timer: Timer): void {
    const left = (this.#running.get(name) ?? []).filter((other) => other !== timer);
    if (left.length > 0) this.#running.set(name, left);
    else this.#running.delete(name);
  }

  #record(name: string, ms: number): void {
    const kept = this.#byName.has(name) || this.#byName.size < mostNames ? name : 'other';
    let durations = this.#byName.get(kept);
    if (!durations) {
      durations = { count: 0, totalMs: 0, maxMs: 0, buckets: new Uint32Array(bucketCount) };
      this.#byName.set(kept, durations);
    }
    durations.count += 1;
    durations.totalMs += ms;
    durations.maxMs = Math.max(durations.maxMs, ms);
    const bucket = bucketOf(ms);
    durations.buckets[bucket] = (durations.buckets[bucket] ?? 0) + 1;
  }
}
