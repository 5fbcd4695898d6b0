import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zeroStatement } from '../../store/index.ts';
import { judge, type Measured, measureOf, settledAfterMs } from './judge.ts';

const measured = (calls: number, meanUs: number, deviationUs = meanUs / 10): Measured => ({
  calls,
  meanUs,
  variance: deviationUs ** 2,
});

test.each([
  ['slower', measured(100, 1000), measured(100, 1600)],
  ['faster', measured(100, 1600), measured(100, 1000)],
  ['similar', measured(100, 1000), measured(100, 1100)],
  // Too few calls, or too different from each other.
  ['pending', measured(19, 1000), measured(100, 9000)],
  ['pending', measured(100, 1000), measured(19, 9000)],
  ['pending', measured(30, 1000, 5000), measured(30, 1600, 5000)],
] as const)('%s', (verdict, before, after) => {
  expect(judge(before, after, 60_000)).toBe(verdict);
});

test('after a day it is settled', () => {
  expect(judge(measured(19, 1000), measured(100, 9000), settledAfterMs)).toBe('unknown');
  expect(judge(measured(30, 1000, 5000), measured(30, 1600, 5000), settledAfterMs)).toBe('similar');
  expect(judge(measured(100, 1000), measured(100, 1600), settledAfterMs)).toBe('slower');
});

test('two samples of the same times are seldom told apart', () => {
  const times = fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(times, (ms) => {
      const counters = {
        ...zeroStatement,
        calls: ms.length,
        totalExecUs: ms.reduce((sum, each) => sum + each * 1000, 0),
        sumSquaresMs2: ms.reduce((sum, each) => sum + each ** 2, 0),
      };
      const sample = measureOf([{ counters }]);
      const mean = counters.totalExecUs / ms.length;
      expect(sample.meanUs).toBeCloseTo(mean, 5);
      expect(Math.sqrt(sample.variance)).toBeLessThanOrEqual(100_000);
      expect(['similar', 'pending']).toContain(judge(sample, sample, 0));
    }),
  );
});
