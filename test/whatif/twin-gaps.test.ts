import { expect, test } from 'vitest';
import { planShape } from '../../src/ops/whatif/index.ts';
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

test('what is LEAKPROOF is let below a view that is a security barrier, and triggers change no plan', async () => {
  await using database = await testDatabase(18);
  await database.query(`
    CREATE TABLE t (id int PRIMARY KEY, n int);
    INSERT INTO t SELECT i, i % 100 FROM generate_series(1, 5000) i;
    CREATE FUNCTION silent(a int, OUT yes bool) LANGUAGE plpgsql IMMUTABLE STRICT LEAKPROOF COST 3 AS $$
      BEGIN /*
 LEAKPROOF */ yes := a > 7;
      END $$;
    CREATE FUNCTION loud(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE STRICT COST 3 AS 'BEGIN RETURN $1 > 7; END';
    CREATE VIEW barred WITH (security_barrier) AS SELECT * FROM t WHERE n < 50;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER noted BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
    ANALYZE t;
  `);
  await using made = await twinOf(database.url);
  expect(made.twin.gaps).toEqual([]);
  const shapes = new Set<string>();
  for (const text of [
    'SELECT * FROM barred WHERE silent(id)',
    'SELECT * FROM barred WHERE loud(id)',
    'UPDATE t SET n = 1 WHERE id = 5',
  ]) {
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
      `EXPLAIN (FORMAT JSON, VERBOSE) ${text}`,
    );
    const planned = await made.twin.plan({ text });
    expect(planned.cost, text).toBe(row?.['QUERY PLAN'][0].Plan['Total Cost']);
    expect(planShape(planned.plan), text).toBe(planShape(row?.['QUERY PLAN'][0]));
    shapes.add(planShape(planned.plan));
  }
  expect(shapes.size).toBe(3);
});
