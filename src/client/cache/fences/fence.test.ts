import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Invalidation } from '../invalidation.ts';
import { Fence } from './fence.ts';
import { matchesGlob } from './glob.ts';
import { History } from './history.ts';

const parts = fc.array(fc.constantFrom('a', 'b', 'ab', ''), { minLength: 1, maxLength: 3 });
const keys = parts.map((each) => each.join(':'));
const invalidations: fc.Arbitrary<Invalidation> = fc.oneof(
  keys.map((key) => ({ kind: 'key' as const, key })),
  fc.constantFrom('x', 'y', 'z').map((tag) => ({ kind: 'tag' as const, tag })),
  keys.map((key) => ({ kind: 'prefix' as const, prefix: `${key}:` })),
  fc
    .array(fc.constantFrom('a', 'b', ':', '*'), { minLength: 1, maxLength: 4 })
    .map((each) => ({ kind: 'pattern' as const, pattern: each.join('') })),
  fc.constant({ kind: 'all' as const }),
  keys.map((text) => ({ kind: 'note' as const, text })),
);
const entries = fc.record({ key: keys, tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')) });

/** The plain meaning of an invalidation. */
function concerns(what: Invalidation, key: string, tags: readonly string[]): boolean {
  switch (what.kind) {
    case 'key':
      return what.key === key;
    case 'tag':
      return tags.includes(what.tag);
    case 'prefix':
      return key.startsWith(what.prefix);
    case 'pattern':
      return new RegExp(`^${what.pattern.replaceAll('*', '.*')}$`, 's').test(key);
    case 'all':
      return true;
    case 'note':
      return false;
  }
}

describe('a history', () => {
  test('makes void just what was invalidated after its load began', () => {
    fc.assert(
      fc.property(fc.array(invalidations, { maxLength: 20 }), entries, fc.nat(20), (done, { key, tags }, since) => {
        const history = new History();
        done.forEach((what, i) => history.note(what, i + 1));
        const expected = done.some((what, i) => i + 1 > since && concerns(what, key, tags));
        expect(history.isVoid(key, tags, since)).toBe(expected);
      }),
    );
  });

  test('that forgets makes more void, never less', () => {
    fc.assert(
      fc.property(fc.array(invalidations, { maxLength: 30 }), entries, fc.nat(30), (done, { key, tags }, since) => {
        const history = new History({ names: 2, patterns: 1 });
        done.forEach((what, i) => history.note(what, i + 1));
        const isVoid = history.isVoid(key, tags, since);
        if (done.some((what, i) => i + 1 > since && concerns(what, key, tags))) expect(isVoid).toBe(true);
        if (since >= done.length) expect(isVoid).toBe(false);
      }),
    );
  });
});

test('notes are not remembered, and move nothing', () => {
  const history = new History({ names: 2, patterns: 1 });
  history.note({ kind: 'tag', tag: 'x' }, 1);
  for (let at = 2; at < 100; at++) history.note({ kind: 'note', text: `${at}` }, at);
  expect([history.floor, history.latest]).toEqual([0, 1]);
  expect(history.isVoid('key', ['x'], 0)).toBe(true);
  expect(history.isVoid('key', [], 0)).toBe(false);
  const fence = new Fence();
  const before = fence.now;
  fence.heard([{ kind: 'note', text: 'x' }]);
  expect(fence.now).toBe(before);
});

test('a fence that has missed something trusts nothing from before', () => {
  const fence = new Fence();
  const before = fence.now;
  expect(fence.isVoid('key', [], before)).toBe(false);
  fence.heard('unknown');
  expect(fence.isVoid('key', [], before)).toBe(true);
  expect(fence.isVoid('key', [], fence.now)).toBe(false);
});

describe('a pattern', () => {
  test('matches as the regular expression of the same meaning', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', '\n', '.'), { maxLength: 8 }).map((each) => each.join(''));
    const patterns = fc.array(fc.constantFrom('a', 'b', '*', '.'), { maxLength: 6 }).map((each) => each.join(''));
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's').test(text);
        expect(matchesGlob(pattern, text)).toBe(expected);
      }),
    );
  });

  test('made to take for ever does not', () => {
    expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false);
  });
});
