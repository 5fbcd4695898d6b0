import { expect, test } from 'vitest';
import { BeatClock } from './beat-clock.ts';

test('a beat that was held up is as old as it is, whatever the clocks of the two say', () => {
  const clock = new BeatClock();
  expect(clock.sent(1_000_000, 100)).toBe(100);
  // One of them was quicker than that one.
  expect(clock.sent(1_000_500, 590)).toBe(590);
  expect(clock.sent(1_001_000, 1095)).toBe(1090);
  // Three seconds on the way, and those behind it.
  expect(clock.sent(1_001_500, 4590)).toBe(1590);
  expect(clock.sent(1_002_000, 4590)).toBe(2090);
  expect(clock.sent(1_004_500, 4590)).toBe(4590);
});

test('when clocks part for good the later offset counts after a while', () => {
  const clock = new BeatClock();
  clock.sent(0, 0);
  // The sender was held with its clock.
  let at = 5000;
  while (clock.sent(at - 5000, at) < at && at < 200_000) at += 500;
  expect(at).toBeGreaterThan(10_000);
  expect(at).toBeLessThan(70_000);
});

test('clocks that drift apart do not make beats old', () => {
  const clock = new BeatClock();
  for (let at = 0; at < 3_600_000; at += 500) expect(at - clock.sent(at * 0.9999, at)).toBeLessThan(10);
});
