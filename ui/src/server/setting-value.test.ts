import { describe, expect, it } from 'vitest';
import { settingValue } from './setting-value.ts';

const shown = (value: string, unit: string | null) => settingValue(value, unit).shown.replaceAll('\u00A0', ' ');

describe('setting values', () => {
  it('are written in the unit that a person would use', () => {
    expect(shown('16384', '8kB')).toBe('128 MiB');
    expect(shown('1024', 'MB')).toBe('1 GiB');
    expect(shown('300', 's')).toBe('5 min');
    expect(shown('5000', 'ms')).toBe('5 s');
  });

  it('leave special values and texts alone', () => {
    expect(shown('-1', 'ms')).toBe('-1');
    expect(shown('0', 'kB')).toBe('0');
    expect(shown('on', null)).toBe('on');
    expect(shown('', null)).toBe('(empty)');
    expect(settingValue('16384', '8kB').raw).toBe('16384 × 8kB');
  });
});
