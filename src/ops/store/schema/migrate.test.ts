import pg from 'pg';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
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
