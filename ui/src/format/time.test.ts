import { describe, expect, it } from 'vitest';
import { ago, axisTimes, inputMoment, moment, rangeText, utc } from './time.ts';

const at = (text: string) => new Date(text).getTime();
const plain = (text: string) => text.replaceAll('\u00A0', ' ');

describe('times', () => {
  const now = at('2026-03-02T15:00:00');

  it('leaves out what today makes clear', () => {
    expect(moment(at('2026-03-02T14:03:22'), now)).toBe('14:03:22');
    expect(moment(at('2026-03-01T14:03:22'), now)).toBe('1 Mar 14:03');
    expect(moment(at('2025-03-01T14:03:22'), now)).toBe('1 Mar 2025');
  });

  it('writes ranges within a day and over midnight', () => {
    expect(rangeText(at('2026-03-02T12:00'), at('2026-03-02T13:30'), now)).toBe('12:00–13:30');
    expect(rangeText(at('2026-03-01T12:00'), at('2026-03-01T13:30'), now)).toBe('1 Mar 12:00–13:30');
    expect(rangeText(at('2026-03-01T12:00'), at('2026-03-02T13:30'), now)).toBe('1 Mar 12:00 – 13:30');
  });

  it('counts back', () => {
    expect([now - 200, now - 12_000, now - 359_000, now - 11_040_000].map((ms) => plain(ago(ms, now)))).toEqual([
      'just now',
      '12 s ago',
      '5 min ago',
      '3 h 4 min ago',
    ]);
  });

  it('labels an axis as finely as its ticks stand', () => {
    const start = at('2026-03-01T23:59:00');
    expect(axisTimes([start, start + 30_000, start + 60_000])).toEqual(['23:59:00', '23:59:30', '2 Mar']);
    expect(axisTimes([start, start + 600_000])).toEqual(['23:59', '2 Mar']);
    expect(axisTimes([start, start + 86_400_000])).toEqual(['1 Mar', '2 Mar']);
  });

  it('gives the same moment in UTC and back from an input', () => {
    expect(utc(Date.UTC(2026, 2, 1, 12, 0, 5))).toBe('2026-03-01 12:00:05 UTC');
    expect(new Date(inputMoment(now)).getTime()).toBe(now);
  });
});
