import { beforeAll, expect, test } from 'vitest';
import { plainRole, watched } from '../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { loadParser, rewritesOf } from '../../../sql/index.ts';
import { readRewriteCatalog, tablesNamed } from './catalog.ts';

beforeAll(() => loadParser());

test.each(testedMajors(18, 15))('only what is certain of a column is told (PostgreSQL %i)', async (major) => {
  await using database = await testDatabase(major);
  await database.query(`
    CREATE COLLATION blind (provider = icu, locale = 'und', deterministic = false);
    CREATE TABLE orders (id int PRIMARY KEY, "Näme" text, code text COLLATE blind, gone int, amount numeric(10, 2) NOT NULL);
    ALTER TABLE orders DROP COLUMN gone;
    CREATE VIEW recent AS SELECT id FROM orders;
    CREATE SCHEMA other;
    CREATE TABLE other.twice (id int PRIMARY KEY);
    CREATE TABLE twice (id int);
  `);
  if (major >= 18) await database.query('ALTER TABLE orders ADD CONSTRAINT late NOT NULL code NOT VALID');
  await using role = await plainRole(database);
  await using plain = await watched(role.url);
  const statement = 'SELECT 1 FROM orders, recent, twice, other.twice t2, nowhere';
  expect(tablesNamed(statement).toSorted()).toEqual(['nowhere', 'orders', 'recent', 'twice']);
  const catalog = await readRewriteCatalog(plain.connection, statement);
  const told = (name: string, schema?: string) =>
    catalog.columns({ schema, name })?.map((column) => [column.name, column.type, column.notNull]);
  expect(told('orders')).toEqual([
    ['id', 'int4', true],
    ['Näme', 'text', false],
    ['code', 'text (nondeterministic)', false],
    ['amount', 'numeric', true],
  ]);
  expect(told('recent')).toEqual([['id', 'int4', false]]);
  // Which of the two is meant depends on the search_path.
  expect(told('twice')).toBeUndefined();
  expect(told('twice', 'other')).toEqual([['id', 'int4', true]]);
  expect(told('nowhere')).toBeUndefined();
  expect(told('pg_class')).toBeUndefined();

  const like = rewritesOf(`SELECT id FROM orders WHERE "Näme" LIKE 'x' AND code LIKE 'y'`, catalog).rewrites ?? [];
  expect(like.map(({ rewritten }) => rewritten)).toEqual([
    `SELECT id FROM orders WHERE "Näme" = 'x' AND code LIKE 'y'`,
  ]);
});
