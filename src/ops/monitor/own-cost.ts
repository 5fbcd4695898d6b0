import type { MetricSample } from '../store/index.ts';
import type { MonitorStatus } from './types.ts';

/** Over how long the cost is averaged. */
const spanMs = 5 * 60_000;

interface Interval {
  at: number;
  seconds: number;
  backendSeconds: number;
  calls: number;
  tempBytes: number;
}

/** What Pitcrew's own statements cost the database, over the last minutes. */
export class OwnCost {
  #intervals: Interval[] = [];

  /** Takes the samples of one interval; those that are not of our own cost are passed over. */
  add(at: number, seconds: number, samples: readonly MetricSample[]): void {
    if (seconds <= 0) return;
    const of = (name: string): number => samples.find((sample) => sample.name === name)?.value ?? 0;
    this.#intervals.push({
      at,
      seconds,
      backendSeconds: of('pitcrew.own_backend_seconds'),
      calls: of('pitcrew.own_calls'),
      tempBytes: of('pitcrew.own_temp_bytes'),
    });
    this.#intervals = this.#intervals.filter((interval) => interval.at > at - spanMs);
  }

  /** `null` until an interval was measured. */
  view(connections: number): MonitorStatus['ownCost'] {
    const sum = (of: (interval: Interval) => number): number =>
      this.#intervals.reduce((total, interval) => total + of(interval), 0);
    const seconds = sum((interval) => interval.seconds);
    if (seconds <= 0) return null;
    return {
      backendMsPerSecond: (sum(({ backendSeconds }) => backendSeconds) * 1000) / seconds,
      calls: sum(({ calls }) => calls),
      tempBytes: sum(({ tempBytes }) => tempBytes),
      connections,
    };
  }
}
