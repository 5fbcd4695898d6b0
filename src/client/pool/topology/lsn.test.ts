import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, parseLsn } from './lsn.ts';

test('positions are read and written as PostgreSQL does', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16b374d848n);
  // PostgreSQL 19 writes the lower half with eight digits.
  expect(parseLsn('0/00000028')).toBe(0x28n);
  expect(formatLsn(0x16b374d848n)).toBe('16/B374D848');
  const property = fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => {
    expect(parseLsn(formatLsn(lsn))).toBe(lsn);
  });
  fc.assert(property);
});

test.each(['', '16', '16/', '/1', 'g/1', '1/123456789', "0/1'; DROP TABLE users", '-1/1'])('%j is refused', (text) => {
  expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
});
