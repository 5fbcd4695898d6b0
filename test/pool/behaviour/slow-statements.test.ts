import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE items (id int PRIMARY KEY); INSERT INTO items SELECT generate_series(1, 1000)');
});
afterAll(() => database[Symbol.asyncDispose]());

const quick = 'SELECT id FROM items WHERE id = $1';
/** Keeps a CPU busy. */
const slow = 'SELECT count(*)::int AS n, max(md5(i::text)) AS most FROM generate_series(1, $1) AS i';
const rows = 200_000;

const gate = (pool: Pool) => pool.stats().endpoints[0]?.slow;

test('slow statements give way while quick ones suffer, and all of them are done', async () => {
  await using pool = new Pool({ connectionString: database.url, max: 16, connectionTimeoutMillis: 0 });
  for (let i = 1; i <= 3; i++) {
    await pool.query(quick, [i]);
    await pool.query(slow, [rows]);
  }
  let left = 60;
  const slowOnes = Array.from({ length: left }, () => pool.query(slow, [rows]).finally(() => (left -= 1)));
  const isDone = (): boolean => left === 0;
  let least = Infinity;
  const others = Array.from({ length: 20 }, async (_, caller) => {
    while (!isDone()) {
      const id = 1 + (caller % 1000);
      expect((await pool.query(quick, [id])).rows).toEqual([{ id }]);
      least = Math.min(least, gate(pool)?.limit ?? Infinity);
      await turn();
    }
  });
  const answers = await Promise.all(slowOnes);
  await Promise.all(others);
  expect(new Set(answers.map(({ rows: [row] }) => row.n))).toEqual(new Set([rows]));
  // As many as there are connections would have run at once.
  expect(least).toBeLessThan(12);
  expect(gate(pool)).toMatchObject({ running: 0, waiting: 0 });
}, 60_000);

test('slow statements run all at once where there are no quick ones', async () => {
  await using pool = new Pool({ connectionString: database.url, max: 12 });
  const sleep = 'SELECT pg_sleep(0.3)::text';
  for (let i = 0; i < 3; i++) await pool.query(sleep);
  const sleeping = Promise.all(Array.from({ length: 9 }, () => pool.query(sleep)));
  await expect.poll(() => gate(pool)?.running).toBe(9);
  await sleeping;
});

test('one that is given up while it waits for its turn does not run', async () => {
  await using pool = new Pool({ connectionString: database.url, max: 8, connectionTimeoutMillis: 300 });
  const sleep = 'SELECT pg_sleep(0.6)::text';
  for (let i = 0; i < 2; i++) await pool.query(sleep);
  const many = Array.from({ length: 8 }, () => pool.query(sleep));
  const given = pool.query({ text: sleep, signal: AbortSignal.timeout(50) });
  await expect(given).rejects.toMatchObject({ name: 'TimeoutError' });
  const ends = await Promise.allSettled(many);
  const refused = ends.filter(({ status }) => status === 'rejected');
  for (const end of refused) expect(end).toMatchObject({ reason: { code: 'E_POOL_TIMEOUT' } });
  expect(refused.length).toBeLessThan(many.length);
  expect(gate(pool)).toMatchObject({ running: 0, waiting: 0 });
});
