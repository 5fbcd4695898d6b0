import { expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import { retention, statementBatch, statementDelta, testStore } from '../../../test/support/store.ts';
import { openStore, type Store } from './index.ts';

const start = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;

async function callsOf(store: Store, targetId: number): Promise<number> {
  const range = { from: new Date(start), to: new Date(start + 3_600_000) };
  return (await store.history.statements({ targetId, ...range, orderBy: 'calls', limit: 1 })).totals.calls;
}

function append(store: Store, targetId: number, calls: number): void {
  store.append(statementBatch(targetId, start + 1000, [statementDelta('1', { calls })]));
}

/** Sessions that hold a claim. */
const ownersQuery = `
  SELECT pid
  FROM   pg_locks
  WHERE  locktype = 'advisory' AND objsubid = 2 AND objid > 0
  AND    database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function owners(database: TestDatabase): Promise<number[]> {
  return (await database.query<{ pid: number }>(ownersQuery)).map(({ pid }) => pid);
}

/** Ends them, as a lost network does. */
async function killOwners(database: TestDatabase): Promise<void> {
  await database.query(`SELECT pg_terminate_backend(pid, 5000) FROM (${ownersQuery}) AS owners`);
}

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
  const [before] = await owners(database);
  expect(before).toBeDefined();
  await killOwners(database);
  await expect.poll(() => owners(database), { timeout: 20_000 }).toHaveLength(1);
  expect(await owners(database)).not.toContain(before);
  append(store, targetId, 1);
  await store.flush();
  expect(await callsOf(store, targetId)).toBe(1);
});

test('what waited in a daemon that was cut off is not written after another has taken over', async () => {
  await using outside = await testDatabase();
  await using database = await testDatabase();
  await using first = await testStore(database.url);
  const second = await openStore({ url: database.url, retention });
  const targetId = await first.target('main');
  await first.claim(targetId);
  append(first, targetId, 1);
  await first.flush();
  // Cut off: its session is gone and new ones are refused, while the other's go on.
  await outside.query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS false`);
  await killOwners(database);
  append(first, targetId, 10);
  await expect.poll(() => first.status().state).toBe('away');
  await expect.poll(() => second.claim(targetId)).toBe(true);
  append(second, targetId, 100);
  await second.flush();
  await outside.query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true`);
  await expect
    .poll(() => first.status(), { timeout: 20_000 })
    .toMatchObject({ state: 'ready', waitingBatches: 0, lostBatches: 1 });
  // It is told so once, even though the other has ended by now, and then may begin anew.
  await second.close();
  expect(await callsOf(first, targetId)).toBe(101);
  expect(await first.claim(targetId)).toBe(false);
  await expect.poll(() => first.claim(targetId)).toBe(true);
  append(first, targetId, 1000);
  await first.flush();
  expect(await callsOf(first, targetId)).toBe(1101);
});
