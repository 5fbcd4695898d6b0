import type pg from 'pg';
import { expect, test } from 'vitest';
import { ledger } from '../../../../test/support/ledger.ts';
import { sharedMajors } from '../../../../test/support/postgres.ts';
import { runTransaction, type TransactionClient } from './index.ts';

const pay = "UPDATE account SET balance = balance - 10 WHERE name = 'a'";
const receive = "UPDATE account SET balance = balance + 10 WHERE name = 'b'";

async function move(client: TransactionClient): Promise<void> {
  await client.query(pay);
  await client.query(receive);
}

test('what the function did is committed, and its value returned', async () => {
  await using there = await ledger();
  const value = await runTransaction(there.acquire, async (client) => {
    await move(client);
    return client.attempt;
  });
  expect(value).toBe(1);
  expect(await there.balances()).toEqual({ a: 90, b: 110 });
  expect(there.pool.idleCount).toBe(1);
});

test('what the function throws is thrown unchanged, and nothing is kept', async () => {
  await using there = await ledger();
  const reason = new Error('no');
  const running = runTransaction(there.acquire, async (client) => {
    await move(client);
    throw reason;
  });
  await expect(running).rejects.toBe(reason);
  let thrown: unknown;
  const refused = runTransaction(there.acquire, async (client) => {
    await move(client);
    await client.query('UPDATE account SET balance = -1').catch((error: unknown) => {
      thrown = error;
      throw error;
    });
  });
  const error: unknown = await refused.catch((reached: unknown) => reached);
  expect(error).toMatchObject({ code: '23514', name: 'error', table: 'account' });
  expect(error).toBe(thrown);
  expect(await there.balances()).toEqual({ a: 100, b: 100 });
  expect(there.pool.totalCount).toBe(1);
  expect(there.pool.idleCount).toBe(1);
});

test.each(sharedMajors())('on PostgreSQL %i the modes reach the server', async (major) => {
  await using there = await ledger({ major });
  const modes = `SELECT current_setting('transaction_isolation') AS isolation,
                        current_setting('transaction_read_only') AS read_only,
                        current_setting('transaction_deferrable') AS deferrable`;
  const read = async (client: TransactionClient) => (await client.query(modes)).rows[0] as unknown;
  const all = { isolation: 'serializable', readOnly: true, deferrable: true } as const;
  expect(await runTransaction(there.acquire, read, all)).toEqual({
    isolation: 'serializable',
    read_only: 'on',
    deferrable: 'on',
  });
  expect(await runTransaction(there.acquire, read, { isolation: 'repeatable read', readOnly: false })).toEqual({
    isolation: 'repeatable read',
    read_only: 'off',
    deferrable: 'off',
  });
  await expect(runTransaction(there.acquire, move, { readOnly: true })).rejects.toMatchObject({ code: '25006' });
});

test('options that no transaction can have are refused before a connection is asked for', async () => {
  const never = () => Promise.reject(new Error('asked'));
  for (const options of [
    { isolation: 'chaos; DROP TABLE account' },
    { retries: -1 },
    { timeoutMs: 0 },
    { graceMs: NaN },
  ]) {
    await expect(runTransaction(never, move, options as object)).rejects.toMatchObject({ code: 'E_USAGE' });
  }
});

test('a failed statement whose error is not passed on is never reported as committed', async () => {
  await using there = await ledger();
  const running = runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    await client.query('SELECT 1/0').catch(() => {});
  });
  await expect(running).rejects.toMatchObject({
    code: 'E_TRANSACTION',
    sqlState: '22012',
    detail: expect.stringContaining('division by zero'),
    cause: { code: '22012' },
  });
  expect(await there.balances()).toEqual({ a: 100, b: 100 });
  expect(there.pool.idleCount).toBe(1);
});

test('statements that are not awaited belong to the transaction, those that come later are refused', async () => {
  await using there = await ledger();
  let kept: TransactionClient | undefined;
  await runTransaction(there.acquire, async (client) => {
    kept = client;
    void client.query('SELECT pg_sleep(0.05)');
    void client.query(pay);
    void client.query(receive);
  });
  expect(await there.balances()).toEqual({ a: 90, b: 110 });
  await expect(kept?.query(pay)).rejects.toMatchObject({
    code: 'E_TRANSACTION',
    hint: expect.stringMatching(/not awaited/),
  });
  const called = await new Promise((resolve) => kept?.query(pay, resolve));
  expect(called).toMatchObject({ code: 'E_TRANSACTION' });
  await expect(kept?.transaction(move)).rejects.toMatchObject({ code: 'E_TRANSACTION' });
  expect(() => kept?.onCommit(() => {})).toThrow(/has ended/);

  const forgotten = runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    void client.query('SELECT 1/0');
  });
  await expect(forgotten).rejects.toMatchObject({ code: 'E_TRANSACTION', cause: { code: '22012' } });
  expect(await there.balances()).toEqual({ a: 90, b: 110 });
});

test('every way to call query works', async () => {
  await using there = await ledger();
  class Sql {
    get text() {
      return 'SELECT $1::int AS n';
    }
    get values() {
      return [8];
    }
  }
  const numbers = await runTransaction(there.acquire, async (client) => {
    const called = (call: (done: (error: unknown, result: pg.QueryResult) => void) => void) =>
      new Promise<number>((resolve, reject) => call((error, { rows }) => (error ? reject(error) : resolve(rows[0].n))));
    const own = { text: 'SELECT $1::int AS n', values: [7] };
    return [
      (await client.query('SELECT 1 AS n')).rows[0].n,
      (await client.query('SELECT $1::int AS n', [2])).rows[0].n,
      (await client.query({ name: 'three', text: 'SELECT $1::int AS n', values: [3] })).rows[0].n,
      (await client.query({ text: 'SELECT $1::int AS n', values: [4], rowMode: 'array' })).rows[0]?.[0],
      await called((done) => client.query('SELECT 5 AS n', done)),
      await called((done) => client.query('SELECT $1::int AS n', [6], done)),
      await called((done) => client.query(own, done)),
      await called((done) => client.query(new Sql() as pg.QueryConfig, done)),
      await called((done) => void client.query({ text: 'SELECT 9 AS n', callback: done } as pg.QueryConfig)),
      (await client.query(own)).rows[0].n,
    ] as number[];
  });
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 7]);
});

test('beginning and ending it is left to the function', async () => {
  await using there = await ledger();
  for (const text of ['COMMIT', ' rollback', 'BEGIN', 'END', 'abort', 'start transaction', "PREPARE TRANSACTION 'x'"]) {
    const running = runTransaction(there.acquire, async (client) => {
      await client.query(pay);
      await client.query(text);
    });
    await expect(running, text).rejects.toMatchObject({
      code: 'E_TRANSACTION',
      message: expect.stringMatching(/begun and ended/),
    });
  }
  expect(await there.balances()).toEqual({ a: 100, b: 100 });
  await runTransaction(there.acquire, async (client) => {
    await client.query('SAVEPOINT mine');
    await client.query(pay);
    await client.query('ROLLBACK TO SAVEPOINT mine');
    await client.query('rollback work to mine');
    await client.query(receive);
  });
  expect(await there.balances()).toEqual({ a: 100, b: 110 });
  const hidden = runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    await client.query('/* hidden */ COMMIT');
  });
  await expect(hidden).rejects.toMatchObject({
    code: 'E_TRANSACTION',
    message: expect.stringMatching(/had ended before/),
  });
});

test('callbacks of onCommit are called after COMMIT, in order, with the connection given back', async () => {
  await using there = await ledger();
  const seen: unknown[] = [];
  await runTransaction(there.acquire, async (client) => {
    client.onCommit(async () => {
      await Promise.resolve();
      seen.push(await there.balances(), there.pool.idleCount);
    });
    client.onCommit(() => seen.push('second'));
    await move(client);
    expect(seen).toEqual([]);
  });
  expect(seen).toEqual([{ a: 90, b: 110 }, 1, 'second']);
  const failing = runTransaction(there.acquire, async (client) => {
    client.onCommit(() => seen.push('never'));
    client.onOutcomeUnknown(() => seen.push('never'));
    await client.query('SELECT 1/0');
  });
  await expect(failing).rejects.toMatchObject({ code: '22012' });
  expect(seen).not.toContain('never');
});

test('a callback that fails does not make a committed transaction look failed', async () => {
  await using there = await ledger();
  const reason = new Error('of the callback');
  // The process hears of it: vitest's own listeners must not.
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const unhandled = new Promise((resolve) => process.once('unhandledRejection', resolve));
  try {
    const seen: string[] = [];
    const value = await runTransaction(there.acquire, async (client) => {
      await move(client);
      client.onCommit(() => {
        throw reason;
      });
      client.onCommit(() => seen.push('called'));
      return 'done';
    });
    expect(value).toBe('done');
    expect(seen).toEqual(['called']);
    expect(await unhandled).toBe(reason);
  } finally {
    for (const listener of others) process.on('unhandledRejection', listener);
  }
});
