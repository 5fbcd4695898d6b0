import { expect, test } from 'vitest';
import { Snapshot } from '../fence/index.ts';
import { MarkLag } from './mark-lag.ts';

const snapshot = (text: string): Snapshot => Snapshot.parse(text);

test('a mark that comes back tells that all from before it was sent is known', () => {
  const lag = new MarkLag(0);
  const first = lag.next(snapshot('10:10:'), 100);
  const second = lag.next(snapshot('10:12:10'), 200);
  expect(lag.ms(300)).toBe(300);
  lag.came(first, 11);
  expect(lag.ms(300)).toBe(200);
  lag.came(second, 14);
  expect(lag.ms(300)).toBe(100);
});

test('one that comes after a mark that was lost counts for both', () => {
  const lag = new MarkLag(0);
  lag.next(snapshot('10:10:'), 100);
  lag.came(lag.next(snapshot('11:11:'), 200), 11);
  expect(lag.ms(300)).toBe(100);
});

test('nothing is missing while no transaction has ended since the last mark', () => {
  const lag = new MarkLag(0);
  expect(lag.isQuiet(snapshot('10:10:'), 50)).toBe(false);
  const mark = lag.next(snapshot('10:10:'), 100);
  expect(lag.isQuiet(snapshot('11:11:'), 150)).toBe(false);
  lag.came(mark, 10);
  expect(lag.isQuiet(snapshot('11:11:'), 500)).toBe(true);
  expect(lag.ms(500)).toBe(0);
  expect(lag.isQuiet(snapshot('12:12:'), 600)).toBe(false);
  expect(lag.isQuiet(snapshot('11:13:11'), 700)).toBe(false);
  expect(lag.ms(700)).toBe(200);
});

test.each(['9:10:9', '9:9:', '8:10:8'])(
  'a mark among other transactions (%s) says nothing of what ends later',
  (before) => {
    const lag = new MarkLag(0);
    lag.came(lag.next(snapshot(before), 100), 10);
    expect(lag.isQuiet(snapshot('11:11:'), 500)).toBe(false);
  },
);
