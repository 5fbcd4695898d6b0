import type pg from 'pg';
import { expect, inject, test } from 'vitest';
import { ledger } from '../../../../test/support/ledger.ts';
import { sharedMajors } from '../../../../test/support/postgres.ts';
import { type Fault, statement, tcpProxy, type TcpProxy } from '../../../../test/support/tcp-proxy.ts';
import { runTransaction, type TransactionClient } from './index.ts';

async function move(client: TransactionClient): Promise<void> {
  await client.query("UPDATE account SET balance = balance - 10 WHERE name = 'a'");
  await client.query("UPDATE account SET balance = balance + 10 WHERE name = 'b'");
}

const before = { a: 100, b: 100 };
const after = { a: 90, b: 110 };

async function pidOf(client: TransactionClient): Promise<number> {
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
}

async function throughProxy(
  major = 18,
): Promise<AsyncDisposable & { proxy: TcpProxy; there: Awaited<ReturnType<typeof ledger>> }> {
  const proxy = await tcpProxy(inject('servers')[major] ?? '');
  const there = await ledger({ major, url: (url) => proxy.url(url) });
  return {
    proxy,
    there,
    async [Symbol.asyncDispose]() {
      await there[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

const commit = statement(/^COMMIT/);

test.each(sharedMajors())('on PostgreSQL %i a backend killed before COMMIT is known as rolled back', async (major) => {
  await using there = await ledger({ major });
  const attempts: number[] = [];
  const between = runTransaction(there.acquire, async (client) => {
    attempts.push(client.attempt);
    await move(client);
    await there.kill(await pidOf(client));
    await client.query('SELECT 1');
  });
  await expect(between).rejects.toMatchObject({
    code: 'E_CONNECTION_LOST',
    detail: expect.stringContaining('COMMIT had not been sent'),
    cause: expect.any(Error),
  });
  const during = runTransaction(there.acquire, async (client) => {
    attempts.push(client.attempt);
    await move(client);
    const pid = await pidOf(client);
    await Promise.all([client.query('SELECT pg_sleep(60)'), there.waiting('PgSleep').then(() => there.kill(pid))]);
  });
  await expect(during).rejects.toMatchObject({
    code: 'E_CONNECTION_LOST',
    sqlState: '57P01',
    cause: { code: '57P01' },
  });
  let raw: pg.PoolClient | undefined;
  const unseen = runTransaction(
    async () => (raw = await there.acquire()),
    async (client) => {
      attempts.push(client.attempt);
      await move(client);
      // The loss shows while the function is at other things.
      const ended = new Promise((resolve) => raw?.once('end', resolve));
      await there.kill(await pidOf(client));
      await ended;
    },
  );
  await expect(unseen).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
  expect(attempts).toEqual([1, 1, 1]);
  expect(await there.balances()).toEqual(before);
  expect(there.pool.totalCount).toBe(0);
});

test('what the function throws for reasons of its own stays what it is when the connection is lost too', async () => {
  await using there = await ledger();
  const reason = new Error('mine');
  const running = runTransaction(there.acquire, async (client) => {
    await move(client);
    await there.kill(await pidOf(client));
    throw reason;
  });
  await expect(running).rejects.toBe(reason);
  expect(there.pool.totalCount).toBe(0);
});

test('a connection lost inside a nested transaction is lost for all of it', async () => {
  await using there = await ledger();
  const running = runTransaction(there.acquire, async (client) => {
    await client.transaction(async (nested) => {
      await move(nested);
      await there.kill(await pidOf(nested));
      await nested.query('SELECT 1');
    });
  });
  await expect(running).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
});

test.each<[Fault, Record<string, number>]>([
  ['cut before', before],
  ['cut after', after],
])(
  'connection %s COMMIT has reached the server: the outcome is unknown, and it is not tried again',
  async (fault, kept) => {
    await using world = await throughProxy();
    const { proxy, there } = world;
    let calls = 0;
    const failed = proxy.failAt(commit, fault);
    const called: string[] = [];
    const running = runTransaction(there.acquire, async (client) => {
      calls++;
      await move(client);
      client.onCommit(() => called.push('committed'));
      client.onOutcomeUnknown(() => called.push('in doubt'));
      await client.transaction(async (nested) => nested.onOutcomeUnknown(() => called.push('nested in doubt')));
      const undone = client.transaction(async (nested) => {
        nested.onOutcomeUnknown(() => called.push('never'));
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
    });
    await expect(running).rejects.toMatchObject({ code: 'E_OUTCOME_UNKNOWN', status: 503, cause: expect.any(Error) });
    expect(called).toEqual(['in doubt', 'nested in doubt']);
    await failed;
    expect(calls).toBe(1);
    expect(await there.balances()).toEqual(kept);
    expect(there.pool.totalCount).toBe(0);
  },
);

test('a backend killed while it commits: unknown, with the server’s words as the cause', async () => {
  await using there = await ledger();
  // COMMIT runs deferred triggers: one that sleeps keeps it there.
  await there.database.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                              $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$`);
  await there.database.query(`CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON account
                              DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`);
  let pid = 0;
  const running = runTransaction(there.acquire, async (client) => {
    pid = await pidOf(client);
    await move(client);
  });
  const killed = there.waiting('PgSleep').then(() => there.kill(pid));
  await expect(running).rejects.toMatchObject({ code: 'E_OUTCOME_UNKNOWN', cause: { code: '57P01' } });
  await killed;
  expect(await there.balances()).toEqual(before);
});

test('a read-only transaction has no outcome to be unknown', async () => {
  await using world = await throughProxy();
  const failed = world.proxy.failAt(commit, 'cut before');
  const running = runTransaction(world.there.acquire, (client) => client.query('SELECT 1'), { readOnly: true });
  await expect(running).rejects.toMatchObject({
    code: 'E_CONNECTION_LOST',
    detail: expect.stringContaining('read-only'),
  });
  await failed;
});

test.each<Fault>(['swallow', 'lose answers'])(
  'network silent at COMMIT (%s): unknown when its time is over',
  async (fault) => {
    await using world = await throughProxy();
    const { proxy, there } = world;
    const failed = proxy.failAt(commit, fault);
    const running = runTransaction(there.acquire, move, { timeoutMs: 500, graceMs: 50 });
    await expect(running).rejects.toMatchObject({ code: 'E_OUTCOME_UNKNOWN', cause: { code: 'E_ABORTED' } });
    await failed;
    expect(there.pool.totalCount).toBe(0);
  },
);

test('network silent before COMMIT: stopped in time, and the connection given up', async () => {
  await using world = await throughProxy();
  const { proxy, there } = world;
  const running = runTransaction(
    there.acquire,
    async (client) => {
      await move(client);
      proxy.silence();
      await client.query('SELECT 1');
    },
    { timeoutMs: 300, graceMs: 50 },
  );
  await expect(running).rejects.toMatchObject({ code: 'E_ABORTED', status: 504 });
  expect(there.pool.totalCount).toBe(0);
  proxy.resume();
  await expect.poll(() => there.balances()).toEqual(before);
});

test('a ROLLBACK that gets no answer costs the connection, not the error', async () => {
  await using world = await throughProxy();
  const { proxy, there } = world;
  const failed = proxy.failAt(statement(/^ROLLBACK/), 'lose answers');
  const running = runTransaction(there.acquire, (client) => client.query('SELECT 1/0'), { graceMs: 50 });
  await expect(running).rejects.toMatchObject({ code: '22012' });
  await failed;
  expect(there.pool.totalCount).toBe(0);
});
