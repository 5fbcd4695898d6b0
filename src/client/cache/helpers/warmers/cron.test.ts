import { expect, test } from 'vitest';
import { cronTimes } from './cron.ts';
import { nextTimes } from './schedule.ts';

/** In this process's time zone, as schedules are. */
const at = (text: string): Date => new Date(text);

test.each([
  // 2026-11-21 is a Saturday.
  ['* * * * *', '2026-11-21T10:00:30', '2026-11-21T10:01:00'],
  ['*/15 * * * *', '2026-11-21T10:45:00', '2026-11-21T11:00:00'],
  ['30 4 * * *', '2026-11-21T04:30:00', '2026-11-22T04:30:00'],
  ['30 4 * * 1-5', '2026-11-21T00:00:00', '2026-11-23T04:30:00'],
  ['0 8-18/5 * * *', '2026-11-21T08:00:00', '2026-11-21T13:00:00'],
  ['0 5/10 * * *', '2026-11-21T05:00:00', '2026-11-21T15:00:00'],
  ['0 0 1 1 *', '2026-11-21T00:00:00', '2027-01-01T00:00:00'],
  ['0 0 31 * *', '2026-11-01T00:00:00', '2026-12-31T00:00:00'],
  ['0 0 29 2 *', '2026-11-21T00:00:00', '2028-02-29T00:00:00'],
  ['0 12 * * 7', '2026-11-21T00:00:00', '2026-11-22T12:00:00'],
  ['0 12 * * 0', '2026-11-21T00:00:00', '2026-11-22T12:00:00'],
  // Day or weekday, where both are restricted.
  ['0 12 25 * 1', '2026-11-21T00:00:00', '2026-11-23T12:00:00'],
  ['0 12 25 * 1', '2026-11-23T12:00:00', '2026-11-25T12:00:00'],
  ['5,10 1,2 * 3,4 *', '2026-11-21T00:00:00', '2027-03-01T01:05:00'],
])('%s after %s is %s', (text, from, expected) => {
  expect(cronTimes(text).after(at(from))).toEqual(at(expected));
});

test.each([
  '',
  '* * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'a * * * *',
  '0 0 30 2 *',
])('"%s" is refused', (text) => {
  expect(() => cronTimes(text)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
});

test('schedules are put off at random, by no more than is said', () => {
  const from = at('2026-11-21T10:00:00').getTime();
  const after = (schedule: Parameters<typeof nextTimes>[0]): number[] =>
    Array.from({ length: 100 }, () => nextTimes(schedule)(from) - from);
  expect(new Set(after({ every: '10s', jitter: 0 }))).toEqual(new Set([10_000]));
  const spread = after({ every: '10s' });
  expect(Math.min(...spread)).toBeGreaterThanOrEqual(10_000);
  expect(Math.max(...spread)).toBeLessThan(11_000);
  expect(new Set(spread).size).toBeGreaterThan(50);
  expect(Math.max(...after({ cron: '0 11 * * *', jitter: '1s' }))).toBeLessThan(3_601_000);
  for (const wrong of [{}, { every: '1s', cron: '* * * * *' }, { every: 0 }, { every: 'soon' }]) {
    expect(() => nextTimes(wrong)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  }
});
