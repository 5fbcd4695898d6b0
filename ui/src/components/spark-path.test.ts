import { describe, expect, it } from 'vitest';
import { sparkPath } from './spark-path.ts';

describe('sparkline', () => {
  it('spans the box, zero at the bottom', () => {
    expect(
      sparkPath(
        [
          [0, 0],
          [5, 10],
          [10, 5],
        ],
        100,
        30,
      ),
    ).toEqual({
      line: 'M0 29L50 1L100 15',
      area: 'M0 30L0 29L50 1L100 15L100 30Z',
    });
  });

  it('leaves gaps where nothing is known and marks a lone value', () => {
    const { line, area } = sparkPath(
      [
        [0, 1],
        [1, 1],
        [2, null],
        [3, 1],
        [4, null],
      ],
      100,
      30,
    );
    expect(line).toBe('M0 1L25 1M75 1h3');
    expect(area).toBe('M0 30L0 1L25 1L25 30Z');
  });

  it('draws nothing from nothing and a flat line from zeros', () => {
    expect(sparkPath([], 100, 30)).toEqual({ line: '', area: '' });
    expect(
      sparkPath(
        [
          [0, 0],
          [1, 0],
        ],
        100,
        30,
      ).line,
    ).toBe('M0 29L100 29');
  });
});
