import pg from 'pg';
import { expect, test } from 'vitest';
import { testDatabase } from './postgres.ts';
import { statement, tcpProxy } from './tcp-proxy.ts';

test('passes on, goes silent without a word and comes back, resets, refuses', async () => {
  await using database = await testDatabase();
  await using proxy = await tcpProxy(database.url);
  const client = new pg.Client(proxy.url(database.url));
  const errors: Error[] = [];
  client.on('error', (error) => errors.push(error));
  await client.connect();
  const large = await client.query("SELECT repeat('x', 5000000) AS text, $1::text AS back", ['y'.repeat(3_000_000)]);
  expect(large.rows[0].text).toHaveLength(5_000_000);
  expect(large.rows[0].back).toHaveLength(3_000_000);

  proxy.silence();
  let answered = false;
  const held = client.query('SELECT 1 AS one').then((result) => {
    answered = true;
    return result;
  });
  // The server is not told: it has no statement but this one.
  await database.query('SELECT pg_sleep(0.05)');
  expect(answered).toBe(false);
  expect(errors).toEqual([]);
  proxy.resume();
  expect((await held).rows).toEqual([{ one: 1 }]);

  proxy.delay(30);
  const began = performance.now();
  await client.query('SELECT 1');
  expect(performance.now() - began).toBeGreaterThanOrEqual(50);
  proxy.delay(0);

  proxy.cut();
  await expect(client.query('SELECT 1')).rejects.toThrow();
  await expect.poll(() => proxy.open).toBe(0);
  proxy.refuse(true);
  await expect(new pg.Client(proxy.url(database.url)).connect()).rejects.toThrow();
  expect(proxy.accepted).toBe(2);
});

test.each(['cut before', 'swallow', 'cut after', 'lose answers'] as const)('fails at a message: %s', async (fault) => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE seen (n int)');
  await using proxy = await tcpProxy(database.url);
  const client = new pg.Client(proxy.url(database.url));
  client.on('error', () => {});
  await client.connect();
  const met = proxy.failAt(statement(/INSERT/), fault);
  await client.query('SELECT 1');
  let ended = false;
  const inserting = client.query('INSERT INTO seen VALUES ($1)', [1]).catch(() => {
    ended = true;
  });
  await met;
  if (fault.startsWith('cut')) await inserting;
  const reached = fault === 'cut after' || fault === 'lose answers' ? 1 : 0;
  await expect.poll(async () => database.query('SELECT n FROM seen')).toHaveLength(reached);
  expect(ended).toBe(fault.startsWith('cut'));
});
