import { crc32, zstdCompressSync } from 'node:zlib';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../entry.ts';
import { writeEntry } from './envelope.ts';
import type { BodyDescription } from './head.ts';
import { classHook, decode, decodeHead, encode, type ValueOptions } from './index.ts';

const position = { epoch: 'e1', at: 42 };
const times = { createdAt: 1000, freshUntil: 2000, keptUntil: 3000, loadMs: 1.5 };

function entryOf(value: unknown, tags: readonly string[] = []): Entry {
  return { value, ...times, tags };
}

async function roundTrip(value: unknown, options?: ValueOptions): Promise<unknown> {
  const decoded = await decode(await encode(entryOf(value), position, options), options);
  expect(decoded).toBeDefined();
  return decoded?.entry.value;
}

const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.string({ unit: 'grapheme', maxLength: 100 }));
const wildTexts = fc.oneof(
  texts,
  // Any UTF-16, lone surrogates and byte order marks included.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 90 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('\ufeff', `\ufeff${'x'.repeat(100)}`, '\ud800', '__proto__', 'constructor', '\0', 'toJSON'),
);
const leaves = fc.oneof(
  wildTexts,
  fc.double(),
  fc.integer(),
  fc.constantFrom(undefined, null, true, false, -0, Number.NaN, Infinity, -Infinity),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 2000n), max: 2n ** 2000n }),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array(),
  fc.int16Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map((bytes) => bytes.slice().buffer),
  fc.constantFrom(/a+/giu, /\//, new DataView(new ArrayBuffer(4))),
);
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(wildTexts, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 5 }).map((all) => new Set(all)),
    fc.array(fc.record({ id: fc.integer(), name: texts, more: tie('value') }, { noNullPrototype: true }), {
      maxLength: 8,
    }),
    // The same part in several places.
    tie('value').map((part) => [part, { part }, part]),
  ),
}));

describe('values', () => {
  test('come back as they were, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const back = await roundTrip(value);
        expect(isDeepStrictEqual(back, value)).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  test('come back with times, position, and tags to the last character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wildTexts), wildTexts, fc.double({ noNaN: true }), async (tags, epoch, number) => {
        const entry = { value: 1, createdAt: number, freshUntil: 5, keptUntil: Infinity, loadMs: number, tags };
        const decoded = await decode(await encode(entry, { epoch, at: number }));
        expect(decoded).toEqual({ entry, position: { epoch, at: number } });
      }),
    );
  });

  test('come back with the times that are left out of what is stored', async () => {
    for (const keptUntil of [2000, 3000, Infinity]) {
      for (const loadMs of [0, -0, 1.5]) {
        const entry = { ...entryOf('x', ['t']), keptUntil, loadMs };
        const bytes = await encode(entry, position);
        expect(await decode(bytes)).toStrictEqual({ entry, position });
        expect(decodeHead(bytes)?.entry).toMatchObject({ keptUntil, loadMs, tags: ['t'] });
      }
    }
  });

  test('keep what is shared shared, and what contains itself whole', async () => {
    interface Ring {
      self?: Ring;
      list: unknown[];
      map: Map<unknown, unknown>;
      set: Set<unknown>;
      zero: number;
    }
    for (const zero of [0, -0]) {
      const ring: Ring = { list: [], map: new Map(), set: new Set(), zero };
      ring.self = ring;
      ring.list.push(ring, ring.list);
      ring.map.set('ring', ring).set(ring.list, 1);
      ring.set.add(ring);
      const back = (await roundTrip(ring)) as Ring;
      expect(back.self).toBe(back);
      expect(back.list[0]).toBe(back);
      expect(back.list[1]).toBe(back.list);
      expect(back.map.get('ring')).toBe(back);
      expect(back.map.get(back.list)).toBe(1);
      expect(back.set.has(back)).toBe(true);
      expect(back.zero).toBe(zero);
    }
  });

  test('are kept as JSON where they are small, and JSON gives them back as they are', async () => {
    const isJson = async (value: unknown) => decodeHead(await encode(entryOf(value), position))?.body.isJson;
    const part = { id: 1 };
    const json: unknown[] = [
      { id: 'product:1', name: 'Straße 東京 \u2028"', price: 11.5, open: true, note: null, list: [[], {}, [1, 'a']] },
      'text',
      null,
      false,
      5e-324,
      { 2: 'b', 1: 'a', toString: 1 },
    ];
    const others: unknown[] = [
      undefined,
      { none: undefined },
      [undefined],
      Number.NaN,
      [Infinity],
      -0,
      1n,
      new Date(5),
      new Map([['a', 1]]),
      Buffer.from('a'),
      [part, part],
      { '\0': [0] },
      'x'.repeat(600),
      Array.from({ length: 60 }, (_, id) => ({ id, name: 'x' })),
    ];
    for (const value of json) expect(await isJson(value), inspect(value)).toBe(true);
    for (const value of others) expect(await isJson(value), inspect(value)).toBe(false);
    for (const value of [...json, ...others]) expect(isDeepStrictEqual(await roundTrip(value), value)).toBe(true);
    const [first, second] = (await roundTrip([part, part])) as object[];
    expect(first).toBe(second);
  });

  test('of errors: name, message, cause and properties; not the stack', async () => {
    class DatabaseError extends Error {
      override readonly name = 'DatabaseError';
      readonly code = '23505';
    }
    const cause = new RangeError('too far');
    const error = Object.assign(new TypeError('no', { cause }), { detail: { n: -0 } });
    const all = new AggregateError([error, new DatabaseError('duplicate')], 'both');
    const back = (await roundTrip(all)) as AggregateError;
    expect(back).toBeInstanceOf(AggregateError);
    expect(back.message).toBe('both');
    const [first, second] = back.errors as [TypeError & { detail: unknown }, DatabaseError];
    expect(first).toBeInstanceOf(TypeError);
    expect(first.message).toBe('no');
    expect(first.detail).toEqual({ n: -0 });
    expect(first.cause).toBeInstanceOf(RangeError);
    expect(first.stack).toBe('TypeError: no');
    expect(Object.keys(first)).toEqual(['detail']);
    expect(second).toBeInstanceOf(Error);
    expect(second).toMatchObject({ name: 'DatabaseError', message: 'duplicate', code: '23505' });
  });

  test('of classes without a hook: what toJSON gives, or their properties; without functions', async () => {
    class Point {
      x = 1;
      y = -0;
      #secret = 2;
      norm = () => this.#secret;
    }
    class Money {
      toJSON() {
        return '1.50 EUR';
      }
    }
    class Moment extends Date {}
    const bare = Object.assign(Object.create(null), { a: 1 });
    expect(await roundTrip(new Point())).toStrictEqual({ x: 1, y: -0 });
    expect(await roundTrip([new Money()])).toStrictEqual(['1.50 EUR']);
    expect(await roundTrip(new Moment(5))).toStrictEqual(new Date(5));
    expect(await roundTrip(bare)).toStrictEqual({ a: 1 });
    expect(await roundTrip({ f: () => 1, list: [() => 1, Symbol('s')], toJSON: () => 2 })).toStrictEqual({
      list: [undefined, undefined],
    });
  });

  test('of classes with a hook: instances, inside one another and shared', async () => {
    class Money {
      readonly cents: bigint;
      constructor(cents: bigint) {
        this.cents = cents;
      }
    }
    class Order {
      readonly total: Money;
      constructor(total: Money) {
        this.total = total;
      }
    }
    class Refund extends Order {}
    const classes = [
      classHook({
        name: 'order',
        class: Order,
        encode: ({ total }) => ({ total }),
        decode: ({ total }) => new Order(total),
      }),
      classHook({ name: 'money', class: Money, encode: ({ cents }) => cents, decode: (cents) => new Money(cents) }),
    ];
    const order = new Order(new Money(150n));
    const back = (await roundTrip([order, order, new Map([[order, new Refund(order.total)]])], {
      classes,
    })) as unknown[];
    expect(back[0]).toBeInstanceOf(Order);
    expect((back[0] as Order).total).toStrictEqual(new Money(150n));
    expect(back[1]).toBe(back[0]);
    expect((back[2] as Map<Order, Order>).get(back[0] as Order)?.total).toBe((back[0] as Order).total);
    const bytes = await encode(entryOf(order), position, { classes });
    expect(await decode(bytes, {}), 'a process that does not know the class').toBeUndefined();
    const failing = classHook({ name: 'order', class: Order, encode: () => 1, decode: () => expect.fail('no') });
    expect(await decode(bytes, { classes: [failing] })).toBeUndefined();
  });

  test('that cannot be stored are refused: too large, too deep, hooks that throw', async () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    const throwing = Object.defineProperty({}, 'x', { enumerable: true, get: () => expect.fail('no') });
    for (const [value, options] of [
      [deep, {}],
      [throwing, {}],
      ['x'.repeat(1000), { maxValueBytes: 500 }],
    ] as const) {
      expect(() => encode(entryOf(value), position, options)).toThrow(
        expect.objectContaining({ code: 'E_UNSUPPORTED', detail: expect.stringMatching(/./) }),
      );
    }
    expect(await roundTrip('still at work')).toBe('still at work');
  });
});

describe('compression', () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, id) => ({ id, name: `customer ${id}`, open: true }));

  test('is for what is large, and only kept when it saves a tenth', async () => {
    const isCompressed = async (value: unknown, options?: ValueOptions) =>
      decodeHead(await encode(entryOf(value), position, options))?.body.isCompressed;
    const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) & 0xff));
    expect(await isCompressed('x'.repeat(900))).toBe(false);
    expect(await isCompressed('x'.repeat(1100))).toBe(true);
    expect(await isCompressed(noise)).toBe(false);
    expect(await isCompressed('x'.repeat(5000), { compressAbove: Infinity })).toBe(false);
    expect(await isCompressed('x'.repeat(500), { compressAbove: 0 })).toBe(true);
  });

  test.each([100, 1000, 50_000])('%d rows come back as they were', async (count) => {
    const value = rows(count);
    expect(await roundTrip(value)).toStrictEqual(value);
  });
});

describe('bytes that are no entry', () => {
  const samples = [
    { text: 'x'.repeat(50), map: new Map([[1, -0]]), 'key\0': new Date(5) },
    { id: 'product:1', name: 'a small one' },
    Array.from({ length: 60 }, (_, id) => ({ id, name: `customer ${id}` })),
  ];

  test('are a miss: any flipped bit', async () => {
    for (const value of samples) {
      const bytes = await encode(entryOf(value, ['a', 'b']), position);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Uint8Array.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await decode(flipped), `bit ${bit}`).toBeUndefined();
      }
    }
  });

  test('are a miss: truncated, lengthened, foreign', async () => {
    for (const value of samples) {
      const bytes = await encode(entryOf(value, ['a', 'b']), position);
      for (let length = 0; length < bytes.length; length += 1) {
        expect(await decode(bytes.subarray(0, length)), `${length} bytes`).toBeUndefined();
      }
      expect(await decode(Buffer.concat([bytes, Buffer.from([0])]))).toBeUndefined();
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await decode(bytes)).toBeUndefined();
      }),
    );
  });

  /** As somebody would write it who knows the checksums. */
  function forged(stored: Buffer, body: Partial<BodyDescription> = {}) {
    const { isCompressed = false, isLowered = false, isJson = false, rawBytes = stored.length } = body;
    return writeEntry({ ...times, tags: [] }, position, { isCompressed, isLowered, isJson, rawBytes }, stored);
  }

  test('are a miss or harmless, checksums or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.boolean(),
        fc.boolean(),
        async (bytes, isLowered, isJson) => {
          await decode(forged(Buffer.from(bytes), { isLowered, isJson }));
          expect(Object.keys(Object.prototype)).toEqual([]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('are a miss or harmless: heads that were changed, with the right checksums', async () => {
    const entries = [entryOf('x', ['a', 'b']), { ...entryOf({ a: 1 }), keptUntil: 2000, loadMs: 0 }];
    const originals = await Promise.all(entries.map((entry) => encode(entry, position)));
    const changes = fc.array(
      fc.tuple(fc.nat(90), fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 8, 24, 31))),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), changes, async (original, changed) => {
        const bytes = Buffer.from(original);
        // Not the magic, nor what is made again below.
        for (const [at, byte] of changed) bytes[Math.min(8 + at, bytes.length - 5)] = byte;
        const length = Math.min(bytes.readUInt32LE(8), bytes.length);
        bytes.writeUInt32LE(crc32(bytes.subarray(8, length)), 4);
        bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
        for (const read of [decodeHead(bytes), await decode(bytes)]) {
          if (!read) continue;
          expect(read.entry.tags.every((tag) => typeof tag === 'string')).toBe(true);
          expect(Number.isNaN(read.entry.createdAt + 1) || Number.isNaN(read.entry.keptUntil)).toBe(false);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('do not reach prototypes', async () => {
    // {"__proto__": {"polluted": 1}} as a map, as an escape, and as a record.
    const proto = Buffer.from('__proto__');
    const polluted = Buffer.concat([Buffer.from([0x81, 0xa8]), Buffer.from('polluted'), Buffer.from([1])]);
    const asMap = Buffer.concat([Buffer.from([0x81, 0xa9]), proto, polluted]);
    const asEscape = Buffer.concat([Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0, 0x93, 2, 0xa9]), proto, polluted]);
    const asRecord = Buffer.concat([Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa9]), proto, polluted]);
    for (const bytes of [asMap, asEscape, asRecord]) {
      const decoded = await decode(forged(bytes, { isLowered: true }));
      expect(decoded).toBeDefined();
      const value = decoded?.entry.value as object;
      expect('polluted' in value).toBe(false);
      expect('polluted' in {}).toBe(false);
      expect([Object.prototype, Map.prototype].includes(Object.getPrototypeOf(value))).toBe(true);
    }
  });

  test('are a miss: bombs, whether they tell their size or not', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(100 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(20_000);
    for (const rawBytes of [1000, 1024 * 1024, 100 * 1024 * 1024]) {
      expect(await decode(forged(bomb, { isCompressed: true, rawBytes }))).toBeUndefined();
    }
  });
});
