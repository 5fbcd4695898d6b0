import { currentScope } from '../scope.ts';
import { type DurationCounts, Durations, type DurationSummary } from './durations.ts';

/** Names kept apart; whatever comes later is counted together. */
const mostNames = 200;
/** Timers that nobody ends must not pile up: of one name so many can be ended by their name, the oldest are forgotten. */
const mostRunning = 1000;

/** Durations measured under one name, in ms. */
export interface TimerStats extends DurationSummary {
  name: string;
  count: number;
}

/** What was measured under one name since it was last taken. */
export interface TimerIncrease extends DurationCounts {
  name: string;
}

/** A measurement under way. */
export interface Timer extends Disposable {
  /** Ends it, once. @returns how long it took, in ms */
  end(): number;
}

/** Timers under way by name, those of one scope or those outside of all. */
type Running = Map<string, Set<Timer>>;

/** Timers of the application's own. */
export class Timers {
  readonly #byName = new Map<string, Durations>();
  readonly #outside: Running = new Map();

  /** Begins to measure. With `using` it ends by itself. */
  startTimer(name: string): Timer {
    const startedAt = performance.now();
    const running = this.#running();
    let tookMs: number | undefined;
    const timer: Timer = {
      end: () => {
        if (tookMs !== undefined) return tookMs;
        tookMs = performance.now() - startedAt;
        forget(running, name, timer);
        this.#record(name, tookMs);
        return tookMs;
      },
      [Symbol.dispose]: () => void timer.end(),
    };
    const sameName = running.get(name) ?? new Set();
    if (!running.has(name) && running.size < mostNames) running.set(name, sameName);
    const [oldest] = sameName;
    if (oldest && sameName.size >= mostRunning) sameName.delete(oldest);
    sameName.add(timer);
    return timer;
  }

  /**
   * Ends the timer of that name that was started last in the caller's scope, else outside of all, for code that cannot keep it.
   * @returns ms, `undefined` when none runs
   */
  endTimer(name: string): number | undefined {
    const last = [...(this.#running().get(name) ?? this.#outside.get(name) ?? [])].at(-1);
    return last?.end();
  }

  stats(): TimerStats[] {
    return [...this.#byName].map(([name, durations]) => ({ name, count: durations.count, ...durations.summary() }));
  }

  /** What was measured since it was last taken. */
  take(): TimerIncrease[] {
    return [...this.#byName].flatMap(([name, durations]) => {
      const increase = durations.take();
      return increase ? [{ name, ...increase }] : [];
    });
  }

  /** Requests that run at once must not end each other's timers. */
  #running(): Running {
    const scope = currentScope();
    if (!scope) return this.#outside;
    const known = scope.kept(this) as Running | undefined;
    if (known) return known;
    const running: Running = new Map();
    scope.keep(this, running);
    return running;
  }

  #record(name: string, ms: number): void {
    const kept = this.#byName.has(name) || this.#byName.size < mostNames ? name : 'other';
    let durations = this.#byName.get(kept);
    if (!durations) this.#byName.set(kept, (durations = new Durations()));
    durations.record(ms);
  }
}

function forget(running: Running, name: string, timer: Timer): void {
  const sameName = running.get(name);
  sameName?.delete(timer);
  if (sameName?.size === 0) running.delete(name);
}
