import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PoolWarning } from '../../src/client/observer.ts';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database[Symbol.asyncDispose]());

function open(options: PoolOptions): Pool & { warnings: PoolWarning[] } {
  const warnings: PoolWarning[] = [];
  const observer = { warned: (warning: PoolWarning) => void warnings.push(warning) };
  return Object.assign(new Pool({ connectionString: database.url, observer, ...options }), { warnings });
}

test('whoever waits in vain is told who holds what', async () => {
  await using pool = open({ max: 2, connectionTimeoutMillis: 2000, leakDetectionMillis: 60_000 });
  const client = await pool.connect();
  await client.query('SELECT 1 AS held');
  const { promise, resolve } = Promise.withResolvers<void>();
  const transaction = pool.transaction(async (inside) => {
    await inside.query('SELECT 2 AS inside');
    await promise;
  });
  await expect.poll(() => pool.idleCount + pool.totalCount).toBe(2);
  const byWhom = /2 of 2 connections are open, 0 idle[^]*exhausted\.test\.ts:\d+[^]*exhausted\.test\.ts:\d+/;
  await Promise.all(
    [pool.connect(), pool.query('SELECT 3')].map((refused) =>
      expect(refused).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT', detail: expect.stringMatching(byWhom) }),
    ),
  );
  expect(pool.waitingCount).toBe(0);
  // Whoever looks after the application hears of it as well: once, however many wait.
  expect(pool.warnings).toEqual([
    { code: 'exhausted', message: expect.stringMatching(/are in use/), detail: expect.stringMatching(byWhom) },
  ]);
  resolve();
  await transaction;
  client.release();
  expect((await pool.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
});

test('a client that is never released is told of, with the line that took it', async () => {
  await using pool = open({ max: 2, leakDetectionMillis: 50 });
  const client = await pool.connect();
  await expect.poll(() => pool.warnings).toHaveLength(1);
  expect(pool.warnings[0]).toMatchObject({ code: 'leak' });
  expect(JSON.stringify(pool.warnings[0])).toMatch(/exhausted\.test\.ts:\d+/);
  client.release();
});

test('transactions that each wait for one more connection do not wait for ever', async () => {
  await using pool = open({ max: 2, connectionTimeoutMillis: 20_000 });
  const bothIn = Promise.withResolvers<void>();
  let inside = 0;
  const nested = (): Promise<unknown> =>
    pool.transaction(async (client) => {
      await client.query('SELECT 1');
      inside += 1;
      if (inside === 2) bothIn.resolve();
      await bothIn.promise;
      return pool.query('SELECT pg_sleep(0)');
    });
  const results = await Promise.allSettled([nested(), nested()]);
  expect(results.map(({ status }) => status).toSorted()).toContain('rejected');
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'E_POOL_DEADLOCK' } });
  expect(pool.warnings.map(({ code }) => code)).toContain('pool-deadlock');
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('maxOverflow serves those who have waited for half of their time, and is closed after', async () => {
  await using pool = open({ max: 2, lanes: 0, maxOverflow: 1, connectionTimeoutMillis: 3000 });
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  const began = performance.now();
  const third = await pool.connect();
  expect(performance.now() - began).toBeGreaterThan(1400);
  await expect(pool.connect()).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' });
  expect(pool.totalCount).toBe(3);
  for (const client of [third, ...clients]) client.release();
  await expect.poll(() => pool.totalCount).toBe(2);
});
