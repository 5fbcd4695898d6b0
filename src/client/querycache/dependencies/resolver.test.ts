import { session } from '../../../../test/support/catalog.ts';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { beforeAll, expect, test } from 'vitest';
import { loadParser } from '../../../sql/index.ts';
import { type CatalogReader, createResolver, currentCatalog, readCatalog, readSession } from './index.ts';

beforeAll(loadParser);

test('the catalog is read once for all that ask, and anew after definitions changed', async () => {
  await using database = await testDatabase();
  await using client = await session(database.url);
  let readings = 0;
  let meanwhile: (() => Promise<void>) | undefined;
  const catalog = currentCatalog(async (work) => {
    readings += 1;
    const done = await work(client);
    await meanwhile?.();
    return done;
  });
  const { resolve } = createResolver(catalog);
  const asked = await readSession(client);
  expect(resolve('SELECT * FROM t', asked)).toBeUndefined();
  const [one, other] = await Promise.all([catalog.read(), catalog.read()]);
  expect(one).toBe(other);
  expect(readings).toBe(1);
  expect(resolve('SELECT * FROM t', asked)).toEqual({ cacheable: false, reason: 't is not known' });
  await database.query('CREATE TABLE t (id int)');
  expect(resolve('SELECT * FROM t', asked)).toMatchObject({ cacheable: false });
  catalog.invalidate();
  expect(resolve('SELECT * FROM t', asked)).toBeUndefined();
  // What is invalidated while it is read is read again.
  meanwhile = async () => {
    meanwhile = undefined;
    await database.query('CREATE VIEW v AS SELECT * FROM t');
    catalog.invalidate();
  };
  await catalog.read();
  expect(readings).toBe(3);
  const answer = resolve('SELECT * FROM v', asked);
  expect(answer).toMatchObject({ cacheable: true });
  expect(resolve('SELECT * FROM v', asked)).toBe(answer);
});

test('while definitions change all the time, nothing is known and nobody waits for ever', async () => {
  await using database = await testDatabase();
  await using client = await session(database.url);
  const catalog = currentCatalog(async (work) => {
    const done = await work(client);
    catalog.invalidate();
    return done;
  });
  await catalog.read();
  expect(catalog.known()).toBeUndefined();
});

test('answers are those of the session that asks', async () => {
  await using database = await testDatabase();
  await database.query(
    'CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int); CREATE VIEW b.t AS SELECT * FROM a.t',
  );
  await using client = await session(database.url);
  const catalog = currentCatalog((work) => work(client));
  await catalog.read();
  const { resolve } = createResolver(catalog);
  const tables = async (path: string) => {
    await client.query(`SET search_path = ${path}`);
    const answer = resolve('SELECT * FROM t', await readSession(client));
    return answer?.cacheable === true ? answer.tables.length : undefined;
  };
  expect(await tables('a')).toBe(1);
  expect(await tables('b')).toBe(2);
  expect(await tables('c')).toBeUndefined();
});

test('a reading that fails leaves the connection usable, and is tried again', async () => {
  await using database = await testDatabase();
  await using client = await session(database.url);
  const failing: CatalogReader = {
    query: (config) => (config.text.includes('pg_operator') ? client.query('SELECT 1 / 0') : client.query(config)),
  };
  let reader = failing;
  const catalog = currentCatalog((work) => work(reader));
  await expect(catalog.read()).rejects.toThrow('division by zero');
  expect(catalog.known()).toBeUndefined();
  reader = client;
  await expect(catalog.read()).resolves.toBeDefined();
});

test('type parsers of the application do not disturb', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await using client = await session(database.url);
  client.setTypeParser(26, () => 'odd');
  client.setTypeParser(16, () => 'odd');
  client.setTypeParser(25, () => 'odd');
  const catalog = await readCatalog(client);
  expect(catalog.relationNamed('public', 't')).toMatchObject({ kind: 'r', rowSecurity: false });
});

test('thousands of tables are read in a few statements', async () => {
  await using database = await testDatabase();
  await database.query(`
    DO $$ BEGIN
      FOR i IN 1..1000 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, at timestamptz)', i);
      END LOOP;
    END $$`);
  await using client = await session(database.url);
  let statements = 0;
  const counting: CatalogReader = {
    query: (config) => {
      statements += 1;
      return client.query(config);
    },
  };
  const catalog = await readCatalog(counting);
  expect(catalog.relationNamed('public', 't1000')).toBeDefined();
  expect(catalog.identityOf(catalog.relationNamed('public', 't7')?.oid ?? 0)).toEqual([
    { name: 'id', kind: 'integer' },
  ]);
  expect(statements).toBeLessThan(20);
});
