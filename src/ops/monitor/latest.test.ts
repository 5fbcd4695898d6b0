import { expect, test } from 'vitest';
import { LatestMetrics, seriesName } from './latest.ts';

const commits = (value: number) => ({ name: 'database.commits', kind: 'counter' as const, value });
const state = (name: string, value: number) => ({
  name: 'sessions.by_state',
  kind: 'gauge' as const,
  value,
  labels: { state: name },
});

test('a counter is shown per second, and its total goes on', () => {
  const latest = new LatestMetrics();
  latest.publish('database', [commits(5)], 0, 0, 30_000);
  expect(latest.current(0).size).toBe(0);
  latest.publish('database', [commits(50)], 10_000, 10, 30_000);
  expect(latest.current(10_000).get('database.commits')).toMatchObject({ value: 5, total: 55, kind: 'counter' });
  latest.clear();
  latest.publish('database', [commits(10)], 20_000, 10, 30_000);
  expect(latest.current(20_000).get('database.commits')).toMatchObject({ value: 1, total: 65 });
});

test('a series that a source no longer names is gone, those of other sources stay', () => {
  const latest = new LatestMetrics();
  latest.publish('activity', [state('idle', 3), state('active', 1)], 0, 0, 3000);
  latest.publish('database', [{ name: 'database.xid_age', kind: 'gauge', value: 7 }], 0, 0, 30_000);
  latest.publish('activity', [state('active', 2)], 1000, 0, 3000);
  expect([...latest.current(1000).keys()].toSorted()).toEqual([
    'database.xid_age',
    'sessions.by_state{state="active"}',
  ]);
});

test('what a source said is not shown when it has fallen silent', () => {
  const latest = new LatestMetrics();
  latest.publish('activity', [state('active', 2)], 0, 0, 3000);
  expect(latest.current(3000).size).toBe(1);
  expect(latest.current(3001).size).toBe(0);
});

test('a series has one name, whatever its labels', () => {
  expect(seriesName('a')).toBe('a');
  expect(seriesName('a', {})).toBe('a');
  expect(seriesName('a', { b: 'c', d: 'e' })).toBe('a{b="c",d="e"}');
});
