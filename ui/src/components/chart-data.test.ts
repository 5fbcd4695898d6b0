import { describe, expect, it } from 'vitest';
import { count } from '../format/quantity.ts';
import { firstShown, hasValues, latestIndex, stacked, summaryOf } from './chart-data.ts';

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

  it('leaves out a long unknown beginning, but keeps enough points to see a course', () => {
    const from = (known: number, length: number, least: number) => firstShown((index) => index >= known, length, least);
    expect(from(90, 100, 5)).toBe(90);
    expect(from(98, 100, 5)).toBe(95);
    expect(from(40, 100, 5)).toBe(0);
    expect(from(100, 100, 5)).toBe(0);
    expect(from(2, 3, 5)).toBe(0);
  });

  it('tells a chart in a sentence', () => {
    expect(summaryOf('Calls', [series('calls', [3, null, 1]), series('other', [null])], count)).toBe(
      'Calls: calls between 1 and 3, last 1.',
    );
    expect(summaryOf('Calls', [series('calls', [])], count)).toBe('Calls: nothing is known in this range.');
  });
});
