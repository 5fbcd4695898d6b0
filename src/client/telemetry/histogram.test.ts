import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketCount, bucketMiddleMs, bucketOf, quantileMs, sparse } from './histogram.ts';

/** From 1 µs to an hour, all magnitudes alike. */
const duration = fc.double({ min: Math.log(0.001), max: Math.log(3_600_000), noNaN: true }).map((log) => Math.exp(log));

test('no duration is further than 5 % from what its bucket stands for', () => {
  fc.assert(
    fc.property(duration, (ms) => {
      expect(Math.abs(bucketMiddleMs(bucketOf(ms)) - ms) / ms).toBeLessThan(0.05);
    }),
    { numRuns: 2000 },
  );
});

test('longer durations never fall into lower buckets, and anything falls into one', () => {
  fc.assert(
    fc.property(duration, duration, (one, other) => {
      expect(bucketOf(Math.min(one, other))).toBeLessThanOrEqual(bucketOf(Math.max(one, other)));
    }),
  );
  for (const odd of [0, -1, Number.NaN, Infinity, 1e12]) expect(bucketOf(odd)).toBeGreaterThanOrEqual(0);
  for (const odd of [Infinity, 1e12]) expect(bucketOf(odd)).toBe(bucketCount - 1);
});

test('a quantile is as exact as its bucket', () => {
  fc.assert(
    fc.property(
      fc.array(duration, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (all, share) => {
        const counts = new Uint32Array(bucketCount);
        for (const ms of all) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
        const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1] ?? Number.NaN;
        expect(Math.abs((quantileMs(counts, share) ?? 0) - exact) / exact).toBeLessThan(0.05);
        expect(sparse(counts).reduce((sum, [, count]) => sum + count, 0)).toBe(all.length);
      },
    ),
  );
  expect(quantileMs(new Uint32Array(bucketCount), 0.5)).toBeUndefined();
});
