import { describe, expect, it } from 'vitest';
import {
  byteChange,
  bytes,
  change,
  count,
  digits,
  exact,
  milliseconds,
  percent,
  rate,
  span,
  textOf,
} from './quantity.ts';

const plain = (text: string) => text.replaceAll('\u00A0', ' ');

describe('quantities', () => {
  it('writes what one can take in and groups whole numbers', () => {
    expect([0, 0.041234, 0.999, 2.71528, 27.549, 99.97, 123.4, 1234.5].map(digits)).toEqual([
      '0',
      '0.041',
      '1',
      '2.7',
      '27.5',
      '100',
      '123',
      '1,235',
    ]);
  });

  it.each([
    [0, '0'],
    [7, '7'],
    [9876, '9,876'],
    [9999.7, '10 k'],
    [12_345, '12.3 k'],
    [999_700, '1 M'],
    [4_560_000_000, '4.6 B'],
    [-12_345, '-12.3 k'],
  ])('counts %d as %s', (value, text) => {
    expect(plain(textOf(count(value)))).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [0.0042, '4.2 µs'],
    [0.42, '0.42 ms'],
    [999.4, '999 ms'],
    [999.6, '1 s'],
    [1234, '1.2 s'],
    [59_900, '59.9 s'],
    [59_990, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000 * 28, '1 d 4 h'],
  ])('writes %d ms as %s', (value, text) => {
    expect(plain(textOf(milliseconds(value)))).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
  ])('writes %d bytes as %s', (value, text) => {
    expect(plain(textOf(bytes(value)))).toBe(text);
  });

  it('writes every digit where they count', () => {
    expect([1280, 1536].map((value) => plain(textOf(bytes(value, exact))))).toEqual(['1.25 KiB', '1.5 KiB']);
    expect(plain(textOf(milliseconds(1250, exact)))).toBe('1.25 s');
  });

  it('never rounds up to everything or down to nothing', () => {
    expect([1, 0.99999, 0.9973, 0.5, 0.00004, 0].map((value) => plain(textOf(percent(value))))).toEqual([
      '100 %',
      '99.99 %',
      '99.73 %',
      '50 %',
      '<0.1 %',
      '0 %',
    ]);
  });

  it('signs changes', () => {
    expect([0.124, -0.4, 0.001, 1, 2.2].map((value) => plain(textOf(change(value))))).toEqual([
      '+12 %',
      '−40 %',
      '±0 %',
      '×2',
      '×3.2',
    ]);
    expect([2048, -1024, 0].map((value) => plain(textOf(byteChange(value))))).toEqual(['+2 KiB', '−1 KiB', '±0']);
  });

  it('says that a value is not known', () => {
    for (const format of [count, rate, bytes, percent, change, milliseconds]) {
      expect([null, undefined, Number.NaN].map((value) => textOf(format(value)))).toEqual(['–', '–', '–']);
    }
  });

  it('writes spans in two units', () => {
    expect([0, 400, 59_000, 60_000, 3_725_000, 90_000_000].map((ms) => plain(span(ms)))).toEqual([
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '1 h 2 min',
      '1 d 1 h',
    ]);
  });
});
