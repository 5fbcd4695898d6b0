import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE steps (n int)');
});
afterAll(() => database[Symbol.asyncDispose]());

/** Sessions that a pool has on the server. */
const sessions = async (name: string): Promise<number> => {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = '${name}'`,
  );
  return row?.n ?? -1;
};

test('a shared connection that is just being opened is closed before the pool has ended', async () => {
  const name = 'ending while opening';
  let hooks = 0;
  const opening = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const pool = new Pool({
    connectionString: database.url,
    application_name: name,
    max: 8,
    onConnect: async () => {
      hooks += 1;
      if (hooks < 2) return;
      opening.resolve();
      await go.promise;
    },
  });
  // Its own connection first: the next one is shared.
  await pool.query('SHOW search_path');
  await pool.query('SELECT 1 AS one');
  await opening.promise;
  let isOver = false;
  const end = pool.end().then(() => (isOver = true));
  await delay(100);
  expect(isOver).toBe(false);
  go.resolve();
  await end;
  await expect.poll(() => sessions(name)).toBe(0);
});

test('statements that wait for room on shared connections are answered before the pool has ended', async () => {
  const shared: boolean[] = [];
  const pool = new Pool({
    connectionString: database.url,
    max: 4,
    lanes: 1,
    // However busy the machine is, the statement is quick enough to share a connection, and waits for as long as it takes.
    laneLimitMillis: 5000,
    connectionTimeoutMillis: 0,
    observer: { statementEnded: (_, { lane }) => void shared.push(lane) },
  });
  const text = 'SELECT $1::int AS n';
  while (!shared.at(-1)) await pool.query(text, [0]);
  let answered = 0;
  const all = Array.from({ length: 2000 }, async (_, n) => {
    const { rows } = await pool.query(text, [n]);
    expect(rows).toEqual([{ n }]);
    answered += 1;
  });
  await pool.end();
  expect(answered).toBe(all.length);
  // Those that had room; the rest had waited for it.
  const sharing = shared.filter(Boolean).length;
  expect(sharing).toBeGreaterThan(1);
  expect(sharing).toBeLessThan(all.length);
  await Promise.all(all);
});

test('a statement that is stopped on a shared connection and runs again is answered before the pool has ended', async () => {
  const shared: boolean[] = [];
  const pool = new Pool({
    connectionString: database.url,
    max: 4,
    lanes: 1,
    // However busy the machine is, the statement is quick enough to share a connection.
    laneLimitMillis: 5000,
    observer: { statementEnded: (_, { lane }) => void shared.push(lane) },
  });
  const text = 'SELECT pg_sleep($1)::text AS slept';
  while (!shared.at(-1)) await pool.query(text, [0]);
  let answered = false;
  const slept = pool.query(text, [0.6]).then(() => (answered = true));
  expect(pool.stats().endpoints[0]?.laneStatements).toBe(1);
  await pool.end();
  expect(answered).toBe(true);
  await slept;
});
