import { describe, expect, it } from 'vitest';
import { count } from '../format/quantity.ts';
import { hasValues, latestIndex, shownPoints, stacked, summaryOf } from './chart-data.ts';

const series = (label: string, values: (number | null)[]) => ({ label, values, color: '--series-1' });

describe('chart data', () => {
  it('stacks what is known and leaves gaps where nothing is', () => {
    expect(
      stacked([
        [1, null, null],
        [2, 3, null],
      ]),
    ).toEqual([
      [1, 0, null],
      [3, 3, null],
    ]);
    expect(stacked([])).toEqual([]);
  });

  it('finds the last point with a value', () => {
    expect(latestIndex([series('a', [1, null, null]), series('b', [null, 2, null])])).toBe(1);
    expect(hasValues([series('a', [null, null])])).toBe(false);
    expect(hasValues([])).toBe(false);
  });

  it('joins what is collected seldom, and keeps holes that are longer than that', () => {
    const known = new Set([1, 7, 13, 19, 43, 49]);
    expect(shownPoints((index) => known.has(index), 60)).toEqual([0, 1, 7, 13, 19, 20, 43, 49, 59]);
    expect(shownPoints((index) => index > 40, 60)).toHaveLength(60);
    expect(shownPoints(() => false, 60)).toHaveLength(60);
  });

  it('tells a chart in a sentence', () => {
    expect(summaryOf('Calls', [series('calls', [3, null, 1]), series('other', [null])], count)).toBe(
      'Calls: calls between 1 and 3, last 1.',
    );
    expect(summaryOf('Calls', [series('calls', [])], count)).toBe('Calls: nothing is known in this range.');
  });
});
