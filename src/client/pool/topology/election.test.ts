import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Claim, elect } from './election.ts';

const claim = (name: string, timeline: number | undefined, cluster: string | undefined = 'c'): Claim => ({
  name,
  timeline,
  cluster,
});

test('one that says so is the primary', () => {
  expect(elect([], undefined, false)).toEqual({ winner: undefined, dispute: undefined });
  expect(elect([claim('a', 1)], undefined, false)).toEqual({ winner: claim('a', 1), dispute: undefined });
  expect(elect([claim('b', 2)], claim('a', 1), true)).toEqual({ winner: claim('b', 2), dispute: undefined });
});

test('of two, the higher timeline wins, loudly', () => {
  const { winner, dispute } = elect([claim('a', 1), claim('b', 2)], claim('a', 1), true);
  expect(winner?.name).toBe('b');
  expect(dispute).toBe('a says it is a primary, on timeline 1; timeline 2 has taken its place');
});

test('on the same timeline, the one we knew stays, else the first of the list, and it is said', () => {
  const known = elect([claim('a', 1), claim('b', 1)], claim('b', 1), true);
  expect(known.winner?.name).toBe('b');
  expect(known.dispute).toMatch(/^a says .* same timeline as b, which was the primary before and stays$/);
  const unknown = elect([claim('a', 1), claim('b', 1)], undefined, false);
  expect(unknown.winner?.name).toBe('a');
  expect(unknown.dispute).toMatch(/^b says .* same timeline as a, which is listed first and stays$/);
});

test('one that was promoted over never comes back, not even when the other is away', () => {
  const { winner, dispute } = elect([claim('a', 1)], claim('b', 2), true);
  expect(winner).toBeUndefined();
  expect(dispute).toMatch(/^a says it is a primary, on timeline 1/);
});

test('another cluster is not believed while the primary has its place in the list', () => {
  const listed = elect([claim('x', 9, 'other')], claim('a', 1), true);
  expect(listed).toEqual({ winner: undefined, dispute: 'x belongs to another cluster and is not used' });
  // Upgraded or replaced: the numbers begin anew.
  expect(elect([claim('a', 1, 'new')], claim('a', 5), false).winner).toEqual(claim('a', 1, 'new'));
});

test('a host whose timeline cannot be read is taken at its word', () => {
  expect(elect([claim('b', undefined, undefined)], claim('a', 3), true).winner?.name).toBe('b');
});

test('never a timeline lower than another that is seen or was known', () => {
  const claims = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 });
  const known = fc.option(fc.record({ index: fc.nat(6), timeline: fc.integer({ min: 1, max: 4 }) }), {
    nil: undefined,
  });
  const property = fc.property(claims, known, (timelines, before) => {
    const all = timelines.map((timeline, i) => claim(`h${i}`, timeline));
    const { winner, dispute } = elect(all, before && claim(`h${before.index}`, before.timeline), true);
    const highest = Math.max(before?.timeline ?? 0, ...timelines);
    expect(winner !== undefined).toBe(timelines.includes(highest));
    if (winner) expect(winner.timeline).toBe(highest);
    expect(dispute === undefined).toBe(all.length === (winner ? 1 : 0));
  });
  fc.assert(property);
});
