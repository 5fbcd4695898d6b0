import { describe, expect, test } from 'vitest';
import type { StatementCounters, StatementTotals } from '../../ops/store/index.ts';
import { statementPattern } from '../../sql/index.ts';
import { groupByPattern, sumSparks, trendOf } from './patterns.ts';
import { deviationMsOf, sumCounters } from './statements.ts';

function statement(id: number, text: string | null, change: Partial<StatementCounters> = {}): StatementTotals {
  const seen = new Date(0);
  const key = { database: 'shop', user: 'app', queryId: String(id), toplevel: true };
  return {
    id,
    key,
    text,
    fingerprint: null,
    own: false,
    firstSeen: seen,
    lastSeen: seen,
    counters: { ...sumCounters([]), ...change },
  };
}

const counters = (calls: number, meanMs: number) => ({ ...sumCounters([]), calls, totalExecUs: calls * meanMs * 1000 });

describe('groups', () => {
  test('statements of one shape are one, most execution time first', () => {
    const now = [
      statement(1, 'SELECT * FROM a WHERE id IN ($1, $2)', { calls: 1, totalExecUs: 100 }),
      statement(2, 'SELECT * FROM a WHERE id IN ($1, $2, $3)', { calls: 2, totalExecUs: 200 }),
      statement(3, 'DELETE FROM b', { calls: 1, totalExecUs: 1000 }),
    ];
    const groups = groupByPattern(now, [], statementPattern);
    expect(groups.map(({ kind, ids, now: sum }) => ({ kind, ids, calls: sum.calls, us: sum.totalExecUs }))).toEqual([
      { kind: 'delete', ids: [3], calls: 1, us: 1000 },
      { kind: 'select', ids: [1, 2], calls: 3, us: 300 },
    ]);
  });

  test('texts that cannot be read stay apart', () => {
    expect(groupByPattern([statement(1, null), statement(2, null)], [], statementPattern)).toHaveLength(2);
  });
});

describe('trend', () => {
  const covered = { now: 3600, before: 3600 };
  test.each([
    ['slower', counters(100, 13), counters(100, 10)],
    ['faster', counters(100, 7), counters(100, 10)],
    ['steady', counters(100, 11.9), counters(100, 10)],
    ['new', counters(100, 10), counters(0, 0)],
    ['gone', counters(0, 0), counters(100, 10)],
    ['unknown', counters(9, 100), counters(100, 10)],
    ['unknown', counters(100, 100), counters(9, 10)],
  ])('%s', (direction, now, before) => {
    expect(trendOf({ now, before }, covered).direction).toBe(direction);
  });

  test('a range before that was hardly watched tells nothing', () => {
    const trend = trendOf({ now: counters(100, 13), before: counters(100, 10) }, { now: 3600, before: 600 });
    expect(trend).toEqual({ direction: 'unknown', meanChange: null, callsChange: null });
  });

  test('calls are compared as rates', () => {
    const trend = trendOf({ now: counters(100, 10), before: counters(50, 10) }, { now: 3600, before: 1800 });
    expect(trend.callsChange).toBeCloseTo(0);
  });
});

test('small charts of several statements add up by time', () => {
  const series = (us: number) => ({
    from: new Date(0),
    to: new Date(20_000),
    step: 10,
    points: [{ at: 0, coveredSeconds: 10, counters: { ...sumCounters([]), totalExecUs: us } }],
  });
  expect(
    sumSparks(
      [1, 2, 3],
      new Map([
        [1, series(10_000)],
        [2, series(20_000)],
      ]),
    ),
  ).toEqual([[0, 3]]);
});

test('deviation comes from the sum of squares', () => {
  // 1 ms and 3 ms: mean 2, deviation 1.
  expect(deviationMsOf({ calls: 2, totalExecUs: 4000, sumSquaresMs2: 10 })).toBeCloseTo(1);
  expect(deviationMsOf({ calls: 2, totalExecUs: 4000, sumSquaresMs2: 7.999_999 })).toBe(0);
  expect(deviationMsOf({ calls: 0, totalExecUs: 0, sumSquaresMs2: 0 })).toBeNull();
});
