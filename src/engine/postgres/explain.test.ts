import { describe, expect, test } from 'vitest';
import { plainRole, session, watched } from '../../../test/support/catalog.ts';
import { sharedMajors, testDatabase, type TestDatabase } from '../../../test/support/postgres.ts';
import { explainStatement } from './index.ts';

async function shop(major: number): Promise<TestDatabase> {
  const database = await testDatabase(major);
  await database.query(`
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (id int PRIMARY KEY, at timestamptz DEFAULT now(), note text);
    INSERT INTO shop.orders SELECT i FROM generate_series(1, 1000) i;
    CREATE TABLE public.marks (what text);
    CREATE FUNCTION public.mark(what text) RETURNS int LANGUAGE plpgsql VOLATILE AS
      $$ BEGIN INSERT INTO public.marks VALUES (what); RETURN 1; END $$;
  `);
  await database.query(`VACUUM ANALYZE shop.orders`);
  return database;
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('plans with and without placeholders, as the application would have it planned', async () => {
    await using database = await shop(major);
    await using target = await watched(database.url);
    const explain = (text: string, searchPath?: string) =>
      explainStatement(target.connection, target.profile, searchPath === undefined ? { text } : { text, searchPath });
    const plain = await explain(`SELECT * FROM shop.orders WHERE id = 7`);
    expect(plain).toMatchObject({ generic: false, plan: { Plan: { 'Node Type': 'Index Scan', Schema: 'shop' } } });
    expect(plain.text).toContain('Index Scan using orders_pkey');
    const generic = await explain(`SELECT * FROM orders WHERE id = $1 -- the key`, 'shop');
    expect(generic).toMatchObject({ generic: true, plan: { Plan: { 'Index Cond': '(orders.id = $1)' } } });
    expect(generic.totalCost).toBeCloseTo(plain.totalCost, 5);
    await expect(explain(`SELECT * FROM orders`)).rejects.toMatchObject({ code: 'E_QUERY', sqlState: '42P01' });
    expect(await explain(`SELECT count(*) FROM shop.orders WHERE at > now() - INTERVAL $1`)).toMatchObject({
      generic: true,
    });
    expect(await explain(`SELECT * FROM shop.orders WHERE id IN ($1 /*, ... */)`)).toMatchObject({ generic: true });
    expect(await explain(`/* a /* nested */ comment */ (SELECT 1) UNION SELECT 2;`)).toMatchObject({ generic: false });
    for (const text of [
      `INSERT INTO shop.orders (id) VALUES ($1)`,
      `UPDATE shop.orders SET note = $2 WHERE id = $1`,
      `DELETE FROM shop.orders`,
      `WITH gone AS (DELETE FROM shop.orders RETURNING id) SELECT count(*) FROM gone`,
      `SELECT public.mark('select')`,
    ]) {
      expect((await explain(text)).totalCost).toBeGreaterThan(0);
    }
    expect(await database.query(`SELECT count(*)::int AS n FROM shop.orders`)).toEqual([{ n: 1000 }]);
    expect(await database.query(`SELECT * FROM marks`)).toEqual([]);
  });

  test('partitions are not pruned by a value that nobody gave', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE p (id int) PARTITION BY LIST (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
      CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
    `);
    await using target = await watched(database.url);
    const { text } = await explainStatement(target.connection, target.profile, {
      text: `SELECT * FROM p WHERE id = $1`,
    });
    // Without GENERIC_PLAN there is no way to ask without giving a value.
    expect(text).toContain(major >= 16 ? 'Seq Scan on public.p2'.replace('public.', '') : 'Subplans Removed');
  });

  test('nothing that a hostile text holds is run', async () => {
    await using database = await shop(major);
    await using target = await watched(database.url);
    const hostile = [
      `SELECT 1; SELECT public.mark('second')`,
      `SELECT 1; COMMIT; INSERT INTO public.marks VALUES ('committed')`,
      `SELECT 1;;DROP TABLE public.marks`,
      `ANALYZE SELECT public.mark('analyze')`,
      `(ANALYZE) SELECT public.mark('option')`,
      `(ANALYZE true, FORMAT JSON) SELECT public.mark('options')`,
      `EXECUTE pitcrew_1(public.mark('argument'))`,
      `/* /* */ SELECT 1 */ EXECUTE pitcrew_1(public.mark('argument'))`,
      `-- SELECT\rEXECUTE pitcrew_1(public.mark('argument'))`,
      `CREATE TABLE x AS EXECUTE pitcrew_1(public.mark('argument'))`,
      `DO $$ BEGIN PERFORM public.mark('do'); END $$`,
      `CALL public.mark('call')`,
      `COPY (SELECT public.mark('copy')) TO PROGRAM 'true'`,
      `SET ROLE pg_monitor`,
      `COMMIT`,
      `ROLLBACK; INSERT INTO public.marks VALUES ('rolled back')`,
      `DECLARE c CURSOR WITH HOLD FOR SELECT public.mark('cursor')`,
      `SELECT $a$ ; $a$; SELECT public.mark('quoted')`,
      `SELECT E'\\'; SELECT public.mark(''escaped'') --'; SELECT public.mark('after')`,
      `SELECT 1\0; SELECT public.mark('zero')`,
      ``,
      `  -- nothing`,
      `;`,
      `/* open`,
    ];
    for (const text of hostile) {
      const outcome = await explainStatement(target.connection, target.profile, { text }).then(
        () => 'planned',
        (error: { code: string }) => error.code,
      );
      expect(outcome, text).toMatch(/^E_(QUERY|UNSUPPORTED|BAD_REQUEST)$/);
    }
    expect(await database.query(`SELECT * FROM public.marks`)).toEqual([]);
    const [left] = await target.connection.run<{ prepared: number; path: string; role: string; self: string }>(
      `SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name = 'pitcrew_explain') AS "prepared",
              current_setting('search_path') AS "path", current_setting('role') AS "role"`,
    );
    expect(left).toEqual({ prepared: 0, path: 'pg_catalog', role: 'none' });
  });

  test('what PostgreSQL says comes with SQLSTATE and a hint', async () => {
    await using database = await shop(major);
    await using target = await watched(database.url);
    const explain = (text: string) => explainStatement(target.connection, target.profile, { text });
    await expect(explain(`SELECT * FROM shop.orders WHERE note = 'cut o`)).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '42601',
      hint: expect.stringContaining('track_activity_query_size'),
    });
    await expect(explain(`SELECT 1; SELECT 2`)).rejects.toMatchObject({
      hint: expect.stringContaining('one statement'),
    });
    await expect(explain(`VACUUM shop.orders`)).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      message: 'VACUUM has no plan',
    });
    await expect(explain(`EXPLAIN SELECT 1`)).rejects.toMatchObject({
      hint: expect.stringContaining('without EXPLAIN'),
    });
    await using holder = await session(database.url);
    await holder.query(`BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE`);
    await expect(explain(`SELECT * FROM shop.orders`)).rejects.toMatchObject({
      sqlState: '55P03',
      hint: expect.stringContaining('lock'),
    });
    await holder.query(`ROLLBACK`);
    await using role = await plainRole(database);
    await using plain = await watched(role.url);
    const refused = explainStatement(plain.connection, plain.profile, {
      text: `SELECT * FROM public.marks WHERE what = $1`,
    });
    await expect(refused).rejects.toMatchObject({
      sqlState: '42501',
      hint: expect.stringContaining('pg_read_all_data'),
    });
    expect(await explainStatement(plain.connection, plain.profile, { text: 'SELECT $1::int' })).toMatchObject({
      generic: true,
    });
  });
});
