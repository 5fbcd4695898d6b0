import { describe, expect, it } from 'vitest';
import { readRange, shiftRange, spanOf } from './range.ts';

const now = new Date('2026-03-02T15:00:00').getTime();
const hour = 3_600_000;

describe('range', () => {
  it('is the last hour by default and for nonsense', () => {
    for (const query of [
      {},
      { from: 'soon' },
      { from: String(now), to: String(now - hour) },
      { from: '1h', to: 'later' },
    ]) {
      expect(readRange(query, now)).toMatchObject({
        from: '1h',
        to: undefined,
        live: true,
        label: 'Last hour',
        length: hour,
      });
    }
  });

  it('moves with the clock when it is a span, stands still otherwise', () => {
    expect(readRange({ from: '6h' }, now)).toMatchObject({
      from: '6h',
      live: true,
      label: 'Last 6 hours',
      length: 6 * hour,
    });
    expect(readRange({ from: String(now - 2 * hour), to: String(now - hour) }, now)).toMatchObject({
      from: String(now - 2 * hour),
      to: String(now - hour),
      live: false,
      label: '13:00–14:00',
      length: hour,
    });
    expect(readRange({ from: new Date(now - 2 * hour).toISOString() }, now)).toMatchObject({
      live: false,
      length: 2 * hour,
    });
  });

  it('knows spans', () => {
    expect(['15m', '-1h', '1.5d', '0h', '5x', ''].map(spanOf)).toEqual([
      900_000,
      hour,
      129_600_000,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('shifts back and forth, never beyond now', () => {
    const back = shiftRange(readRange({}, now), -1, now);
    expect(back).toEqual({ from: String(now - 2 * hour), to: String(now - hour) });
    expect(shiftRange(readRange({ from: back.from, to: back.to ?? '' }, now), 1, now)).toEqual({
      from: '1h',
      to: null,
    });
  });
});
