import { expect, test } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { twinOf } from '../support/whatif.ts';

test('what a twin does without is named, and everything else is there', async () => {
  await using database = await testDatabase(18);
  await database.query(`
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
    CREATE FOREIGN TABLE remote (id int) SERVER far;
    CREATE FUNCTION foreign_code(int) RETURNS int LANGUAGE internal IMMUTABLE COST 7 AS 'int4abs';
    CREATE FUNCTION is_near(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 3';
    CREATE OPERATOR <~> (FUNCTION = is_near, LEFTARG = int, RIGHTARG = int);
    CREATE FUNCTION add_up(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, 0) + $2';
    CREATE AGGREGATE total (int) (SFUNC = add_up, STYPE = int, INITCOND = '0');
    CREATE TEXT SEARCH CONFIGURATION ours (COPY = english);
    CREATE TABLE guarded (id int PRIMARY KEY, n int CHECK (foreign_code(n) > 0), near bool GENERATED ALWAYS AS (n <~> 5) STORED);
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON guarded USING (id > 0);
    CREATE INDEX guarded_code ON guarded (foreign_code(n));
    CREATE TABLE ruled (id int);
    CREATE RULE elsewhere AS ON INSERT TO ruled DO INSTEAD INSERT INTO guarded VALUES (NEW.id);
    INSERT INTO guarded SELECT i, i FROM generate_series(1, 5000) i;
    ANALYZE;
  `);
  await using made = await twinOf(database.url);
  expect(made.twin.gaps.map(({ subject }) => subject).toSorted()).toEqual([
    'defaults, checks and collations of public.guarded',
    'foreign table public.remote',
    'function public.foreign_code(integer)',
    'operator public.<~>',
    'row security of public.guarded',
    'rule elsewhere on public.ruled',
    'text search configuration public.ours',
  ]);
  for (const { reason } of made.twin.gaps) expect(reason).not.toBe('');
  const text = 'SELECT total(n) FROM guarded WHERE foreign_code(n) = 7 AND id < 1000';
  const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
  );
  const planned = await made.twin.plan({ text });
  expect(planned.usesExisting).toEqual([{ schema: 'public', name: 'guarded_code' }]);
  expect(planned.cost).toBe(row?.['QUERY PLAN'][0].Plan['Total Cost']);
});
