import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

/** Runs that cost so many ms each, of 1 ms per second; the cadence after each. */
function cadences(costs: number[]): number[] {
  let spent = 0;
  const pace = new Pace(10_000, { share: 0.001, spentMs: () => spent });
  return costs.map((cost) => {
    pace.begin();
    spent += cost;
    pace.end();
    return pace.cadenceMs / 1000;
  });
}

test('keeps its cadence while within the budget', () => {
  expect(cadences([10, 10, 10, 10])).toEqual([10, 10, 10, 10]);
});

test('becomes as rare as the cost asks for, step by step, up to six times', () => {
  expect(cadences([25, 25, 25, 25, 25])).toEqual([10, 10, 20, 30, 30]);
  expect(cadences([1000, 1000, 1000, 1000, 1000, 1000])).toEqual([10, 10, 20, 40, 60, 60]);
});

test('is not slowed down by one costly run', () => {
  expect(cadences([5, 5, 500, 5, 5])).toEqual([10, 10, 10, 10, 10]);
});

test('becomes as often as before when it is clearly cheaper again, and does not change to and fro', () => {
  expect(cadences([15, 15, 15, 9, 9, 9])).toEqual([10, 10, 20, 20, 20, 20]);
  expect(cadences([15, 15, 15, 7, 7, 7])).toEqual([10, 10, 20, 10, 10, 10]);
});

test('without a budget it stays as it is', () => {
  const pace = new Pace(1000, undefined);
  pace.begin();
  pace.end();
  expect(pace.cadenceMs).toBe(1000);
});
