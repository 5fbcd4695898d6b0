import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database[Symbol.asyncDispose]());

interface Counted {
  pool: Pool;
  closed: string[];
  /** Most connections that were open at the same time, by the pool's own count and by the server's. */
  most: { pool: number; server: number };
  /** Looks now. */
  look(): Promise<void>;
}

function counted(options: PoolOptions): Counted {
  const closed: string[] = [];
  const most = { pool: 0, server: 0 };
  const application_name = `sizing ${Math.random()}`;
  const pool = new Pool({
    connectionString: database.url,
    application_name,
    observer: { connectionClosed: (_, reason) => void closed.push(reason) },
    ...options,
  });
  const look = async (): Promise<void> => {
    most.pool = Math.max(most.pool, pool.totalCount);
    const sql = 'SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = $1';
    const [row] = await database.query<{ open: number }>(sql, [application_name]);
    most.server = Math.max(most.server, row?.open ?? 0);
  };
  return { pool, closed, most, look };
}

test('open connections follow the load, up to max and down to min', async () => {
  const { pool, closed, most, look } = counted({ max: 8, min: 2, lanes: 0, idleTimeoutMillis: 300 });
  await using _ = pool;
  const done = new AbortController();
  const load = Promise.all(
    Array.from({ length: 40 }, async () => {
      for (let i = 0; i < 15; i++) await pool.query('SELECT pg_sleep(0.02)');
    }),
  ).finally(() => done.abort());
  while (!done.signal.aborted) await look();
  await load;
  expect(most.pool).toBe(8);
  // A connection that is being closed is still the server's for a moment.
  expect(most.server).toBeLessThanOrEqual(8);
  const [endpoint] = pool.stats().endpoints;
  expect(endpoint?.size).toMatchObject({ meanHeldMs: expect.any(Number), meanConnectMs: expect.any(Number) });
  expect(endpoint?.size.meanHeldMs).toBeGreaterThan(19);
  expect(endpoint?.size.meanConnectMs).toBeGreaterThan(0);
  await expect.poll(() => pool.stats().endpoints[0]?.size.load).toBeGreaterThan(1);

  await expect.poll(() => pool.totalCount).toBe(2);
  await expect.poll(() => closed).toEqual(Array.from({ length: 6 }, () => 'idle'));
  // What is kept is warm, and is used again.
  const before = closed.length;
  await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 2')]);
  expect([pool.totalCount, closed.length]).toEqual([2, before]);
});

test('connections past their lifetime are replaced, not in the middle of work', async () => {
  const { pool, closed } = counted({ max: 4, lanes: 1, laneLimitMillis: 50, maxLifetimeSeconds: 1 });
  await using _ = pool;
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await expect
    .poll(
      async () => {
        await Promise.all(Array.from({ length: 10 }, (__, i) => pool.query('SELECT $1::int', [i])));
        return closed.filter((reason) => reason === 'maxLifetime reached').length;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(2);
  expect((await client.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(rows);
  const before = closed.length;
  client.release();
  await expect.poll(() => closed.length).toBeGreaterThan(before);
});

test('maxOverflow is the most that is ever open beyond max', async () => {
  const { pool, most, look } = counted({ max: 3, maxOverflow: 2, lanes: 0, connectionTimeoutMillis: 2000 });
  await using _ = pool;
  const done = new AbortController();
  const settled = Promise.allSettled(Array.from({ length: 12 }, () => pool.query('SELECT pg_sleep(0.7)'))).finally(() =>
    done.abort(),
  );
  while (!done.signal.aborted) await look();
  expect((await settled).map(({ status }) => status)).toContain('fulfilled');
  expect(most.pool).toBe(5);
  expect(most.server).toBeLessThanOrEqual(5);
  await expect.poll(() => pool.totalCount).toBeLessThanOrEqual(3);
});

test('a pool can be warmed: as many as min, or as are asked for', async () => {
  const { pool } = counted({ max: 4, min: 2, lanes: 0 });
  await using _ = pool;
  expect(pool.totalCount).toBe(0);
  await pool.warm();
  expect({ total: pool.totalCount, idle: pool.idleCount }).toEqual({ total: 2, idle: 2 });
  await pool.warm(10);
  expect(pool.idleCount).toBe(4);
});

test('warming a pool whose server is away fails as connecting does', async () => {
  await using pool = new Pool({ host: '127.0.0.1', port: 1, failoverTimeoutMillis: 0 });
  await expect(pool.warm()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect.poll(() => pool.totalCount).toBe(0);
});
