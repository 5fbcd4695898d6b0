import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type CachingPool, createPool, type CreatePoolOptions } from '../../src/index.ts';
import { sharedMajors, type TestDatabase } from '../support/postgres.ts';
import { quietServers } from '../support/quiet-servers.ts';
import { eventually } from '../support/replicated.ts';

const quietDatabase = quietServers(...sharedMajors());

interface Shop extends AsyncDisposable {
  database: TestDatabase;
  pool: CachingPool;
}

type Options = Omit<CreatePoolOptions, 'cache'> & { cache?: CreatePoolOptions['cache'] };

const changes = { createPublication: 'tables' } as const;

async function shop(options: Options = {}, major = 18): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await quietDatabase(major));
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, status text NOT NULL DEFAULT 'open', placed timestamptz DEFAULT '2026-01-01');
    INSERT INTO orders SELECT i, i % 3 FROM generate_series(1, 30) i;
    CREATE TABLE lines (order_id int REFERENCES orders ON DELETE CASCADE, line int, note json, PRIMARY KEY (order_id, line));
    INSERT INTO lines SELECT i, 1, '{"a": [1]}' FROM generate_series(1, 30) i;
    CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
    CREATE TABLE names (name text PRIMARY KEY, n int);
    INSERT INTO names VALUES (U&'\\FFFD', 1);
  `);
  const pool = stack.use(
    createPool({ connectionString: database.url, telemetry: false, ...options, cache: { changes, ...options.cache } }),
  );
  await pool.cached.ready();
  const owned = stack.move();
  return { database, pool, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const byId = 'SELECT id, status FROM orders WHERE id = $1';
const byCustomer = 'SELECT count(*)::int AS n FROM orders WHERE customer = $1 AND status = $2';

/** Asks until the answer comes from memory, so that nothing is in between any more. */
async function kept(pool: CachingPool, text: string, values: unknown[]): Promise<unknown[]> {
  let rows: unknown[] = [];
  await eventually(async () => {
    const before = pool.cached.stats().memoryHits;
    ({ rows } = await pool.query(text, values, { cache: '1m' }));
    return pool.cached.stats().memoryHits - before;
  }).toBe(1);
  return rows;
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('what was read is kept, until somebody changes it', async () => {
    await using it = await shop({}, major);
    const { database, pool } = it;
    expect(pool.cached.stats()).toMatchObject({ truth: 'stream', isReader: true });
    expect(await kept(pool, byId, [1])).toEqual([{ id: 1, status: 'open' }]);
    expect(await kept(pool, byCustomer, [1, 'open'])).toEqual([{ n: 10 }]);
    await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
    await eventually(async () => (await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([
      { id: 1, status: 'paid' },
    ]);
    await eventually(async () => (await pool.query(byCustomer, [1, 'open'], { cache: '1m' })).rows).toEqual([{ n: 9 }]);
    expect(await kept(pool, byId, [1])).toEqual([{ id: 1, status: 'paid' }]);
  });

  test('of a row that a statement names by its key, changes of others do not count', async () => {
    await using it = await shop({}, major);
    const { database, pool } = it;
    await kept(pool, byId, [1]);
    await kept(pool, byId, [2]);
    const { misses } = pool.cached.stats();
    await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
    await eventually(async () => (await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([
      { id: 1, status: 'paid' },
    ]);
    await pool.query(byId, [2], { cache: '1m' });
    expect(pool.cached.stats().misses).toBe(misses + 1);
  });

  test('what this pool writes is seen at once', async () => {
    await using it = await shop({}, major);
    const { pool } = it;
    for (let round = 1; round <= 100; round++) {
      const status = `round ${round}`;
      await pool.query(byId, [1], { cache: '1m' });
      if (round % 2 === 0) await pool.query('UPDATE orders SET status = $1 WHERE id = 1', [status]);
      else {
        await pool.transaction(async (client) => {
          await client.query('UPDATE orders SET status = $1 WHERE id = 1', [status]);
          // What is not committed is nobody else's.
          const { rows } = await client.query({ text: byId, values: [1], cache: '1m' } as pg.QueryConfig);
          expect(rows).toEqual([{ id: 1, status }]);
        });
      }
      expect((await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([{ id: 1, status }]);
    }
  });
});

test('what is behind foreign keys and views counts', async () => {
  await using it = await shop();
  const { database, pool } = it;
  const lines = 'SELECT count(*)::int AS n FROM lines';
  const open = 'SELECT count(*)::int AS n FROM open_orders';
  expect(await kept(pool, lines, [])).toEqual([{ n: 30 }]);
  expect(await kept(pool, open, [])).toEqual([{ n: 30 }]);
  await pool.query('DELETE FROM orders WHERE id = 30');
  expect((await pool.query(lines, [], { cache: '1m' })).rows).toEqual([{ n: 29 }]);
  expect((await pool.query(open, [], { cache: '1m' })).rows).toEqual([{ n: 29 }]);
  await kept(pool, lines, []);
  await database.query('DELETE FROM orders WHERE id = 29');
  await eventually(async () => (await pool.query(lines, [], { cache: '1m' })).rows).toEqual([{ n: 28 }]);
});

test('each caller has a result of their own, by type parsers of their own', async () => {
  await using it = await shop();
  const { pool } = it;
  const text = 'SELECT note, placed FROM lines JOIN orders ON id = order_id WHERE order_id = $1';
  const values = [1];
  const plain = await pool.query<{ note: { a: number[] } }>(text, values);
  const [row] = (await kept(pool, text, values)) as { note: { a: number[] }; placed: Date }[];
  expect(row).toEqual(plain.rows[0]);
  expect(row?.placed).toBeInstanceOf(Date);
  row?.note.a.push(2);
  const again = await pool.query<{ note: { a: number[] } }>(text, values, { cache: '1m' });
  expect(again.rows[0]?.note).toEqual({ a: [1] });
  expect(again.fields.map(({ name }) => name)).toEqual(['note', 'placed']);
  expect(again).toMatchObject({ rowCount: 1, command: 'SELECT' });
  const { memoryHits } = pool.cached.stats();
  const listed = await pool.query({ text, values, rowMode: 'array', cache: '1m' });
  expect(listed.rows).toEqual([[{ a: [1] }, row?.placed]]);
  const texts = { getTypeParser: () => (value: string) => value };
  const raw = await pool.query({ text, values, types: texts as never, cache: '1m' });
  expect(raw.rows).toEqual([{ note: '{"a": [1]}', placed: expect.stringMatching(/^2026-01-01|^2025-12-31/) }]);
  await new Promise<void>((resolve, reject) => {
    pool.query({ text, values, cache: '1m' } as pg.QueryConfig, (error, { rows }) => {
      if (error) reject(error);
      expect(rows).toEqual([{ note: { a: [1] }, placed: row?.placed }]);
      resolve();
    });
  });
  expect(pool.cached.stats().memoryHits).toBe(memoryHits + 3);
});

test('a statement that many want at once is run once, and whoever gives up does not hold up the others', async () => {
  await using it = await shop();
  const { database, pool } = it;
  const text = 'SELECT count(*)::int AS n FROM orders, generate_series(1, $1::int)';
  expect((await pool.cached.explain(text, [200_000])).cacheable).toBe(true);
  const { misses } = pool.cached.stats();
  const control = new AbortController();
  const given = pool.query({ text, values: [200_000], signal: control.signal, cache: '1m' });
  const others = Array.from({ length: 50 }, () => pool.query(text, [200_000], { cache: '1m' }));
  control.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  for (const { rows } of await Promise.all(others)) expect(rows).toEqual([{ n: 6_000_000 }]);
  expect(pool.cached.stats()).toMatchObject({ misses: misses + 1, joined: 50 });
  // Whom nobody waits for is stopped.
  const alone = new AbortController();
  const slow = pool.query({ text, values: [50_000_000], signal: alone.signal, cache: '1m' });
  const running = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT count(*)::int AS n FROM orders, %' AND state = 'active'`;
  await eventually(() => database.query(running)).toEqual([{ n: 1 }]);
  alone.abort(new Error('enough'));
  await expect(slow).rejects.toThrow('enough');
  await eventually(() => database.query(running)).toEqual([{ n: 0 }]);
});

test('errors are those of the statement, and are not kept', async () => {
  await using it = await shop();
  const { pool } = it;
  const text = 'SELECT 1 / (id - $1::int) AS one FROM orders WHERE id = 1';
  for (let i = 0; i < 2; i++) {
    await expect(pool.query(text, [1], { cache: '1m' })).rejects.toMatchObject({ code: '22012' });
  }
  expect((await pool.query(text, [0], { cache: '1m' })).rows).toEqual([{ one: 1 }]);
  await expect(pool.query('SELECT nothing FROM nowhere', [], { cache: '1m' })).rejects.toMatchObject({ code: '42P01' });
});

test('policies keep without being asked, and never against their word', async () => {
  await using it = await shop({
    cache: {
      tables: { orders: '1m', lines: false },
      statements: [{ match: /\bcustomer = 2\b/, ttl: false }],
    },
  });
  const { pool } = it;
  await kept(pool, byId, [1]);
  const hits = async (text: string, values?: unknown[]): Promise<number> => {
    const before = pool.cached.stats().memoryHits;
    await pool.query(text, values);
    await pool.query(text, values);
    return pool.cached.stats().memoryHits - before;
  };
  expect(await hits(byId, [1])).toBe(2);
  expect(await hits('SELECT count(*) FROM orders WHERE customer = 2')).toBe(0);
  expect(await hits('SELECT count(*) FROM orders JOIN lines ON id = order_id')).toBe(0);
  expect(await hits('SELECT 1 AS one')).toBe(0);
  expect(await pool.cached.explain('SELECT * FROM lines')).toEqual({ cacheable: false, reason: 'a policy says never' });
  expect(await pool.cached.explain(byId, [1])).toMatchObject({
    cacheable: true,
    tables: ['orders'],
    ttlMs: 60_000,
    automatic: true,
    byKey: true,
  });
  const before = pool.cached.stats().memoryHits;
  await pool.query({ text: byId, values: [1], cache: false });
  expect(pool.cached.stats().memoryHits).toBe(before);
});

test('times to live are kept to: of the result, and of who asks', async () => {
  await using it = await shop();
  const { pool } = it;
  await kept(pool, byId, [1]);
  const { misses } = pool.cached.stats();
  await eventually(async () => {
    await pool.query(byId, [1], { cache: 1 });
    return pool.cached.stats().misses;
  }).toBeGreaterThan(misses);
  await expect(pool.query(byId, [1], { cache: 'soon' })).rejects.toMatchObject({ code: 'E_USAGE' });
});

test('definitions that change void everything', async () => {
  await using it = await shop();
  const { database, pool } = it;
  const open = 'SELECT count(*)::int AS n FROM open_orders';
  expect(await kept(pool, open, [])).toEqual([{ n: 30 }]);
  await database.query(
    `CREATE OR REPLACE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open' AND customer = 1`,
  );
  await eventually(async () => (await pool.query(open, [], { cache: '1m' })).rows).toEqual([{ n: 10 }]);
  await database.query(`CREATE TABLE later (id int PRIMARY KEY)`);
  await eventually(async () => (await pool.query('SELECT * FROM later', [], { cache: '1m' })).rows).toEqual([]);
});

test('a definition that this pool changes is another one at once', async () => {
  await using it = await shop();
  const { pool } = it;
  const open = 'SELECT count(*)::int AS n FROM open_orders';
  for (let n = 30; n > 20; n--) {
    expect(await kept(pool, open, [])).toEqual([{ n }]);
    const text = `CREATE OR REPLACE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open' AND id < ${n}`;
    if (n % 2) await pool.transaction((client) => client.query(text));
    else await pool.query(text);
    // What is kept is given again.
    await kept(pool, byId, [1]);
    expect((await pool.query(open, [], { cache: '1m' })).rows).toEqual([{ n: n - 1 }]);
  }
});

test('a text that the driver writes otherwise is the key of another row', async () => {
  await using it = await shop();
  const { database, pool } = it;
  const byName = 'SELECT n FROM names WHERE name = $1';
  expect(await pool.cached.explain(byName, ['a'])).toMatchObject({ cacheable: true, byKey: true });
  expect(await kept(pool, byName, ['\ud800'])).toEqual([{ n: 1 }]);
  await database.query('UPDATE names SET n = 2');
  await eventually(async () => (await pool.query(byName, ['\ud800'], { cache: '1m' })).rows).toEqual([{ n: 2 }]);
});

test('sessions that differ do not share results', async () => {
  await using it = await shop({ lanes: 0, max: 1, min: 1 });
  const { database, pool } = it;
  await database.query(
    `CREATE SCHEMA other; CREATE TABLE other.orders (id int PRIMARY KEY, status text); INSERT INTO other.orders VALUES (1, 'other')`,
  );
  await eventually(() => pool.cached.stats().changes?.epochs).toBeGreaterThan(1);
  await kept(pool, byId, [1]);
  // The only connection of the pool is another one from now on; the next results are not what its key says.
  await pool.query('SET search_path = other');
  const { session } = pool.cached.stats().refused;
  expect((await pool.query(byId, [2], { cache: '1m' })).rows).toEqual([]);
  expect(pool.cached.stats().refused.session).toBe(session + 1);
  await pool.query('RESET search_path');
  expect((await pool.query(byId, [2], { cache: '1m' })).rows).toEqual([{ id: 2, status: 'open' }]);
});

test('row security goes by the role and by settings', async () => {
  await using database = await quietDatabase();
  await database.query(`
    CREATE TABLE notes (id int PRIMARY KEY, tenant text NOT NULL);
    INSERT INTO notes VALUES (1, 'a'), (2, 'b');
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE notes FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true));
    DO $$ BEGIN CREATE ROLE cache_tenant LOGIN PASSWORD 'tenant'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    GRANT SELECT ON notes TO cache_tenant;
  `);
  const asTenant = (tenant: string): CachingPool =>
    createPool({
      connectionString: database.url.replace(/\/\/[^@]*@/, '//cache_tenant:tenant@'),
      options: `-c app.tenant=${tenant}`,
      telemetry: false,
      cache: { changes: { ...changes, connection: { connectionString: database.url } } },
    });
  await using one = asTenant('a');
  await using other = asTenant('b');
  for (const [pool, id] of [
    [one, 1],
    [other, 2],
  ] as const) {
    await pool.cached.ready();
    expect(pool.cached.stats().truth).toBe('stream');
    expect(await kept(pool, 'SELECT id FROM notes', [])).toEqual([{ id }]);
  }
});

test('without the right to replicate, own writes count and time bounds the rest', async () => {
  await using database = await quietDatabase();
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, status text); INSERT INTO orders VALUES (1, 'open');
    DO $$ BEGIN CREATE ROLE cache_reader LOGIN PASSWORD 'reader'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    GRANT SELECT, UPDATE ON orders TO cache_reader;
  `);
  await using pool = createPool({
    connectionString: database.url.replace(/\/\/[^@]*@/, '//cache_reader:reader@'),
    telemetry: false,
    cache: {},
  });
  await pool.cached.ready();
  expect(pool.cached.stats()).toMatchObject({
    truth: 'own writes',
    reason: expect.stringContaining('may not replicate'),
  });
  expect(await kept(pool, byId, [1])).toEqual([{ id: 1, status: 'open' }]);
  await pool.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
  expect((await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([{ id: 1, status: 'paid' }]);
  await kept(pool, byId, [1]);
  await database.query(`UPDATE orders SET status = 'sent' WHERE id = 1`);
  expect((await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([{ id: 1, status: 'paid' }]);
  await eventually(async () => (await pool.query(byId, [1], { cache: 50 })).rows).toEqual([{ id: 1, status: 'sent' }]);
});

test('while changes are not known nothing that was kept is given', async () => {
  await using it = await shop();
  const { database, pool } = it;
  await kept(pool, byId, [1]);
  await database.query('ALTER PUBLICATION pitcrew RENAME TO elsewhere');
  await database.query(
    `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database() AND active`,
  );
  await eventually(() => pool.cached.stats().truth).not.toBe('stream');
  await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
  expect((await pool.query(byId, [1], { cache: '1m' })).rows).toEqual([{ id: 1, status: 'paid' }]);
});

test('what is given up by hand is given up', async () => {
  await using it = await shop();
  const { pool } = it;
  await kept(pool, byId, [1]);
  const { misses } = pool.cached.stats();
  expect(await pool.cached.invalidate('orders', 'public.lines', 'nothing')).toEqual(['nothing']);
  await pool.query(byId, [1], { cache: '1m' });
  expect(pool.cached.stats().misses).toBe(misses + 1);
  await pool.cached.clear();
  await pool.query(byId, [1], { cache: '1m' });
  expect(pool.cached.stats().misses).toBe(misses + 2);
  expect(pool.cached.stats().groups).toEqual([expect.objectContaining({ group: 'orders' })]);
});

test('what it does is told to the daemon, which can have results given up', async () => {
  await using it = await shop({ telemetry: {} });
  const { telemetry } = it.pool;
  await kept(it.pool, byId, [1]);
  expect(telemetry?.take().caches).toMatchObject([
    {
      name: 'queries',
      kind: 'queries',
      tiers: [{ name: 'memory', entries: 1 }],
      groups: [{ group: 'orders' }],
      stream: { truth: 'stream', state: 'open', leader: true },
    },
  ]);
  const command = { id: '1', cache: 'queries', action: 'invalidate', tables: ['orders', 'nothing'] } as const;
  expect(await telemetry?.runCacheCommand(command)).toEqual({ ok: true, detail: 'not known here: nothing' });
  expect(it.pool.cached.stats()).toMatchObject({ memory: { entries: 0 }, givenUp: { cleared: 1 } });
});
