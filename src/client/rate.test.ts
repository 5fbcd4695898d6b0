import { expect, test } from 'vitest';
import { Rate } from './rate.ts';

test('so many pass in a burst, then so many per second; what was taken for nothing can be given back', () => {
  const rate = new Rate(10, 20);
  const passing = (now: number): number => {
    let passed = 0;
    while (rate.take(now)) passed += 1;
    return passed;
  };
  expect(passing(1000)).toBe(20);
  expect(rate.held).toBe(1);
  expect(passing(1500)).toBe(5);
  expect(passing(60_000)).toBe(20);
  rate.giveBack(6);
  expect(rate.take(60_000, 7)).toBe(false);
  expect(rate.take(60_000, 6)).toBe(true);
  rate.giveBack(100);
  expect(passing(60_000)).toBe(20);
});
