import { Cron } from 'croner';

/** Times of cron in a time zone. Where a clock change skips a time, it is that of just after; a time that comes twice is done once. */
export interface Times {
  /** The latest that is not after `now`. */
  latest(now: Date): Date | null;
  /** The first after `now`. */
  next(now: Date): Date | null;
}

/** @param pattern minute, hour, day of the month, month, day of the week */
export function timesOf(pattern: string, timeZone: string): Times {
  const cron = new Cron(pattern, { timezone: timeZone, mode: '5-part', paused: true });
  return {
    // It works in whole seconds, and the one asked about is not among those before it.
    latest: (now) => cron.previousRuns(1, new Date(Math.floor(now.getTime() / 1000) * 1000 + 1000))[0] ?? null,
    next: (now) => cron.nextRun(now),
  };
}
