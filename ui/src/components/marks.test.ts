import { describe, expect, it } from 'vitest';
import { type Mark, markAt, placeMarks, toneOf } from './marks.ts';

const marksAt = (...times: number[]): Mark[] => times.map((at) => ({ at, text: `at ${at}`, tone: 'info' }));
const place = (...times: number[]) => placeMarks(marksAt(...times), (at) => at, 400);
const times = (placed: ReturnType<typeof place>) => placed.map(({ marks }) => marks.map(({ at }) => at));

describe('marks of a chart', () => {
  it('are drawn where they are, those close to each other as one, the earliest first', () => {
    expect(times(place(300, 100, 105, 111))).toEqual([[100, 105, 111], [300]]);
    expect(place(300, 100, 105)[0]?.x).toBe(100);
    expect(times(place(-1, 0, 400, 410))).toEqual([[0], [400, 410]]);
    expect(place()).toEqual([]);
  });

  it('are few, however many there are, and none is lost', () => {
    const many = Array.from({ length: 40 }, (_, index) => index * 10);
    const placed = place(...many);
    expect(placed.length).toBeLessThanOrEqual(6);
    expect(times(placed).flat()).toEqual(many);
  });

  it('are found by the cursor, the nearest one', () => {
    const placed = place(100, 112);
    expect(markAt(placed, 107)?.x).toBe(112);
    expect(markAt(placed, 105)?.x).toBe(100);
    expect(markAt(placed, 93)).toBeNull();
  });

  it('are as grave as the gravest of them', () => {
    const [slower, applied]: Mark[] = [
      { at: 1, text: 'slower', tone: 'warning' },
      { at: 1, text: 'applied', tone: 'info' },
    ];
    expect(toneOf({ x: 1, marks: [applied, slower].flatMap((mark) => mark ?? []) })).toBe('warning');
    expect(toneOf({ x: 1, marks: [] })).toBe('unknown');
  });
});
