import { expect, test } from 'vitest';
import { Reservoir } from './reservoir.ts';

/** Calls with these durations; the values of each are its place. */
function fill(reservoir: Reservoir, durations: readonly number[]): void {
  for (const [place, ms] of durations.entries()) {
    if (reservoir.wants(ms)) reservoir.add({ 1: String(place) }, ms);
  }
}

test('calls chosen at random are as likely as any other', () => {
  const calls = 20;
  const counts = Array.from({ length: calls }, () => 0);
  for (let turn = 0; turn < 4000; turn++) {
    const reservoir = new Reservoir(1);
    fill(
      reservoir,
      Array.from({ length: calls }, () => 1),
    );
    const [values] = reservoir.due(0);
    const place = Number(values?.['1']);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  // 200 expected of each, with a standard deviation of 14.
  expect(Math.min(...counts)).toBeGreaterThan(100);
  expect(Math.max(...counts)).toBeLessThan(300);
});

test('the slowest call is the third, and there once', () => {
  const reservoir = new Reservoir(5);
  const durations = Array.from({ length: 1000 }, (_, place) => (place === 500 ? 90 : 1 + (place % 7)));
  fill(reservoir, durations);
  const samples = reservoir.due(0);
  expect(samples.filter((values) => values['1'] === '500')).toHaveLength(1);
  const place = samples.findIndex((values) => values['1'] === '500');
  // Once in 250 times it is among those at random, and there are only four.
  expect(samples.length === 4 ? 2 : place).toBe(2);
  expect(new Set(samples.map((values) => values['1'])).size).toBe(samples.length);
});

test('what was told rests, and then begins anew', () => {
  const reservoir = new Reservoir(3);
  fill(reservoir, [1, 2]);
  expect(reservoir.due(0)).toEqual([{ 1: '0' }, { 1: '1' }]);
  reservoir.told(0);
  fill(reservoir, [9]);
  expect(reservoir.due(299_999)).toEqual([]);
  expect(reservoir.due(300_000)).toEqual([{ 1: '0' }]);
});

test('calls of which nothing may be kept are not looked at one by one', () => {
  const reservoir = new Reservoir(3);
  let looked = 0;
  for (let call = 0; call < 1000; call++) {
    if (!reservoir.wants(1)) continue;
    looked++;
    reservoir.add(undefined, 1);
  }
  expect(looked).toBeLessThan(50);
  expect(reservoir.due(0)).toEqual([]);
});
