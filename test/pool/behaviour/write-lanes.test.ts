import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await database.query(
    'CREATE TABLE counts (id int PRIMARY KEY, n int); INSERT INTO counts SELECT generate_series(1, 50), 0',
  );
});
afterAll(() => database[Symbol.asyncDispose]());

test.each([4, 5, 8])('writes get a shared connection although transactions want all others, of %i', async (max) => {
  let opened = 0;
  let lanes = 0;
  await using pool = new Pool({
    connectionString: database.url,
    max,
    observer: {
      connectionOpened: () => void (opened += 1),
      statementEnded: (_, { lane, text }) => void (lanes += lane && text.startsWith('UPDATE') ? 1 : 0),
    },
  });
  const read = 'SELECT n FROM counts WHERE id = $1';
  const update = 'UPDATE counts SET n = n + 1 WHERE id = $1';
  for (let i = 0; i < 20; i++) await pool.query(read, [1]);
  const began = performance.now();
  let transactions = 0;
  let most = 0;
  /** On a busy machine it takes a while until there is something to judge. */
  const goesOn = (): boolean => {
    const seen = transactions > 100 && lanes > 0;
    return performance.now() - began < (seen ? 700 : 30_000);
  };
  await Promise.all([
    ...Array.from({ length: 20 }, async (_, i) => {
      while (goesOn()) {
        await pool.transaction(async (client) => {
          await client.query(read, [i]);
          await client.query(read, [i]);
        });
        transactions += 1;
        most = Math.max(most, pool.totalCount);
      }
    }),
    ...Array.from({ length: 10 }, async (_, i) => {
      while (goesOn()) {
        await pool.query(update, [i + 20]);
      }
    }),
  ]);
  expect(most).toBeLessThanOrEqual(max);
  // Not closed and opened again and again to make room.
  expect(opened).toBeLessThanOrEqual(max * 2);
  expect(transactions).toBeGreaterThan(100);
  expect(lanes).toBeGreaterThan(0);
});
