import { describe, expect, it } from 'vitest';
import { address, linkTo, nextSort, patchQuery, readSort, sortRows, writeSort } from './url-state.ts';

describe('address', () => {
  it('drops what is back at its default and encodes the rest', () => {
    const query = patchQuery(
      { from: '6h', search: 'old', page: '3' },
      { search: 'a b&c', page: null, slow: true, own: false },
    );
    expect(address('/queries', query)).toBe('/queries?from=6h&search=a+b%26c&slow=1');
    expect(address('/queries', {})).toBe('/queries');
  });

  it('takes database and range along to another page, filters not', () => {
    expect(linkTo('/tables', { database: 'shop', from: '6h', search: 'x' })).toBe('/tables?database=shop&from=6h');
    expect(linkTo('/queries/7', { from: '6h' }, { tab: 'plan' })).toBe('/queries/7?from=6h&tab=plan');
  });
});

describe('sort', () => {
  const fallback = { column: 'totalMs', descending: true } as const;

  it('reads what it writes and refuses what is no column', () => {
    expect(readSort('-calls', ['totalMs', 'calls'], fallback)).toEqual({ column: 'calls', descending: true });
    expect(readSort(writeSort({ column: 'calls', descending: false }), ['totalMs', 'calls'], fallback)).toEqual({
      column: 'calls',
      descending: false,
    });
    expect(readSort('-drop table', ['totalMs', 'calls'], fallback)).toEqual(fallback);
    expect(readSort(undefined, ['totalMs'], fallback)).toEqual(fallback);
  });

  it('begins numbers with the largest and texts with A, then turns around', () => {
    expect(nextSort(fallback, 'calls', true)).toEqual({ column: 'calls', descending: true });
    expect(nextSort(fallback, 'user', false)).toEqual({ column: 'user', descending: false });
    expect(nextSort(fallback, 'totalMs', true)).toEqual({ column: 'totalMs', descending: false });
  });

  it('puts unknown values last in both directions', () => {
    const rows = [{ v: null }, { v: 2 }, { v: 10 }, { v: 1 }];
    expect(sortRows(rows, (row) => row.v, false).map((row) => row.v)).toEqual([1, 2, 10, null]);
    expect(sortRows(rows, (row) => row.v, true).map((row) => row.v)).toEqual([10, 2, 1, null]);
  });
});
