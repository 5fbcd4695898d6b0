import { expect, test } from 'vitest';
import { timesOf } from './schedule.ts';

const at = (text: string): Date => new Date(text);

test('times are those of the zone, summer and winter', () => {
  const nightly = timesOf('30 2 * * *', 'Europe/Berlin');
  expect(nightly.latest(at('2026-01-15T12:00:00Z'))).toEqual(at('2026-01-15T01:30:00Z'));
  expect(nightly.next(at('2026-07-15T12:00:00Z'))).toEqual(at('2026-07-16T00:30:00Z'));
  // There is no 02:30 on the night on which clocks go forward, and two of them when they go back.
  expect(nightly.latest(at('2026-03-29T02:00:00Z'))).toEqual(at('2026-03-29T01:00:00Z'));
  expect(nightly.latest(at('2026-10-25T01:45:00Z'))).toEqual(at('2026-10-25T00:30:00Z'));
  expect(nightly.next(at('2026-10-25T00:45:00Z'))).toEqual(at('2026-10-26T01:30:00Z'));
});

test('a time has come when it is there, and not a moment before', () => {
  const hourly = timesOf('0 * * * *', 'UTC');
  expect(hourly.latest(at('2026-01-15T11:59:59.999Z'))).toEqual(at('2026-01-15T11:00:00Z'));
  expect(hourly.latest(at('2026-01-15T12:00:00Z'))).toEqual(at('2026-01-15T12:00:00Z'));
  expect(hourly.next(at('2026-01-15T12:00:00Z'))).toEqual(at('2026-01-15T13:00:00Z'));
});

test('a day that never comes is never due', () => {
  const never = timesOf('0 2 30 2 *', 'UTC');
  expect([never.latest(at('2026-01-15T12:00:00Z')), never.next(at('2026-01-15T12:00:00Z'))]).toEqual([null, null]);
});
