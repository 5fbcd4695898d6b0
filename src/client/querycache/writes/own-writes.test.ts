import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OwnWrites } from './index.ts';

test('a read that was sent before a write ended is told apart from one sent after it', () => {
  const writes = new OwnWrites();
  const before = writes.mark();
  writes.wrote(new Set([1, 2]), 0);
  const after = writes.mark();
  expect([[1], [2], [3, 2], [3], []].map((tables) => writes.writtenSince(tables, before))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(writes.writtenSince([1, 2], after)).toBe(false);
  writes.wrote(new Set([1]), 1);
  expect(writes.writtenSince([1], after)).toBe(true);
  expect(writes.writtenSince([2], after)).toBe(false);
});

test('a write of which the tables are not known is one of all', () => {
  const writes = new OwnWrites();
  expect(writes.unknownAt).toBeUndefined();
  const before = writes.mark();
  writes.wrote('unknown', 500);
  expect(writes.unknownAt).toBe(500);
  expect(writes.writtenSince([7], before)).toBe(true);
  expect(writes.writtenSince([], before)).toBe(false);
  expect(writes.writtenSince([7], writes.mark())).toBe(false);
  expect(writes.recently([7], 100, 599)).toBe(true);
  expect(writes.recently([7], 100, 600)).toBe(false);
});

test('what changes nothing leaves no trace', () => {
  const writes = new OwnWrites();
  const before = writes.mark();
  writes.wrote(new Set(), 0);
  expect(writes.mark()).toBe(before);
  expect(writes.size).toBe(0);
});

test('what is forgotten counts as written', () => {
  const writes = new OwnWrites({ rememberMs: 1000 });
  const first = writes.mark();
  writes.wrote(new Set([1]), 0);
  const second = writes.mark();
  writes.wrote(new Set([2]), 1000);
  expect(writes.size).toBe(1);
  expect(writes.writtenSince([3], first)).toBe(true);
  expect(writes.writtenSince([3], second)).toBe(false);
  expect(writes.recently([3], 1000, 1000)).toBe(false);
  expect(writes.recently([3], 1001, 1000)).toBe(true);
});

const event = fc.oneof(
  fc.record({
    wrote: fc.oneof(
      { weight: 8, arbitrary: fc.uniqueArray(fc.nat(8), { maxLength: 4 }) },
      fc.constant('unknown' as const),
    ),
    after: fc.nat(400),
  }),
  fc.record({ tables: fc.uniqueArray(fc.nat(8), { maxLength: 3 }), mark: fc.nat(100), within: fc.nat(2000) }),
);

test('answers are those of a list of all writes, but for what is forgotten, and little is kept', () => {
  const rememberMs = 1000;
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const writes = new OwnWrites({ rememberMs });
      const all: { tables: readonly number[] | 'unknown'; at: number }[] = [];
      const marks = [{ mark: writes.mark(), writes: 0, at: 0 }];
      let now = 0;
      for (const each of events) {
        if ('wrote' in each) {
          now += each.after;
          writes.wrote(each.wrote === 'unknown' ? 'unknown' : new Set(each.wrote), now);
          if (each.wrote.length > 0) all.push({ tables: each.wrote, at: now });
          marks.push({ mark: writes.mark(), writes: all.length, at: now });
          continue;
        }
        const concerned = all.map(({ tables, at }, place) => ({
          at,
          place,
          hit: each.tables.length > 0 && (tables === 'unknown' || each.tables.some((table) => tables.includes(table))),
        }));
        const begun = marks[each.mark % marks.length];
        if (!begun) throw new Error('there is always a mark');
        const since = concerned.some(({ hit, place }) => hit && place >= begun.writes);
        const late = now - begun.at > rememberMs;
        if (since || !late) expect(writes.writtenSince(each.tables, begun.mark)).toBe(since);
        const recent = concerned.some(({ hit, at }) => hit && now - at < each.within);
        if (recent || each.within <= rememberMs) expect(writes.recently(each.tables, each.within, now)).toBe(recent);
      }
      expect(writes.size).toBeLessThanOrEqual(9);
    }),
  );
});
