import { expect, test } from 'vitest';
import { type CachingPool, createPool, type CreatePoolOptions } from '../../src/index.ts';
import { type TestDatabase } from '../support/postgres.ts';
import { quietServers } from '../support/quiet-servers.ts';
import { eventually } from '../support/replicated.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const quietDatabase = quietServers(18);

interface Shop extends AsyncDisposable {
  database: TestDatabase;
  pool: CachingPool;
}

async function shop(cache: (database: TestDatabase) => CreatePoolOptions['cache'] = () => ({})): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await quietDatabase());
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL);
    INSERT INTO orders SELECT i, 'open' FROM generate_series(1, 3000) i;
  `);
  const pool = stack.use(
    createPool({
      connectionString: database.url,
      telemetry: false,
      cache: { changes: { createPublication: 'tables' }, ...cache(database) },
    }),
  );
  await eventually(() => pool.cached.stats().truth).toBe('stream');
  const owned = stack.move();
  return { database, pool, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const byId = 'SELECT id, status FROM orders WHERE id = $1';
const statusOf = async (pool: CachingPool, id: number): Promise<unknown> =>
  (await pool.query<{ status: string }>(byId, [id], { cache: '1m' })).rows[0]?.status;

async function kept(pool: CachingPool, id: number): Promise<void> {
  await eventually(async () => {
    const before = pool.cached.stats().memoryHits;
    await statusOf(pool, id);
    return pool.cached.stats().memoryHits - before;
  }).toBe(1);
}

test('no more results are kept than may be, and what is let go is not remembered', async () => {
  await using it = await shop(() => ({ memory: { maxEntries: 500 } }));
  const { database, pool } = it;
  await kept(pool, 1);
  for (let from = 0; from < 3000; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, id) => statusOf(pool, from + id + 1)));
  }
  const { memory } = pool.cached.stats();
  expect(memory.entries).toBe(500);
  expect(memory.evictions).toBeGreaterThan(2400);
  const { givenUp } = pool.cached.stats();
  await database.query(`UPDATE orders SET status = 'paid'`);
  await eventually(() => pool.cached.stats().memory.entries).toBe(0);
  expect(pool.cached.stats().givenUp.change - givenUp.change).toBe(500);
});

test('large results take no more memory than they may', async () => {
  await using it = await shop(() => ({ memory: { maxBytes: 1_000_000, maxResultBytes: 300_000 } }));
  const { pool } = it;
  await kept(pool, 1);
  const large = `SELECT id, repeat('x', $1::int) AS text FROM orders WHERE id <= $2`;
  for (let size = 1; size <= 40; size++) await pool.query(large, [2000 + size, 100], { cache: '1m' });
  const { memory, refused } = pool.cached.stats();
  expect(memory.bytes).toBeLessThanOrEqual(1_000_000);
  expect(memory.entries).toBeLessThan(6);
  expect(memory.evictions).toBeGreaterThan(30);
  await pool.query(large, [4000, 100], { cache: '1m' });
  expect(pool.cached.stats().refused['too large']).toBe(refused['too large'] + 1);
});

test('a pool that ends while results are loaded gives what was asked for, and nothing after', async () => {
  await using it = await shop();
  const { database, pool } = it;
  await kept(pool, 1);
  const slow = 'SELECT count(*)::int AS n FROM orders, generate_series(1, $1::int)';
  const loads = Array.from({ length: 6 }, (_, i) => pool.query(slow, [200 + i], { cache: '1m' }));
  const joined = pool.query(slow, [200], { cache: '1m' });
  const ended = pool.end();
  await expect(pool.query(byId, [1], { cache: '1m' })).rejects.toThrow('end');
  const counts = (await Promise.all([...loads, joined])).map(({ rows }) => (rows[0] as { n: number }).n);
  expect(counts).toEqual([200, 201, 202, 203, 204, 205, 200].map((times) => times * 3000));
  await ended;
  await eventually(() =>
    database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`),
  ).toHaveLength(0);
});

test('when nothing is heard of changes for too long nothing that is kept is given, until it is', async () => {
  await using stack = new AsyncDisposableStack();
  const proxies: Awaited<ReturnType<typeof tcpProxy>>[] = [];
  await using it = await shop((database) => ({
    changes: {
      createPublication: 'tables',
      maxLagMs: 1000,
      connection: async () => {
        const proxy = stack.use(await tcpProxy(database.url));
        proxies.push(proxy);
        return { connectionString: proxy.url(database.url) };
      },
    },
  }));
  const { database, pool } = it;
  await kept(pool, 1);
  for (const proxy of proxies) proxy.silence();
  await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
  await eventually(() => statusOf(pool, 1)).toBe('paid');
  await eventually(() => pool.cached.stats().truth).toBe('nothing');
  await database.query(`UPDATE orders SET status = 'sent' WHERE id = 1`);
  expect(await statusOf(pool, 1)).toBe('sent');
  for (const proxy of proxies) proxy.resume();
  await eventually(() => pool.cached.stats().truth).toBe('stream');
  await kept(pool, 1);
  expect(await statusOf(pool, 1)).toBe('sent');
});
