import { span } from './quantity.ts';

/** Times in the browser's zone, on a 24 hour clock; `utc` is for titles, so that two people can compare notes. */

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockMinutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

const sameDay = (left: Date, right: Date) => left.toDateString() === right.toDateString();

/** 14:03:22 today, 3 Mar 14:03 on another day, 3 Mar 2025 in another year. */
export function moment(ms: number, now: number = Date.now()): string {
  const at = new Date(ms);
  const today = new Date(now);
  if (sameDay(at, today)) return clock.format(at);
  if (at.getFullYear() === today.getFullYear()) return `${day.format(at)} ${clockMinutes.format(at)}`;
  return dayOfYear.format(at);
}

/** 14:03 today, 3 Mar 14:03 on another day. */
export function clockTime(ms: number, now: number = Date.now()): string {
  const at = new Date(ms);
  const time = clockMinutes.format(at);
  return sameDay(at, new Date(now)) ? time : `${day.format(at)} ${time}`;
}

/** 2026-03-01 12:00:00 UTC */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "just now", "12 s ago", "5 min ago", "3 h 4 min ago". */
export function ago(ms: number, now: number = Date.now()): string {
  const past = now - ms;
  if (past < 1500) return 'just now';
  // Seconds matter while they are all there is.
  return `${span(past < 60_000 ? past : Math.floor(past / 60_000) * 60_000)} ago`;
}

/** A range in words: "12:00–13:00", "1 Mar 12:00 – 2 Mar 13:00". */
export function rangeText(from: number, to: number, now: number = Date.now()): string {
  const [start, end] = [new Date(from), new Date(to)];
  const first = clockTime(from, now);
  if (sameDay(start, end)) return `${first}–${clockMinutes.format(end)}`;
  return `${first} – ${clockTime(to, now)}`;
}

/** Labels of a time axis: as fine as the distance between ticks asks for, with the date where a day begins. */
export function axisTimes(ticks: readonly number[]): string[] {
  const distance = (ticks[1] ?? Infinity) - (ticks[0] ?? 0);
  return ticks.map((tick, index) => {
    const at = new Date(tick);
    const before = index === 0 ? undefined : new Date(ticks[index - 1] ?? tick);
    if (distance >= 86_400_000) return day.format(at);
    if (before && !sameDay(before, at)) return day.format(at);
    return distance < 60_000 ? clock.format(at) : clockMinutes.format(at);
  });
}

/** For `<input type="datetime-local">`: the browser's zone, to the minute. */
export function inputMoment(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
