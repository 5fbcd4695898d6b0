import { PitcrewError } from '../../../../errors.ts';
import { type Duration, durationMs } from '../../options.ts';
import { cronTimes } from './cron.ts';

/** At these times again and again. */
export interface Schedule {
  /** After so long; the first time after that, too. */
  every?: Duration | undefined;
  /** Or at the times that five fields of `crontab(5)` say, in this process's time zone: `"30 4 * * *"`. */
  cron?: string | undefined;
  /** Up to so much later, at random, lest all processes do it at the same moment: a tenth of `every`, a minute for `cron`. */
  jitter?: Duration | undefined;
}

/** What setTimeout can wait for; a little less than 25 days. */
const longestWaitMs = 2 ** 31 - 1;

/**
 * When it is next, as ms since the epoch.
 * @throws `E_CONFIG` for what is no schedule
 */
export function nextTimes({ every, cron, jitter }: Schedule): (from: number) => number {
  if ((every === undefined) === (cron === undefined)) {
    throw new PitcrewError('E_CONFIG', 'a schedule has either `every` or `cron`');
  }
  const everyMs = every === undefined ? undefined : durationMs('every', every);
  if (everyMs === 0) throw new PitcrewError('E_CONFIG', 'every must be longer than 0');
  const jitterMs =
    jitter === undefined ? (everyMs === undefined ? 60_000 : everyMs / 10) : durationMs('jitter', jitter);
  const times = cron === undefined ? undefined : cronTimes(cron);
  return (from) => (times ? times.after(new Date(from)).getTime() : from + (everyMs ?? 0)) + Math.random() * jitterMs;
}

/** Calls back at a time however far off. Keeps no process alive. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;

  set(at: number, ring: () => void): void {
    this.clear();
    const wait = Math.max(0, at - Date.now());
    this.#timer = setTimeout(
      () => (wait > longestWaitMs ? this.set(at, ring) : ring()),
      Math.min(wait, longestWaitMs),
    ).unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
