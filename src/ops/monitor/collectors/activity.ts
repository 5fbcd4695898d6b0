import { readActivity, type Skipped } from '../../../engine/postgres/index.ts';
import type { MetricSample } from '../../store/index.ts';
import { ActivityWindow, summarize } from '../activity/summary.ts';
import type { ActivitySnapshot, Session } from '../types.ts';
import type { Scrape } from './collector.ts';

export interface ActivityFound {
  /** Figures of this one sample. */
  now: MetricSample[];
  skipped: Skipped[];
}

/** Samples sessions, and sums the samples up in windows. */
export class ActivityCollector {
  readonly #window = new ActivityWindow();
  /** A window of the latest sample alone. */
  readonly #sample = new ActivityWindow();
  #windowBegan: number | undefined;
  #snapshot: ActivitySnapshot | undefined;

  get snapshot(): ActivitySnapshot | undefined {
    return this.#snapshot;
  }

  async collect({ connection, profile, at }: Scrape): Promise<ActivityFound> {
    const { rows, skipped } = await readActivity(connection, profile);
    const sessions = rows.map((row): Session => ({ ...row, own: ownApplication.test(row.application) }));
    const snapshot = summarize(serverTime(sessions) ?? new Date(at), sessions);
    this.#snapshot = snapshot;
    this.#windowBegan ??= at;
    this.#window.add(snapshot);
    this.#sample.add(snapshot);
    return { now: this.#sample.take(), skipped };
  }

  /** The means of the window, when it is at least `ms` long; a new one begins then. */
  takeWindow(at: number, ms: number): { metrics: MetricSample[]; seconds: number } | undefined {
    if (this.#windowBegan === undefined || this.#window.samples === 0) return undefined;
    const length = at - this.#windowBegan;
    if (length < ms && length >= 0) return undefined;
    this.#windowBegan = at;
    return { metrics: this.#window.take(), seconds: Math.max(0, length / 1000) };
  }

  /** Forgets what was seen: the server is away. What is in the window is given up. */
  clear(): void {
    this.#snapshot = undefined;
    this.#window.take();
    this.#windowBegan = undefined;
  }
}

/** Sessions of any Pitcrew daemon, and of its store. */
const ownApplication = /^pitcrew( store)?$/;

/**
 * The server's clock: the latest of our own statements began when the server was asked. Ages of transactions are then
 * right also where our clock is not.
 */
function serverTime(sessions: readonly Session[]): Date | undefined {
  return sessions
    .filter(({ own, queryStart }) => own && queryStart !== null)
    .map(({ queryStart }) => queryStart)
    .reduce<Date | undefined>((latest, start) => (start && (!latest || start > latest) ? start : latest), undefined);
}
