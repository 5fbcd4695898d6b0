import { expect, test } from 'vitest';
import type { TwinProgress } from '../../src/ops/whatif/index.ts';
import { testDatabase } from '../support/postgres.ts';
import { hypothetical, twinOf } from '../support/whatif.ts';

test('of a selection of tables, the twin has these and what they are parts of', async () => {
  await using database = await testDatabase(18);
  await database.query(`
    CREATE TABLE wanted (id int PRIMARY KEY);
    CREATE TABLE other (id int PRIMARY KEY);
    CREATE TABLE refers (id int REFERENCES other, wanted int REFERENCES wanted);
    CREATE TABLE parts (day date) PARTITION BY RANGE (day);
    CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE VIEW of_wanted AS SELECT * FROM wanted;
    CREATE VIEW of_other AS SELECT * FROM other;
  `);
  const tables = ['wanted', 'refers', 'parts_old'].map((name) => ({ schema: 'public', name }));
  await using made = await twinOf(database.url, { tables });
  expect(made.twin.gaps).toEqual([]);
  for (const name of ['wanted', 'refers', 'parts', 'of_wanted']) {
    expect((await made.twin.plan({ text: `SELECT * FROM ${name}` })).cost, name).toBeGreaterThan(0);
  }
  for (const name of ['other', 'of_other']) {
    await expect(made.twin.plan({ text: `SELECT * FROM ${name}` }), name).rejects.toMatchObject({ sqlState: '42P01' });
  }
});

test('settings are those of the role and the database that statements are planned for', async () => {
  await using database = await testDatabase(18);
  const role = `app_${database.name}`;
  await database.query(`
    CREATE ROLE ${role};
    CREATE SCHEMA ${role};
    CREATE TABLE ${role}.here (id int);
    CREATE TABLE big AS SELECT i % 100 AS k, repeat('x', 100) AS pad FROM generate_series(1, 20000) i;
    ANALYZE;
    ALTER DATABASE ${database.name} SET random_page_cost = 7;
    ALTER ROLE ${role} SET enable_hashagg = off;
    ALTER ROLE ${role} IN DATABASE ${database.name} SET work_mem = '64kB';
  `);
  try {
    await using plain = await twinOf(database.url);
    await using ofRole = await twinOf(database.url, { role });
    const text = 'SELECT pad, count(*) FROM big GROUP BY pad';
    const real = async (settings: string): Promise<number | undefined> => {
      await database.query(`SET random_page_cost = 7; ${settings}`);
      const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
        `EXPLAIN (FORMAT JSON) ${text}`,
      );
      return row?.['QUERY PLAN'][0].Plan['Total Cost'];
    };
    expect((await plain.twin.plan({ text })).cost).toBe(await real(''));
    expect((await ofRole.twin.plan({ text })).cost).toBe(await real(`SET enable_hashagg = off; SET work_mem = '64kB'`));
    // "$user" in the search path.
    await expect(ofRole.twin.plan({ text: 'SELECT * FROM here' })).resolves.toMatchObject({ uses: [] });
    await expect(plain.twin.plan({ text: 'SELECT * FROM here' })).rejects.toMatchObject({ sqlState: '42P01' });
  } finally {
    await database.query(`DROP OWNED BY ${role} CASCADE; DROP SCHEMA ${role} CASCADE; DROP ROLE ${role}`);
  }
});

test('progress is told, and the work is called off', async () => {
  await using database = await testDatabase(18);
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  const stages = new Set<TwinProgress['stage']>();
  await using made = await twinOf(database.url, { onProgress: ({ stage }) => stages.add(stage) });
  expect([...stages]).toEqual(['catalog', 'server', 'schema', 'indexes', 'statistics', 'sizes']);
  expect(made.twin.carried).toEqual({ tables: 1, indexes: 1, columns: 0 });
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(twinOf(database.url, { signal })).rejects.toThrow('enough');
});

test('an index with the id of another takes its place, and one of the database is not overwritten', async () => {
  await using database = await testDatabase(18);
  await database.query(`
    CREATE TABLE t (a int, b int, c int);
    INSERT INTO t SELECT i, i % 1000, i % 3 FROM generate_series(1, 20000) i;
    CREATE INDEX taken ON t (c);
    CREATE STATISTICS t_both (ndistinct) ON b, c FROM t;
    ANALYZE t;
  `);
  await using made = await twinOf(database.url);
  const { twin } = made;
  const byA = { text: 'SELECT * FROM t WHERE a = 7' };
  const byB = { text: 'SELECT * FROM t WHERE b = 7' };
  expect((await twin.plan(byA, { add: [hypothetical('same', 't', ['a'])] })).uses).toEqual(['same']);
  expect((await twin.plan(byB, { add: [hypothetical('same', 't', ['b'])] })).uses).toEqual(['same']);
  expect((await twin.plan(byA, { add: [hypothetical('same', 't', ['b'])] })).uses).toEqual([]);
  await expect(twin.plan(byA, { add: [hypothetical('taken', 't', ['a'])] })).rejects.toMatchObject({
    sqlState: '42P07',
  });
  // Several calls at once are served one after the other, each under its own indexes.
  const [one, two] = await Promise.all([
    twin.plan(byA, { add: [hypothetical('a1', 't', ['a'])] }),
    twin.plan(byA, { add: [hypothetical('b1', 't', ['b'])] }),
  ]);
  expect([one.uses, two.uses]).toEqual([['a1'], []]);
});
