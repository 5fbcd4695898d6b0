import { describe, expect, test } from 'vitest';
import { plainRole, session, watched, type Watched } from '../../../../test/support/catalog.ts';
import { sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import { cancelBackend, readActivity, readLocks, terminateBackend } from '../index.ts';

async function find(target: Watched, pid: number) {
  return (await readActivity(target.connection, target.profile)).rows.find((row) => row.pid === pid);
}

async function pidOf(client: { query(sql: string): Promise<{ rows: { pid: number }[] }> }): Promise<number> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('a session shows what it does, since when and from where', async () => {
    await using database = await testDatabase(major);
    await using idle = await session(database.url);
    const pid = await pidOf(idle);
    await idle.query(`SET application_name = 'the app'`);
    await idle.query(`BEGIN ISOLATION LEVEL REPEATABLE READ`);
    await idle.query(`SELECT '${'ä'.repeat(5000)}'`);
    await using target = await watched(database.url);
    const found = await find(target, pid);
    expect(found).toMatchObject({
      database: database.name,
      user: target.profile.user,
      application: 'the app',
      client: '127.0.0.1',
      backendType: 'client backend',
      state: 'idle in transaction',
      waitType: 'Client',
      blockedBy: [],
      waitsFor: null,
    });
    expect(found?.transactionStart).toBeInstanceOf(Date);
    expect(found?.queryId).toMatch(/^-?\d+$/);
    expect(found?.query.length).toBeLessThanOrEqual(4096);
    const types = (await readActivity(target.connection, target.profile)).rows.map((row) => row.backendType);
    expect(types).toEqual(expect.arrayContaining(['checkpointer', 'walwriter']));
  });

  test('who waits for whom, for which lock, since when; and it can be cancelled and terminated', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)`);
    await using holder = await session(database.url);
    await using waiter = await session(database.url);
    await holder.query(`BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE`);
    const [holderPid, waiterPid] = [await pidOf(holder), await pidOf(waiter)];
    const waiting = waiter.query(`SELECT * FROM shop.orders`).catch((error: Error) => error.message);
    await using target = await watched(database.url);
    await expect.poll(() => find(target, waiterPid)).toMatchObject({ waitType: 'Lock', blockedBy: [holderPid] });
    const found = await find(target, waiterPid);
    expect(found?.waitsFor).toEqual({
      mode: 'AccessShareLock',
      lockType: 'relation',
      relation: 'shop.orders',
      since: expect.any(Date),
    });
    const locks = (await readLocks(target.connection)).rows;
    expect(locks.find((row) => row.mode === 'AccessExclusiveLock')?.held).toBeGreaterThanOrEqual(1);
    expect(locks.find((row) => row.mode === 'AccessShareLock')?.waiting).toBeGreaterThanOrEqual(1);
    expect(await cancelBackend(target.connection, waiterPid)).toBe(true);
    expect(await waiting).toContain('canceling statement due to user request');
    const ended = new Promise((resolve) => holder.once('end', resolve));
    expect(await terminateBackend(target.connection, holderPid)).toBe(true);
    await ended;
    await expect.poll(() => find(target, holderPid)).toBeUndefined();
    expect(await cancelBackend(target.connection, holderPid)).toBe(false);
  });

  test('a role without rights sees that sessions exist, and is told that they are hidden', async () => {
    await using database = await testDatabase(major);
    await using other = await session(database.url);
    const pid = await pidOf(other);
    await using role = await plainRole(database);
    await using target = await watched(role.url);
    const { skipped } = await readActivity(target.connection, target.profile);
    expect(await find(target, pid)).toMatchObject({ query: '', state: null, database: database.name });
    expect(skipped).toEqual([
      { subject: 'activity', reason: expect.any(String), fix: `GRANT pg_read_all_stats TO "${role.name}"` },
    ]);
    await expect(terminateBackend(target.connection, pid)).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '42501',
    });
  });
});
