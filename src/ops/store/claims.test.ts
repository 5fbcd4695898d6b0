import { expect, test } from 'vitest';
import { testDatabase } from '../../../test/support/postgres.ts';
import { statementBatch, statementDelta, testStore } from '../../../test/support/store.ts';
import type { Store } from './index.ts';

const start = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;

async function callsOf(store: Store, targetId: number): Promise<number> {
  const range = { from: new Date(start), to: new Date(start + 3_600_000) };
  return (await store.history.statements({ targetId, ...range, orderBy: 'calls', limit: 1 })).totals.calls;
}

function append(store: Store, targetId: number, calls: number): void {
  store.append(statementBatch(targetId, start + 1000, [statementDelta('1', { calls })]));
}

/** Ends the sessions that hold a claim, as a lost network does. */
const killOwners = `
  SELECT pg_terminate_backend(pid)
  FROM   pg_locks
  WHERE  locktype = 'advisory' AND objsubid = 2 AND objid > 0
  AND    database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

test('of two daemons one writes for a database, and the other takes over when it ends', async () => {
  await using database = await testDatabase();
  await using second = await testStore(database.url);
  const targetId = await second.target('main');
  {
    await using first = await testStore(database.url);
    expect(await first.claim(targetId)).toBe(true);
    expect(await first.claim(targetId)).toBe(true);
    expect(await second.claim(targetId)).toBe(false);
    // Another database is another matter.
    expect(await second.claim(await second.target('other'))).toBe(true);
    append(first, targetId, 1);
    await first.flush();
    append(second, targetId, 10);
    await expect(second.flush()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
    expect(second.status()).toMatchObject({ waitingBatches: 0, lostBatches: 1 });
    expect(await callsOf(second, targetId)).toBe(1);
  }
  await expect.poll(() => second.claim(targetId)).toBe(true);
  append(second, targetId, 100);
  await second.flush();
  expect(await callsOf(second, targetId)).toBe(101);
});

test('a claim that is lost with its session is taken again by itself', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  const owners = async (): Promise<number> =>
    (await database.query(killOwners.replace('pg_terminate_backend(pid)', 'pid'))).length;
  expect(await owners()).toBe(1);
  await database.query(killOwners);
  await expect.poll(owners, { timeout: 20_000 }).toBe(1);
  append(store, targetId, 1);
  await store.flush();
  expect(await callsOf(store, targetId)).toBe(1);
});

test('what waited in a daemon that was cut off is not written after another has taken over', async () => {
  await using outside = await testDatabase();
  await using database = await testDatabase();
  await using first = await testStore(database.url);
  await using second = await testStore(database.url);
  const targetId = await first.target('main');
  await first.claim(targetId);
  append(first, targetId, 1);
  await first.flush();
  // Cut off: its session is gone and new ones are refused, while the other's go on.
  await outside.query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS false`);
  await database.query(killOwners);
  append(first, targetId, 10);
  await expect.poll(() => first.status().state).toBe('away');
  await expect.poll(() => second.claim(targetId)).toBe(true);
  append(second, targetId, 100);
  await second.flush();
  await outside.query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true`);
  await expect
    .poll(() => first.status(), { timeout: 20_000 })
    .toMatchObject({ state: 'ready', waitingBatches: 0, lostBatches: 1 });
  // It has to ask again, and is told that it is not the one.
  expect(await first.claim(targetId)).toBe(false);
  expect(await callsOf(second, targetId)).toBe(101);
});
