import { describe, expect, it } from 'vitest';
import { waitSeries } from './wait-classes.ts';

describe('wait classes', () => {
  it('come in a fixed order, whatever the order of the answer', () => {
    const series = waitSeries([
      { class: 'Lock', values: [1] },
      { class: 'CPU', values: [2] },
    ]);
    expect(series.map(({ label }) => label)).toEqual(['CPU', 'Lock']);
  });

  it('adds up classes without a place of their own', () => {
    const series = waitSeries([
      { class: 'Extension', values: [1, null, null] },
      { class: 'BufferPin', values: [2, 3, null] },
    ]);
    expect(series).toEqual([{ label: 'Other', color: '--wait-other', values: [3, 3, null] }]);
  });
});
