import { expect, test } from 'vitest';
import { niceStep, rangeBefore, rangeOf } from './range.ts';

const now = new Date('2026-03-01T12:00:00Z');
const ago = (ms: number) => new Date(now.getTime() - ms);
const hour = 3_600_000;

test('the last hour in about 200 points is the default', () => {
  expect(rangeOf({}, 200, now)).toEqual({ from: ago(hour), to: now, step: 30 });
});

test.each([
  [600, 10],
  [3600, 30],
  [6 * 3600, 300],
  [86_400, 900],
  [7 * 86_400, 3600],
  [30 * 86_400, 21_600],
  [90 * 86_400, 43_200],
  [730 * 86_400, 345_600],
])('%d s are drawn in steps of %d s', (seconds, step) => {
  expect(niceStep({ from: ago(seconds * 1000), to: now }, 200)).toBe(step);
});

test('an end in the future is now', () => {
  expect(rangeOf({ to: new Date('2030-01-01') }, 200, now).to).toEqual(now);
});

test('a given step is kept, as long as it gives no more than 2000 points', () => {
  expect(rangeOf({ step: 2 }, 200, now).step).toBe(2);
  expect(() => rangeOf({ step: 1 }, 200, now)).toThrow('too many points');
  expect(() => rangeOf({ from: new Date(0), step: 60 }, 200, now)).toThrow('too many points');
});

test('an empty range is refused', () => {
  expect(() => rangeOf({ from: now, to: ago(1) }, 200, now)).toThrow('empty time range');
  expect(() => rangeOf({ from: new Date('2030-01-01') }, 200, now)).toThrow('empty time range');
});

test('the range before has the same length', () => {
  expect(rangeBefore({ from: ago(hour), to: now })).toEqual({ from: ago(2 * hour), to: ago(hour) });
});
