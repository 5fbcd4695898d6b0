import { expect, test } from 'vitest';
import { session } from '../../../../test/support/catalog.ts';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { heard } from '../../../../test/support/triggered.ts';
import { makeTriggers } from './make-triggers.ts';
import { removeTriggers } from './remove-triggers.ts';

/** What there is of ours. */
async function leftIn(database: TestDatabase): Promise<unknown> {
  const [found] = await database.query(`
    SELECT (SELECT count(*)::int4 FROM pg_trigger WHERE tgname LIKE 'pitcrew%') AS triggers,
           (SELECT count(*)::int4 FROM pg_proc WHERE proname LIKE 'tell_changes%') AS functions,
           to_regnamespace('pitcrew') IS NOT NULL AS schema`);
  return found;
}

async function shop(database: TestDatabase): Promise<void> {
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  await database.query('CREATE TABLE "Odd name" (a int, b text, PRIMARY KEY (a, b))');
  await database.query('CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)');
  await database.query('CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10)');
  await using client = await session(database.url);
  expect((await makeTriggers(client)).made).toEqual(['public.t', 'public."Odd name"', 'public.parts', 'public.part']);
}

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: all of ours goes, and a stream that has no consent is refused then',
  async (major) => {
    await using database = await testDatabase(major);
    await shop(database);
    expect(await leftIn(database)).toEqual({ triggers: 16, functions: 2, schema: true });
    await using client = await session(database.url);
    expect(await removeTriggers(client)).toEqual({ tables: ['t', '"Odd name"', 'parts', 'part'], left: [] });
    expect(await leftIn(database)).toEqual({ triggers: 0, functions: 0, schema: false });
    expect(await removeTriggers(client)).toEqual({ tables: [], left: [] });
    await using it = await heard(database.url, { createTriggers: false });
    expect(it.stream.stats().state).toBe('refused');
  },
);

test('what else is in the schema stays, and so does what cannot be locked in time', async () => {
  await using database = await testDatabase();
  await shop(database);
  await database.query('CREATE TABLE pitcrew.history (id int)');
  await using client = await session(database.url);
  await using writer = await session(database.url);
  await writer.query('BEGIN');
  await writer.query('INSERT INTO t VALUES (1)');
  expect(await removeTriggers(client)).toEqual({
    tables: ['"Odd name"', 'parts', 'part'],
    left: [
      {
        message: expect.stringMatching(/^the triggers of t could not be removed: .*lock timeout/),
        hint: expect.any(String),
      },
    ],
  });
  expect(await leftIn(database)).toEqual({ triggers: 4, functions: 2, schema: true });
  await writer.query('COMMIT');
  expect(await removeTriggers(client)).toEqual({ tables: ['t'], left: [] });
  expect(await leftIn(database)).toEqual({ triggers: 0, functions: 0, schema: true });
});

test('all of it can be removed by hand', async () => {
  await using database = await testDatabase();
  await shop(database);
  await database.query(`DROP FUNCTION pitcrew.${await nameOfOne(database)}() CASCADE`);
  expect(await leftIn(database)).toMatchObject({ functions: 1 });
  await database.query(`
    DO $$
    DECLARE f regprocedure;
    BEGIN
      SET LOCAL lock_timeout = '2s';
      FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace('pitcrew') AND proname ~ '^tell_changes_v' LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', f);
      END LOOP;
      DROP SCHEMA pitcrew;
    END $$`);
  expect(await leftIn(database)).toEqual({ triggers: 0, functions: 0, schema: false });
});

async function nameOfOne(database: TestDatabase): Promise<string> {
  const [found] = await database.query<{ name: string }>(
    `SELECT proname AS name FROM pg_proc WHERE proname LIKE 'tell_changes%' LIMIT 1`,
  );
  return found?.name ?? '';
}
