import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { session } from '../../../test/support/catalog.ts';
import { testDatabase } from '../../../test/support/postgres.ts';
import { expect, test } from 'vitest';
import { readSession, type Session } from './dependencies/index.ts';
import { type KeyedStatement, queryKey, statementKey } from './key.ts';
import { areMoving } from './parameters.ts';

const asked: Session = {
  database: '1/2',
  role: 'app',
  sessionUser: 'app',
  searchPath: 'public',
  schemas: ['pg_catalog', 'public'],
  temporary: [],
  settings: { TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
};
const statement = { text: 'SELECT 1', session: asked };

test('everything that decides over a result changes its key', () => {
  const others: KeyedStatement[] = [
    statement,
    { ...statement, text: 'SELECT 2' },
    { ...statement, inputs: { 'app.tenant': '1' } },
    { ...statement, inputs: { 'app.tenant': '2' } },
    ...[
      { database: '1/3' },
      { role: 'other' },
      { sessionUser: 'other' },
      { searchPath: 'app' },
      { schemas: ['pg_catalog', 'app'] },
      { settings: { TimeZone: 'Europe/Berlin', DateStyle: 'ISO, MDY' } },
      { settings: { TimeZone: 'UTC', DateStyle: 'ISO, DMY' } },
      { settings: {} },
    ].map((change) => ({ ...statement, session: { ...asked, ...change } })),
  ];
  const keys = others.map((other) => statementKey(other));
  expect(new Set(keys).size).toBe(others.length);
  for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/);
});

test('the order of settings does not change a key, nor does the call', () => {
  const turned = { ...asked, settings: { DateStyle: 'ISO, MDY', TimeZone: 'UTC' } };
  expect(statementKey({ ...statement, session: turned })).toBe(statementKey(statement));
  expect(queryKey(statementKey(statement), [])).toBe(statementKey(statement));
});

test('parameters that the driver sends differently have different keys', () => {
  const lists: unknown[][] = [
    [],
    [1],
    ['1'],
    [1n],
    [true],
    ['true'],
    [null],
    ['null'],
    [[]],
    [[1]],
    [[[1]]],
    [[1], 2],
    [[1, 2]],
    ['a', 'b'],
    ['ab', ''],
    ['a1:b'],
    [Buffer.from('a')],
    ['a'],
    [{ a: 1 }],
    ['{"a":1}'],
    [new Date(0)],
    [new Date(1)],
    [0],
    [NaN],
    [new Date(NaN)],
  ];
  const keys = lists.map((list) => queryKey('s', list));
  expect(keys).not.toContain(undefined);
  expect(new Set(keys).size).toBe(lists.length);
  expect(queryKey('s', [undefined])).toBe(queryKey('s', [null]));
  expect(queryKey('s', [-0])).toBe(queryKey('s', [0]));
  expect(queryKey('s', [new Uint8Array([97])])).toBe(queryKey('s', [Buffer.from('a')]));
});

test('two lists of parameters have one key only when they are equal', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constantFrom(null, true, false, '', 'a', '1', 1, 1n, 's1:a', ';', ':'),
      fc.string({ maxLength: 3 }),
      fc.integer({ min: -2, max: 2 }),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value;
  const list = fc.array(value, { maxLength: 3 });
  fc.assert(
    fc.property(list, list, (one, other) => {
      expect(queryKey('s', one) === queryKey('s', other)).toBe(isDeepStrictEqual(one, other));
    }),
    { numRuns: 2000 },
  );
});

test('what has no value that could be compared has no key', () => {
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  for (const odd of [() => 1, Symbol('a'), { toPostgres: () => '1' }, cycle, { a: 1n }, [[() => 1]]]) {
    expect(queryKey('s', [odd])).toBeUndefined();
  }
});

test('words that mean another time each day are noticed', () => {
  for (const moving of ['now', 'TODAY', ' tomorrow ', 'yesterday 12:00', '{now,2024-01-01}', '[today,]']) {
    expect(areMoving([moving]), moving).toBe(true);
    expect(areMoving([1, [moving]]), moving).toBe(true);
  }
  expect(areMoving(['unknown', 'nowhere', '2024-01-01', 'epoch', 'infinity', null, 5, new Date()])).toBe(false);
});

test('a session tells what its results depend on', async () => {
  await using database = await testDatabase();
  await using client = await session(database.url);
  const before = await readSession(client);
  expect(before).toMatchObject({
    role: 'pitcrew',
    sessionUser: 'pitcrew',
    schemas: ['pg_catalog', 'public'],
    temporary: [],
    settings: { DateStyle: 'ISO, MDY', row_security: 'on' },
  });
  expect(before.database).toMatch(/^\d+\/\d+$/);
  await client.query(`SET TimeZone = 'Asia/Tokyo'; CREATE TEMP TABLE mine (id int)`);
  const after = await readSession(client);
  expect(after.settings['TimeZone']).toBe('Asia/Tokyo');
  expect(after.temporary).toContain('mine');
  expect(statementKey({ text: 'SELECT 1', session: after })).not.toBe(
    statementKey({ text: 'SELECT 1', session: before }),
  );
});
