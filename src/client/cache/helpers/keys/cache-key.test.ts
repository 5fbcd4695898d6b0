import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCache } from '../../index.ts';
import { cacheKey, keyParts, keyPattern } from './cache-key.ts';

const leaves = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Those that look like something else.
  fc.constantFrom(
    '',
    '1',
    '1n',
    '-1',
    'true',
    '~true',
    'null',
    '~null',
    '@invalid',
    "'1",
    '#',
    '%',
    '%3A',
    'a:b',
    '*',
    '\ud800',
  ),
  fc.integer({ min: -3, max: 3 }),
  fc.double(),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, NaN),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'toString'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(fc.tuple(leaves, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(leaves, { maxLength: 3 }).map((members) => new Set(members)),
  ),
}));

/** Without properties that are `undefined` and without −0, which mean nothing of their own. */
function plain(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [plain(key), plain(each)]));
  if (value instanceof Set) return new Set([...value].map(plain));
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([name, each]) => [name, plain(each)]),
  );
}

/** The same value, put together in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value instanceof Map) return new Map([...value].toReversed().map(([key, each]) => [key, reversed(each)]));
  if (value instanceof Set) return new Set([...value].toReversed());
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, reversed(each)]),
  );
}

describe('a key', () => {
  test('is the same for two lists of arguments just when they mean the same', () => {
    const lists = fc.array(values, { maxLength: 3 });
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        expect(cacheKey('name', ...one) === cacheKey('name', ...other)).toBe(
          isDeepStrictEqual(plain(one), plain(other)),
        );
      }),
      { numRuns: 3000 },
    );
  });

  test('of one text is of no other', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-~@'#%:*0-9Aa]{0,4}$/));
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(cacheKey(one) === cacheKey(other)).toBe(one === other);
        expect(cacheKey(one, other)).not.toBe(cacheKey(`${one}:${other}`));
      }),
      { numRuns: 3000 },
    );
  });

  test('does not depend on the order in which objects, maps and sets were put together', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(cacheKey(reversed(value))).toBe(cacheKey(value));
      }),
    );
  });

  test('is text that every tier can hold, of bounded length, in which no part looks like two', () => {
    fc.assert(
      fc.property(values, (value) => {
        const key = cacheKey('name', value);
        expect(key.isWellFormed()).toBe(true);
        expect(key.split(':')).toHaveLength(2);
        expect(key).not.toMatch(/[*\n\0]/);
        // Each of 64 characters may be escaped.
        expect(key.length).toBeLessThan(5 + 3 * 64 + 23);
      }),
    );
  });

  test('gives its texts back', () => {
    const texts = fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(texts, (parts) => {
        expect(keyParts(cacheKey(...parts))).toEqual(parts);
      }),
    );
    expect(keyParts(cacheKey('orders', 42, 'a:b'))).toEqual(['orders', '42', 'a:b']);
  });

  test('can be read', () => {
    const at = new Date('2026-02-03T04:05:06.007Z');
    expect(cacheKey('orders', 42, 'lines')).toBe('orders:42:lines');
    expect(cacheKey('a', '42', 42n, -1.5, true, null, undefined, at)).toBe(
      "a:'42:42n:-1.5:~true:~null:~undefined:@2026-02-03T040506.007Z",
    );
    expect(cacheKey('naïve café', 'a:b*', '')).toBe("naïve café:a%3Ab%2A:'");
    expect(cacheKey('page', { size: 10 })).toMatch(/^page:#[\w-]{22}$/);
    expect(cacheKey('search', 'x'.repeat(1000))).toMatch(/^search:x{24}#[\w-]{22}$/);
  });

  test('never changes: other processes and later versions must find what is kept', () => {
    const value = { b: [1, '1', 1n, undefined], a: new Map([[new Date(0), new Set([Buffer.from('x')])]]), c: /x/g };
    expect(cacheKey('k', value)).toBe('k:#4msGiVhF0BWtow1cvni6Z-');
  });

  test('tells types apart that look alike', () => {
    const different = [
      1,
      '1',
      1n,
      [1],
      ['1'],
      { 0: 1 },
      new Set([1]),
      new Map([[0, 1]]),
      new Uint8Array([1]),
      new Uint16Array([1]),
    ];
    expect(new Set(different.map((value) => cacheKey(value))).size).toBe(different.length);
    expect(cacheKey([1, undefined])).not.toBe(cacheKey([1]));
    expect(cacheKey({ a: null })).not.toBe(cacheKey({ a: undefined }));
    expect(cacheKey(Buffer.from('x'))).toBe(cacheKey(new Uint8Array([120])));
    expect(cacheKey(new URL('http://a/'))).toBe(cacheKey(new URL('http://a')));
    expect(cacheKey(new URL('http://a/'))).not.toBe(cacheKey(['http://a/']));
  });

  const cycle: unknown[] = [];
  cycle.push({ cycle });
  class Hidden {
    #id = 1;
    get id(): number {
      return this.#id;
    }
  }
  test.each([
    [() => 1],
    [Symbol('x')],
    [cycle],
    [new Hidden()],
    [{ [Symbol.for('gt')]: 5 }],
    [Promise.resolve()],
    [new WeakMap()],
  ])('is refused to %o, which could stand for anything', (value) => {
    expect(() => cacheKey('name', value)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('says the same twice of one object, which is no cycle', () => {
    const shared = { a: 1 };
    expect(cacheKey([shared, shared])).toBe(cacheKey([{ a: 1 }, { a: 1 }]));
  });
});

test('a pattern invalidates the keys that begin with its parts, whatever is in them', async () => {
  await using cache = createCache();
  const keys = [
    cacheKey('orders', 'a', 1),
    cacheKey('orders', 'a', { page: 1 }),
    cacheKey('orders', 'a:1', 1),
    cacheKey('orders', '*', 1),
  ];
  for (const key of keys) await cache.set(key, key);
  await cache.invalidatePattern(keyPattern('orders', '*'));
  expect(keys.map((key) => cache.peek(key) !== undefined)).toEqual([true, true, true, false]);
  await cache.invalidatePattern(keyPattern('orders', 'a'));
  expect(keys.map((key) => cache.peek(key) !== undefined)).toEqual([false, false, true, false]);
});
