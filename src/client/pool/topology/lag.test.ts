import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PrimaryPositions } from './lag.ts';

test('lag is the time since the primary was first beyond what the replica has replayed', () => {
  const positions = new PrimaryPositions();
  expect(positions.behind(5n, 0)).toBeUndefined();
  positions.add(1000, 10n);
  positions.add(2000, 20n);
  positions.add(9000, 20n);
  expect(positions.behind(20n, 9000)).toEqual({ bytes: 0n, ms: 0, beyondMemory: false });
  expect(positions.behind(15n, 9000)).toEqual({ bytes: 5n, ms: 7000, beyondMemory: false });
  expect(positions.behind(9n, 9000)).toEqual({ bytes: 11n, ms: 8000, beyondMemory: true });
});

test('however often and long the primary is asked, a replica that lacks something is late, and less so the more it has', () => {
  const step = fc.record({ ms: fc.integer({ min: 0, max: 500 }), bytes: fc.integer({ min: 0, max: 9 }) });
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
    const positions = new PrimaryPositions();
    let at = 0;
    let lsn = 1n;
    for (const { ms, bytes } of steps) {
      at += ms;
      lsn += BigInt(bytes);
      positions.add(at, lsn);
    }
    const now = at + 1000;
    const lags = Array.from({ length: Number(lsn) + 1 }, (_, replayed) => positions.behind(BigInt(replayed), now));
    for (const [replayed, lag] of lags.entries()) {
      expect(lag?.bytes).toBe(lsn - BigInt(replayed));
      // All that was written was there a second ago.
      expect(lag?.ms).toBeGreaterThanOrEqual(BigInt(replayed) < lsn ? 1000 : 0);
      expect(lag?.ms).toBeLessThanOrEqual(now);
      expect(lag?.ms).toBeLessThanOrEqual(lags[replayed - 1]?.ms ?? Infinity);
    }
  });
  fc.assert(property, { numRuns: 50 });
});
