import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { applicationReport, reportedStatement } from '../../../../test/support/reports.ts';
import { testStore } from '../../../../test/support/store.ts';
import { first } from './first.ts';
import { migrate } from './migrate.ts';

const second = { number: 2, name: 'notes', sql: () => 'CREATE TABLE pitcrew.note (text text)' };
const broken = { number: 3, name: 'broken', sql: () => 'CREATE TABLE pitcrew.half (id integer); SELECT 1 / 0' };

test('applies what is missing, in order and each as a whole', async () => {
  await using database = await testDatabase();
  const client = new pg.Client(database.url);
  await client.connect();
  const applied = async (): Promise<number[]> =>
    (await database.query<{ number: number }>('SELECT number FROM pitcrew.migration ORDER BY number')).map(
      ({ number }) => number,
    );

  await migrate(client, [first]);
  await database.query("INSERT INTO pitcrew.target (name) VALUES ('main')");
  await migrate(client, [first, second]);
  await migrate(client, [first, second]);
  expect(await applied()).toEqual([1, 2]);
  expect(await database.query('SELECT name FROM pitcrew.target')).toEqual([{ name: 'main' }]);

  await expect(migrate(client, [first, second, broken])).rejects.toMatchObject({ code: '22012' });
  expect(await applied()).toEqual([1, 2]);
  expect(await database.query("SELECT to_regclass('pitcrew.half') AS half")).toEqual([{ half: null }]);
  await expect(migrate(client, [first])).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
  await client.end();
});

test('a store of the first schema goes on with its history, and gets what came later', async () => {
  await using database = await testDatabase();
  const client = new pg.Client(database.url);
  await client.connect();
  await migrate(client, [first]);
  await client.end();
  await database.query("INSERT INTO pitcrew.target (name) VALUES ('main')");
  await database.query(`
    INSERT INTO pitcrew.statement (target_id, database, username, query_id, toplevel, text, first_seen, last_seen)
    VALUES (1, 'shop', 'app', '1', true, 'SELECT 1', now(), now())`);
  await using store = await testStore(database.url);
  await vi.waitFor(
    async () => {
      expect((await store.history.statement(1, 1))?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    },
    { timeout: 20_000 },
  );
  const now = new Date();
  const report = applicationReport({ statements: [reportedStatement('ab', [1])] }, now);
  expect(await store.report({ targetId: 1, report, at: now, arrivedAt: now })).toBe(true);
});
