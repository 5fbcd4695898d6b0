import { plainRole, session } from '../../../../test/support/catalog.ts';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { beforeAll, expect, test } from 'vitest';
import { loadParser } from '../../../sql/index.ts';
import { dependenciesOf, type Pin, pinnedKey, readCatalog, readSession } from './index.ts';

const schema = `
  CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TABLE users (name text, id int PRIMARY KEY, mail text UNIQUE, age int);
  CREATE TABLE pairs (b text, a bigint, note text, PRIMARY KEY (a, b));
  CREATE TABLE things (id uuid PRIMARY KEY);
  CREATE TABLE codes (code varchar(10) PRIMARY KEY);
  CREATE TABLE loosely (code text COLLATE loose PRIMARY KEY);
  CREATE TABLE amounts (id numeric PRIMARY KEY);
  CREATE TABLE by_mail (id int PRIMARY KEY, mail text NOT NULL);
  CREATE UNIQUE INDEX by_mail_key ON by_mail (mail);
  ALTER TABLE by_mail REPLICA IDENTITY USING INDEX by_mail_key;
  CREATE TABLE whole (id int PRIMARY KEY);
  ALTER TABLE whole REPLICA IDENTITY FULL;
  CREATE TABLE parts (id int, kind text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
  CREATE TABLE odd (id int PRIMARY KEY, kind text) PARTITION BY RANGE (id);
  CREATE TABLE odd_1 PARTITION OF odd FOR VALUES FROM (0) TO (10);
  ALTER TABLE odd_1 REPLICA IDENTITY FULL;
  CREATE TABLE parent (id int PRIMARY KEY);
  CREATE TABLE child () INHERITS (parent);
  CREATE VIEW seen AS SELECT * FROM users;
  CREATE FUNCTION reads() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM codes);
  CREATE FUNCTION oldest() RETURNS int LANGUAGE sql STABLE RETURN (SELECT max(age) FROM users);
`;

/** `undefined`: nothing is pinned; otherwise the key with these parameters. */
const cases: [query: string, parameters: unknown[], key: string[] | undefined][] = [
  ['SELECT * FROM users WHERE id = $1', [7], ['7']],
  ['SELECT name FROM users u WHERE u.id = $2 AND u.age > $1 LIMIT 1', [1, '007'], ['7']],
  ['SELECT count(*), max(age) FROM public.users WHERE 42 = id', [], ['42']],
  ['SELECT * FROM users WHERE id = 0', [], ['0']],
  [`SELECT * FROM users WHERE id = '5' AND (age = 1 OR age = 2)`, [], ['5']],
  ['SELECT * FROM users WHERE id = $1::int AND name = $2', [-3n, 'x'], ['-3']],
  ['SELECT * FROM users WHERE id = $1::bigint', ['+12'], ['12']],
  ['SELECT * FROM users WHERE id = -5', [], ['-5']],
  ['SELECT * FROM pairs WHERE b = $1 AND a = $2', ['it’s', 99], ['it’s', '99']],
  ['SELECT * FROM pairs WHERE a = 12345678901 AND b = $$x$$', [], ['x', '12345678901']],
  [
    'SELECT * FROM things WHERE id = $1',
    ['{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'],
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ],
  [
    'SELECT * FROM things WHERE id = $1::uuid',
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ],
  ['SELECT * FROM codes WHERE code = $1', ['Ab '], ['Ab ']],
  ['SELECT * FROM by_mail WHERE mail = $1', ['a@b'], ['a@b']],
  ['SELECT * FROM parts WHERE id = $1', [1], ['1']],
  ['SELECT * FROM ONLY parent WHERE id = $1', [1], ['1']],
  // Values whose text cannot be told.
  ['SELECT * FROM users WHERE id = $1', [1.5], undefined],
  ['SELECT * FROM users WHERE id = $1', ['0x1F'], undefined],
  ['SELECT * FROM users WHERE id = $1', [null], undefined],
  ['SELECT * FROM users WHERE id = $1', [], undefined],
  ['SELECT * FROM users WHERE id = 1.0', [], undefined],
  ['SELECT * FROM things WHERE id = $1', ['x'], undefined],
  // Other rows may matter.
  ['SELECT * FROM users', [], undefined],
  ['SELECT * FROM users WHERE id > $1', [1], undefined],
  ['SELECT * FROM users WHERE id = $1 OR name = $2', [1, 'x'], undefined],
  ['SELECT * FROM users WHERE NOT (id = $1)', [1], undefined],
  ['SELECT * FROM users WHERE mail = $1', ['x'], undefined],
  ['SELECT * FROM pairs WHERE a = $1', [1], undefined],
  ['SELECT * FROM users u, users v WHERE u.id = $1', [1], undefined],
  ['SELECT * FROM users JOIN pairs ON true WHERE id = $1', [1], undefined],
  ['SELECT * FROM users WHERE id = $1 AND EXISTS (SELECT FROM users)', [1], undefined],
  ['SELECT (SELECT count(*) FROM users) FROM users WHERE id = $1', [1], undefined],
  ['SELECT * FROM users WHERE id = $1 UNION SELECT * FROM users', [1], undefined],
  ['SELECT *, reads() FROM users WHERE id = $1', [1], undefined],
  ['SELECT *, oldest() FROM users WHERE id = $1', [1], undefined],
  ['SELECT * FROM users u (id, name) WHERE id = $1', [1], undefined],
  ['SELECT * FROM seen WHERE id = $1', [1], undefined],
  ['SELECT * FROM users WHERE id = age', [], undefined],
  // The change stream tells other columns, or equal values look different.
  ['SELECT * FROM by_mail WHERE id = $1', [1], undefined],
  ['SELECT * FROM whole WHERE id = $1', [1], undefined],
  ['SELECT * FROM odd WHERE id = $1', [1], undefined],
  ['SELECT * FROM parent WHERE id = $1', [1], undefined],
  ['SELECT * FROM loosely WHERE code = $1', ['x'], undefined],
  ['SELECT * FROM amounts WHERE id = $1', [1], undefined],
  ['SELECT * FROM codes WHERE code = $1::varchar(2)', ['abc'], undefined],
  ['SELECT * FROM codes WHERE code = $1::char(2)', ['abc'], undefined],
];

beforeAll(loadParser);

test('a key is pinned where its row alone decides', async () => {
  await using database = await testDatabase();
  await database.query(schema);
  await using client = await session(database.url);
  const catalog = await readCatalog(client);
  const asked = await readSession(client);
  const keyOf = (pin: Pin | undefined, parameters: unknown[]) => pin && pinnedKey(pin, parameters);
  for (const [text, parameters, key] of cases) {
    const answer = dependenciesOf(text, catalog, asked);
    expect(answer, text).toMatchObject({ cacheable: true });
    expect(answer.cacheable && keyOf(answer.pin, parameters), text).toEqual(key);
  }
});

test('nothing is pinned where a policy or a declared function reads the same table', async () => {
  await using database = await testDatabase();
  await database.query(schema);
  await database.query(`
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE FUNCTION declared() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    CREATE POLICY elders ON users USING (age < (SELECT u.age FROM users u WHERE u.id = 1));
    CREATE POLICY own ON parts USING (kind = current_user);
    ALTER TABLE parts ENABLE ROW LEVEL SECURITY;`);
  await using member = await plainRole(database);
  await using client = await session(member.url);
  const catalog = await readCatalog(client);
  const asked = await readSession(client);
  const pinOf = (text: string) => {
    const answer = dependenciesOf(text, catalog, asked, { declared: { tables: ['codes'] } });
    return answer.cacheable ? answer.pin : 'refused';
  };
  expect(pinOf('SELECT * FROM users WHERE id = $1')).toBeUndefined();
  expect(pinOf('SELECT * FROM parts WHERE id = $1')).toMatchObject({ columns: [{ name: 'id' }] });
  expect(pinOf('SELECT * FROM codes WHERE code = $1')).toMatchObject({ columns: [{ name: 'code' }] });
  expect(pinOf('SELECT declared() FROM codes WHERE code = $1')).toBeUndefined();
});

test('a key is written as PostgreSQL writes it', async () => {
  await using database = await testDatabase();
  await database.query(schema);
  await using client = await session(database.url);
  const catalog = await readCatalog(client);
  const asked = await readSession(client);
  const written = async (table: string, value: string) => {
    const answer = dependenciesOf(`SELECT * FROM ${table} WHERE id = $1`, catalog, asked);
    const type = table === 'users' ? 'int' : 'uuid';
    const [row] = await database.query<{ text: string }>(`SELECT $1::${type}::text AS text`, [value]);
    expect(answer.cacheable && answer.pin && pinnedKey(answer.pin, [value]), value).toEqual([row?.text]);
  };
  for (const value of [' 12 ', '-0', '+5', '000', '-007']) await written('users', value);
  for (const value of ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}']) {
    await written('things', value);
  }
});

test('nothing is pinned where somebody made an = of built-in types', async () => {
  await using database = await testDatabase();
  await database.query(schema);
  await database.query(`
    CREATE FUNCTION near(int, text) RETURNS bool LANGUAGE sql IMMUTABLE RETURN $1 < length($2);
    CREATE OPERATOR = (LEFTARG = int, RIGHTARG = text, FUNCTION = near)`);
  await using client = await session(database.url);
  const answer = dependenciesOf(
    'SELECT * FROM users WHERE id = $1',
    await readCatalog(client),
    await readSession(client),
  );
  expect(answer).toMatchObject({ cacheable: true, pin: undefined });
});
