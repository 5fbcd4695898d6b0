import { type PlainRole, plainRole, session } from '../../../../test/support/catalog.ts';
import { dependedOnBy } from '../../../../test/support/depended-on.ts';
import { dependencySchema as schema } from '../../../../test/support/dependency-schema.ts';
import { sharedMajors, type TestDatabase, testDatabase } from '../../../../test/support/postgres.ts';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../sql/index.ts';
import { type DeclaredFunctions, dependenciesOf, readCatalog, readSession } from './index.ts';

/** Found by their tables, and held against what the server names. */
const cacheable: [query: string, tables: string[]][] = [
  ['SELECT 1', []],
  ['VALUES (1), (2)', []],
  ['SELECT * FROM users', ['app.users']],
  ['TABLE orders', ['app.orders']],
  ['SELECT * FROM other.orders', ['other.orders']],
  ['SELECT * FROM "orders" o, other.orders p', ['app.orders', 'other.orders']],
  ['SELECT * FROM users LIMIT 3 OFFSET 1', ['app.users']],
  ['SELECT xmin, tableoid, * FROM users', ['app.users']],
  // Views, on views, on materialised views.
  ['SELECT * FROM active', ['app.active', 'app.users']],
  ['SELECT * FROM active_orders', ['app.active', 'app.active_orders', 'app.orders', 'app.users']],
  ['SELECT * FROM mine', ['app.mine', 'app.users']],
  ['SELECT * FROM tenant', ['app.tenant', 'app.users']],
  ['SELECT * FROM moved', ['app.moved', 'app.users']],
  ['SELECT * FROM totals', ['app.totals']],
  ['SELECT * FROM totals_view', ['app.totals', 'app.totals_view']],
  // Partitions and inheritance.
  ['SELECT * FROM events', ['app.events', 'app.events_2024', 'app.events_2024_a']],
  ['SELECT * FROM events_2024', ['app.events_2024', 'app.events_2024_a']],
  ['SELECT * FROM animals', ['app.animals', 'app.dogs', 'app.puppies']],
  ['SELECT * FROM dogs', ['app.dogs', 'app.puppies']],
  // Common table expressions that bear the names of tables.
  ['WITH users AS (SELECT 1 AS id) SELECT * FROM users', []],
  ['WITH users AS (SELECT * FROM users) SELECT * FROM users', ['app.users']],
  ['WITH users AS (SELECT 1 AS id) SELECT * FROM app.users', ['app.users']],
  ['WITH a AS (SELECT * FROM orders), orders AS (SELECT 1) SELECT * FROM a, orders', ['app.orders']],
  ['SELECT * FROM users WHERE id IN (WITH users AS (SELECT 2 AS id) SELECT id FROM users)', ['app.users']],
  ['WITH RECURSIVE users AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM users WHERE id < 3) SELECT * FROM users', []],
  // Sub-queries in every clause.
  ['SELECT (SELECT max(total) FROM orders) FROM users', ['app.orders', 'app.users']],
  ['SELECT * FROM users WHERE EXISTS (SELECT FROM orders)', ['app.orders', 'app.users']],
  ['SELECT id FROM users GROUP BY id HAVING id > (SELECT count(*) FROM kinds)', ['app.kinds', 'app.users']],
  ['SELECT * FROM users ORDER BY (SELECT max(code) FROM kinds)', ['app.kinds', 'app.users']],
  ['SELECT max(body) FROM notes WHERE body LIKE $$%a%$$', ['public.notes']],
  ['SELECT * FROM users LIMIT (SELECT count(*) FROM kinds)', ['app.kinds', 'app.users']],
  ['SELECT * FROM users u, LATERAL (SELECT * FROM orders o WHERE o.user_id = u.id) x', ['app.orders', 'app.users']],
  [
    'SELECT * FROM users u JOIN orders o ON o.id = (SELECT max(k.id) FROM parts k)',
    ['app.orders', 'app.parts', 'app.parts_0', 'app.parts_1', 'app.users'],
  ],
  ['SELECT count(*) FILTER (WHERE id IN (SELECT id FROM orders)) FROM users', ['app.orders', 'app.users']],
  ['SELECT row_number() OVER (ORDER BY (SELECT max(code) FROM kinds)) FROM users', ['app.kinds', 'app.users']],
  ['SELECT ARRAY(SELECT code FROM kinds), CASE WHEN EXISTS (TABLE orders) THEN 1 END', ['app.kinds', 'app.orders']],
  ['VALUES ((SELECT max(id) FROM users))', ['app.users']],
  [
    'SELECT id FROM users UNION SELECT id FROM orders EXCEPT (SELECT id FROM parts_0)',
    ['app.orders', 'app.parts_0', 'app.users'],
  ],
  ['SELECT * FROM (VALUES (1), (2)) v (n) JOIN users u ON u.id = v.n', ['app.users']],
  // Functions that can be looked into, also within views and FROM.
  ['SELECT new_sum(id) FROM users', ['app.orders', 'app.users']],
  ['SELECT deep_sum(1)', ['app.orders']],
  ['SELECT * FROM rows()', ['app.orders']],
  ['SELECT * FROM summed', ['app.orders', 'app.summed', 'app.users']],
  ['SELECT * FROM users, generate_series(1, 3) n, unnest(ARRAY[1, 2]) m', ['app.users']],
  ['SELECT * FROM json_to_recordset($$[]$$) AS x (a int, b text)', []],
  // Dates and times of columns that are such.
  [`SELECT at::date, date_trunc('day', at)::date, date(at), (at AT TIME ZONE 'UTC')::date FROM users`, ['app.users']],
  [`SELECT * FROM users WHERE at > '2024-01-01' AND day < DATE '2024-02-01'`, ['app.users']],
  [
    `SELECT age(at, '2020-01-01'), to_char(at, 'YYYY'), coalesce(max(at), min(at))::date FROM users GROUP BY at`,
    ['app.users'],
  ],
  [`SELECT * FROM users WHERE name IN ('unknown', 'nowhere')`, ['app.users']],
  // Operators and functions of extensions that only compute.
  [
    `SELECT * FROM users WHERE mail = 'A@B.c' AND tags -> 'a' = 'b' AND lower(mail) <> replace(mail, 'a', 'b')`,
    ['app.users'],
  ],
  [`SELECT similarity(name, 'x'), name <-> 'y' FROM users`, ['app.users']],
  // What is stored was checked before.
  ['SELECT * FROM checked', ['app.checked']],
  ['SELECT 5::positive FROM users', ['app.users']],
  [`SELECT current_user, current_role, session_user, current_catalog, current_schema FROM users`, ['app.users']],
  [`SELECT json_agg(u), jsonb_build_object('a', 1), format('%s', 1), concat('a', 1) FROM users u`, ['app.users']],
];

const refused: [query: string, reason: RegExp][] = [
  ['SELECT now()', /now\(\), which depends on more/],
  ['SELECT random() FROM users', /random/],
  ['SELECT * FROM users WHERE at > CURRENT_TIMESTAMP', /CURRENT_TIMESTAMP depends on the time/],
  ['SELECT LOCALTIME', /LOCALTIME depends on the time/],
  ['SELECT age(at) FROM users', /age\(\)/],
  [`SELECT * FROM users WHERE at > 'now'`, /constant like 'now'/],
  [`SELECT * FROM users WHERE at > 'Yesterday 04:05'`, /constant like 'now'/],
  [`SELECT timestamp E'n\\x6fw'`, /constant like 'now'/],
  ['SELECT name::timestamptz FROM users', /may read text as timestamptz/],
  [`SELECT (data ->> 'at')::date FROM users`, /may read text as date/],
  ['SELECT d::date FROM (SELECT name AS d FROM users) x', /may read text as date/],
  ['SELECT at::date FROM (SELECT name AS at FROM users) x', /may read text as date/],
  ['SELECT day::date FROM (SELECT day(u) FROM users u) x', /may read text as date/],
  ['SELECT date(name) FROM users', /may read text as date/],
  ['SELECT * FROM json_to_record($$[]$$) AS x (a date)', /may read text as date/],
  ['SELECT * FROM users TABLESAMPLE SYSTEM (10)', /samples/],
  ['SELECT * FROM users FOR UPDATE', /locks rows/],
  ['SELECT ctid FROM users', /ctid changes without/],
  ['SELECT u.xmax FROM users u', /xmax changes without/],
  [`SELECT nextval('numbers')`, /nextval/],
  ['SELECT last_value FROM numbers', /numbers is a sequence/],
  ['SELECT * FROM fast', /fast is unlogged/],
  ['SELECT * FROM far', /far is a foreign table/],
  ['SELECT * FROM pg_class', /pg_catalog.pg_class is a catalog/],
  ['SELECT * FROM information_schema.tables', /is a catalog of the system/],
  ['SELECT * FROM catalog', /pg_catalog.pg_class is a catalog/],
  [`SELECT 'users'::regclass`, /names of the catalog/],
  [`SELECT tableoid::regclass FROM users`, /names of the catalog/],
  [`SELECT has_table_privilege('users', 'SELECT')`, /has_table_privilege/],
  [`SELECT table_to_xml('users', true, true, '')`, /table_to_xml/],
  ['SELECT * FROM recent', /now\(\)/],
  ['SELECT * FROM dice', /random\(\)/],
  ['SELECT * FROM locked', /the view locked locks rows/],
  ['SELECT * FROM sampled', /the view sampled samples/],
  ['SELECT * FROM dated', /the view dated reads text as a date/],
  ['SELECT old_sum(1)', /app.old_sum\(\), which is in sql and cannot be looked into/],
  ['SELECT * FROM summed_old', /app.old_sum\(\)/],
  ['SELECT loose_sum(1)', /loose_sum\(\), which is declared volatile/],
  ['SELECT defaulted(1)', /now\(\)/],
  ['SELECT * FROM defaulted_view', /now\(\)/],
  ['SELECT as_other(1)', /app.as_other\(\), which sets the role/],
  ['SELECT clock()', /now\(\)/],
  ['SELECT procedural(1)', /procedural\(\), which is in plpgsql/],
  ['SELECT total(id) FROM users', /app.total\(\)/],
  ['SELECT k.label FROM kinds k', /app.label\(\)/],
  ['SELECT * FROM users, procedural(id)', /procedural/],
  [`SELECT 'x'::known`, /app.sees\(\)/],
  [`SELECT ROW(1, 'x')::checked`, /app.sees\(\)/],
  [`SELECT known('x')`, /app.sees\(\)/],
  [`SELECT * FROM json_to_record('{}') AS x (a known)`, /app.sees\(\)/],
  ['SELECT price = price FROM priced', /app.same\(\)|app.to_text\(\)/],
  // Where a cast is done unasked the text does not tell.
  ['SELECT id FROM priced', /app.to_text\(\)/],
  [`SELECT price || 'x' FROM priced`, /app.to_text\(\)/],
  ['SELECT 1 <!> 2', /app.far_from\(\)/],
  ['SELECT 1 OPERATOR(app.<!>) 2', /app.far_from\(\)/],
  [`SELECT name % 'x' FROM users`, /similarity_op/],
  ['SELECT * FROM nothing', /nothing is not known/],
  ['SELECT nothing(1)', /nothing\(\) is not known/],
  ['SELECT 1::nothing', /type nothing is not known/],
  [`SELECT current_setting(name) FROM users`, /computes the name of the setting/],
  ['SELECT pg_typeof(id) FROM users', /pg_typeof/],
  ['SELECT u.pg_column_size FROM users u', /pg_column_size/],
  [`SELECT pg_partition_root('events')`, /pg_partition_root/],
  ['SELECT 1; SELECT 2', /not one statement/],
  ['INSERT INTO users (id) VALUES (1) RETURNING id', /not a query/],
  ['WITH x AS (DELETE FROM users RETURNING id) SELECT * FROM x', /deletes/],
  ['SELECT FROM', /cannot be parsed/],
  ['SELECT * INTO copied FROM users', /SELECT INTO/],
  ['SELECT * FROM pg_temp.users', /temporary table/],
];

beforeAll(loadParser);

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let client: pg.Client & AsyncDisposable;
  let member: PlainRole;

  beforeAll(async () => {
    database = await testDatabase(major);
    await database.query(schema);
    client = await session(database.url);
    await client.query('SET search_path = app, public');
    member = await plainRole(database);
    await database.query(`GRANT USAGE ON SCHEMA app, other TO ${member.name}`);
    await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA app TO ${member.name}`);
  });

  afterAll(async () => {
    await client.end();
    await member[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  async function resolve(text: string, on: pg.Client = client, declared: DeclaredFunctions = {}) {
    const catalog = await readCatalog(on);
    const answer = dependenciesOf(text, catalog, await readSession(on), declared);
    if (!answer.cacheable) return { ...answer, names: [] };
    const names = answer.tables.map((oid) => {
      const relation = catalog.relation(oid);
      return relation ? `${relation.schema}.${relation.name}` : '?';
    });
    return { ...answer, names: names.toSorted() };
  }

  test('depends on what the server says, and on no more', async () => {
    const catalog = await readCatalog(client);
    const asked = await readSession(client);
    for (const [text, tables] of cacheable) {
      const answer = dependenciesOf(text, catalog, asked);
      expect(answer, text).toMatchObject({ cacheable: true });
      const oracle = await dependedOnBy(client, text);
      const found = answer.cacheable ? answer.tables : [];
      const names = found.map((oid) => `${catalog.relation(oid)?.schema}.${catalog.relation(oid)?.name}`);
      expect(names.toSorted(), text).toEqual(tables);
      expect(oracle, text).toBeDefined();
      const missing = oracle?.relations.filter(({ oid }) => !found.includes(oid));
      expect(missing, text).toEqual([]);
    }
  });

  test('refuses what cannot be kept true, and says why', async () => {
    const catalog = await readCatalog(client);
    const asked = await readSession(client);
    for (const [text, reason] of refused) {
      const answer = dependenciesOf(text, catalog, asked);
      expect(answer, text).toEqual({ cacheable: false, reason: expect.stringMatching(reason) });
    }
  });

  test('ONLY leaves children out', async () => {
    expect((await resolve('SELECT * FROM ONLY animals')).names).toEqual(['app.animals']);
    expect((await resolve('SELECT * FROM ONLY animals, dogs')).names).toEqual([
      'app.animals',
      'app.dogs',
      'app.puppies',
    ]);
    expect((await resolve('SELECT * FROM ONLY animals a, animals b')).names).toHaveLength(3);
  });

  test('materialised views are told apart', async () => {
    const catalog = await readCatalog(client);
    const oid = catalog.relationNamed('app', 'totals')?.oid;
    expect(await resolve('SELECT * FROM totals_view')).toMatchObject({ materializedViews: [oid] });
    expect(await resolve('SELECT * FROM users')).toMatchObject({ materializedViews: [] });
  });

  test('names are found as search_path says', async () => {
    await using on = await session(database.url);
    const orders = async (path: string) => {
      await on.query(`SET search_path = ${path}`);
      return resolve('SELECT * FROM orders', on);
    };
    expect((await orders('app, other')).names).toEqual(['app.orders']);
    expect((await orders('other, app')).names).toEqual(['other.orders']);
    expect((await orders('nowhere, other')).names).toEqual(['other.orders']);
    expect(await orders('public')).toMatchObject({ cacheable: false });
    expect(await resolve(`SELECT lower('A')`, on)).toMatchObject({ cacheable: true });
    // A function of the same name and types comes before the built-in one only behind an explicit pg_catalog.
    await on.query('SET search_path = other, pg_catalog');
    expect(await resolve(`SELECT lower('A')`, on)).toMatchObject({ cacheable: false });
    await on.query('CREATE TABLE other.pg_class (id int)');
    expect((await resolve('SELECT * FROM pg_class', on)).names).toEqual(['other.pg_class']);
    await on.query('DROP TABLE other.pg_class');
  });

  test('"$user" is the role, and schemas without the right to use them are left out', async () => {
    await database.query(`CREATE SCHEMA ${member.name}; CREATE TABLE ${member.name}.orders (id int)`);
    await using on = await session(member.url);
    await on.query('SET search_path = "$user", app');
    expect((await resolve('SELECT * FROM orders', on)).names).toEqual(['app.orders']);
    await database.query(`GRANT USAGE ON SCHEMA ${member.name} TO ${member.name}`);
    expect((await resolve('SELECT * FROM orders', on)).names).toEqual([`${member.name}.orders`]);
    await database.query(`DROP SCHEMA ${member.name} CASCADE`);
  });

  test('temporary tables hide others', async () => {
    await using on = await session(database.url);
    await on.query('SET search_path = app');
    await on.query('CREATE TEMP TABLE users (id int)');
    expect(await resolve('SELECT * FROM users', on)).toMatchObject({
      reason: 'users is a temporary table of this session',
    });
    expect((await resolve('SELECT * FROM app.users', on)).names).toEqual(['app.users']);
    expect((await resolve('SELECT * FROM orders', on)).names).toEqual(['app.orders']);
    // Not those of others.
    expect((await resolve('SELECT * FROM users')).names).toEqual(['app.users']);
    await on.query('CREATE TEMP TABLE cats () INHERITS (app.animals)');
    expect(await resolve('SELECT * FROM animals', on)).toMatchObject({
      reason: 'a temporary table of this session inherits from one of its tables',
    });
    expect((await resolve('SELECT * FROM animals')).names).toHaveLength(3);
  });

  test('policies count for those to whom they apply', async () => {
    await using on = await session(member.url);
    await on.query('SET search_path = app');
    expect(await resolve('SELECT * FROM secrets', on)).toMatchObject({
      names: ['app.members', 'app.secrets'],
      keyInputs: ['role'],
    });
    expect(await resolve('SELECT * FROM rented', on)).toMatchObject({ keyInputs: ['app.tenant', 'role'] });
    expect(await resolve('SELECT * FROM guarded', on)).toMatchObject({
      reason: 'it calls app.sees(), which is in plpgsql and cannot be looked into',
    });
    // The superuser's own sessions are exempt; so are views with a superuser's rights.
    expect(await resolve('SELECT * FROM secrets')).toMatchObject({ names: ['app.secrets'] });
    expect(await resolve('SELECT * FROM guarded')).toMatchObject({ names: ['app.guarded'] });
    expect(await resolve('SELECT * FROM open_secrets', on)).toMatchObject({
      names: ['app.open_secrets', 'app.secrets'],
    });
    expect(await resolve('SELECT * FROM own_secrets', on)).toMatchObject({
      names: ['app.members', 'app.own_secrets', 'app.secrets'],
    });
  });

  test('functions run as who asks, or as their owner', async () => {
    await using on = await session(member.url);
    await on.query('SET search_path = app');
    const both = ['app.members', 'app.secrets'];
    expect(await resolve('SELECT count_secrets()', on)).toMatchObject({ names: both });
    expect(await resolve('SELECT count_as_owner()', on)).toMatchObject({ names: ['app.secrets'] });
    // The rights of a view's owner are for its tables, not for its functions.
    expect(await resolve('SELECT * FROM counted', on)).toMatchObject({ names: ['app.counted', ...both] });
    await database.query(`ALTER FUNCTION app.count_as_owner() OWNER TO ${member.name}`);
    expect(await resolve('SELECT count_as_owner()')).toMatchObject({ names: both });
    await database.query('ALTER FUNCTION app.count_as_owner() OWNER TO CURRENT_USER');
  });

  test('texts are refused whose constants would be read otherwise', async () => {
    await using on = await session(database.url);
    await on.query('SET standard_conforming_strings = off');
    expect(await resolve('SELECT 1', on)).toMatchObject({
      reason: 'standard_conforming_strings is off, so that its constants are others than they seem',
    });
  });

  test('an owner is exempt unless the table forces it', async () => {
    await database.query(`ALTER TABLE app.secrets OWNER TO ${member.name}`);
    await using on = await session(member.url);
    expect(await resolve('SELECT * FROM app.secrets', on)).toMatchObject({ names: ['app.secrets'] });
    await database.query('ALTER TABLE app.secrets FORCE ROW LEVEL SECURITY');
    expect(await resolve('SELECT * FROM app.secrets', on)).toMatchObject({ names: ['app.members', 'app.secrets'] });
    await database.query('ALTER TABLE app.secrets NO FORCE ROW LEVEL SECURITY, OWNER TO CURRENT_USER');
  });

  test('settings and roles that are asked for become part of the key', async () => {
    expect(await resolve(`SELECT current_setting('App.Tenant', true), id FROM users`)).toMatchObject({
      keyInputs: ['app.tenant', 'role'],
    });
    expect(await resolve('SELECT * FROM tenant')).toMatchObject({ keyInputs: ['app.tenant', 'role'] });
    expect(await resolve('SELECT session_user')).toMatchObject({ keyInputs: ['role', 'session_user'] });
    expect(await resolve('SELECT current_user')).toMatchObject({ keyInputs: ['role'] });
  });

  test('functions can be declared', async () => {
    const declared: DeclaredFunctions = {
      'app.old_sum': { tables: ['app.orders'], settings: ['App.Tenant'] },
      procedural: {},
      total: {},
    };
    expect(await resolve('SELECT old_sum(1)', client, declared)).toMatchObject({
      names: ['app.orders'],
      keyInputs: ['app.tenant', 'role'],
    });
    expect(await resolve('SELECT procedural(1), total(id) FROM users', client, declared)).toMatchObject({
      names: ['app.users'],
    });
    expect(await resolve('SELECT * FROM summed_old', client, declared)).toMatchObject({
      names: ['app.orders', 'app.summed_old', 'app.users'],
    });
    expect(await resolve('SELECT sees($1)', client, declared)).toMatchObject({ cacheable: false });
  });
});
