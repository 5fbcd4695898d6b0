import { expect, test } from 'vitest';
import { Pool } from '../../src/client/pool/index.ts';
import { testDatabase } from '../support/postgres.ts';

/**
 * The spike of HikariCP's "Welcome to the Jungle": opening a connection takes 150 ms, the work 2 ms, and 50 callers come at
 * once to a cold pool that may have 50 connections. By the time a connection is open, few are needed.
 */
test('a spike on a cold pool is served by few connections', async () => {
  await using database = await testDatabase();
  const opened: number[] = [];
  await using pool = new Pool({
    connectionString: database.url,
    max: 50,
    connectionTimeoutMillis: 0,
    onConnect: async (client) => {
      await client.query('SELECT pg_sleep(0.15)');
    },
    observer: { connectionOpened: (_endpoint, tookMs) => void opened.push(tookMs) },
  });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => pool.query<{ i: number }>('SELECT $1::int AS i, pg_sleep(0.002)', [i])),
  );
  expect(answers.map(({ rows }) => rows[0]?.i)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(opened.length).toBeLessThanOrEqual(10);
});
