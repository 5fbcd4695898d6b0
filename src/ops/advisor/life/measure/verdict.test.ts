import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zeroStatement } from '../../../store/index.ts';
import { sampleOf } from './sample.ts';
import { judge, type MeasuredStatement } from './verdict.ts';

/** Stretches of 10 s, of single calls in ms each. */
function course(stretches: readonly (readonly number[])[]) {
  return stretches.map((times, index) => ({
    at: index * 10_000,
    coveredSeconds: 10,
    counters: {
      ...zeroStatement,
      calls: times.length,
      totalExecUs: Math.round(times.reduce((sum, ms) => sum + ms * 1000, 0)),
      sumSquaresMs2: times.reduce((sum, ms) => sum + ms ** 2, 0),
    },
  }));
}

test('a sample has the mean and the deviation of the calls', () => {
  expect(sampleOf(course([[1, 2], [3], [], [6]]))).toEqual({
    calls: 4,
    meanMs: 3,
    // Variance (4 + 1 + 0 + 9) / 3, by 4 calls.
    errorMs: Math.sqrt(14 / 3 / 4),
    hours: 40 / 3600,
  });
  expect(sampleOf(course([[], []]))).toBeNull();
  expect(sampleOf(course([[5]]))).toMatchObject({ errorMs: 0 });
});

test('calls that resemble those beside them count for less', () => {
  const wandering = course(Array.from({ length: 10 }, (_, index) => Array<number>(100).fill(index % 2 === 0 ? 1 : 3)));
  const steady = course(Array.from({ length: 10 }, () => Array.from({ length: 100 }, (_, call) => (call % 2 ? 1 : 3))));
  expect(sampleOf(wandering)?.meanMs).toBe(2);
  expect(sampleOf(steady)?.meanMs).toBe(2);
  expect(sampleOf(wandering)?.errorMs).toBeCloseTo(Math.sqrt(1 / 9), 5);
  expect(sampleOf(steady)?.errorMs).toBeCloseTo(Math.sqrt(1 / 999), 5);
});

const bounds = { minCalls: 50, worse: 0.1 };

function statement(before: number, after: number, change: { calls?: number; error?: number } = {}): MeasuredStatement {
  const { calls = 1000, error = 0.001 } = change;
  const sample = (meanMs: number) => ({ calls, meanMs, errorMs: meanMs * error, hours: 1 });
  return { queryId: '1', text: 'SELECT 1', role: 'planned', before: sample(before), after: sample(after) };
}

test.each([
  ['half the time', statement(10, 5), 'better'],
  ['a hair less', statement(10, 9.9), 'same'],
  ['much more', statement(10, 12), 'worse'],
  ['a little more, for certain', statement(10, 10.5), 'same'],
  ['much more, perhaps', statement(10, 12, { error: 0.1 }), 'unknown'],
  ['many times as much, whatever it was before', statement(10, 100, { error: 0.3 }), 'worse'],
  ['half the time, of few calls', statement(10, 5, { calls: 49 }), 'unknown'],
])('%s', (_, measured, verdict) => {
  expect(judge([measured], bounds).verdict).toBe(verdict);
});

test('what reads save is held against what writes pay, by how often they are called', () => {
  const read = statement(10, 1, { calls: 100 });
  const write = { ...statement(1, 3, { calls: 1000 }), role: 'write' as const };
  // 100 calls of each hour save 9 ms, 1000 pay 2 ms.
  expect(judge([read, write], bounds)).toMatchObject({ verdict: 'worse', effect: { msPerHour: 1100, ratio: 0.55 } });
  expect(judge([{ ...read, before: null }], bounds).verdict).toBe('unknown');
  // The write makes up half of the time and has not come often enough.
  expect(judge([read, { ...write, after: null }], bounds).verdict).toBe('unknown');
});

test('the truth lies within the bounds, and of what has not changed nothing is said to have', () => {
  const normal = (random: () => number): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let state = 42;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const wrong: unknown[] = [];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), (factor) => {
      const sample = (mean: number) =>
        sampleOf(
          course(
            Array.from({ length: 10 }, () =>
              Array.from({ length: 40 }, () => Math.max(0.1, mean + normal(random) * 2)),
            ),
          ),
        );
      const measured = { ...statement(1, 1), before: sample(10), after: sample(10 * factor) };
      const { effect, verdict } = judge([measured], bounds);
      if (!effect || effect.low > factor - 1 || effect.high < factor - 1) wrong.push({ factor, effect });
      if (factor === 1 && (verdict === 'better' || verdict === 'worse')) wrong.push({ factor, verdict });
      return true;
    }),
    { numRuns: 200, seed: 7 },
  );
  // 99 % of 200.
  expect(wrong.length).toBeLessThanOrEqual(6);
});
