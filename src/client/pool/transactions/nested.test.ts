import { expect, test } from 'vitest';
import { ledger } from '../../../../test/support/ledger.ts';
import { runTransaction, type TransactionClient } from './index.ts';

const pay = "UPDATE account SET balance = balance - 10 WHERE name = 'a'";
const receive = "UPDATE account SET balance = balance + 10 WHERE name = 'b'";

test('a nested transaction undoes only what was done inside', async () => {
  await using there = await ledger();
  const seen: string[] = [];
  await runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    const value = await client.transaction(async (nested) => {
      await nested.query(receive);
      nested.onCommit(() => seen.push('kept'));
      const deeper = nested.transaction(async (deepest) => {
        await deepest.query(receive);
        deepest.onCommit(() => seen.push('undone'));
        throw new Error('deep');
      });
      await expect(deeper).rejects.toThrow('deep');
      return 'value';
    });
    expect(value).toBe('value');
    const failing = client.transaction(async (nested) => {
      nested.onCommit(() => seen.push('undone'));
      await nested.query(receive);
      await nested.query('SELECT 1/0');
    });
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(seen).toEqual([]);
  });
  expect(await there.balances()).toEqual({ a: 90, b: 110 });
  expect(seen).toEqual(['kept']);
});

test('a failed statement inside whose error is not passed on undoes the nested transaction, and says so', async () => {
  await using there = await ledger();
  await runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    const nested = client.transaction(async (inner) => {
      await inner.query(receive);
      await inner.query('SELECT 1/0').catch(() => {});
    });
    await expect(nested).rejects.toMatchObject({
      code: 'E_TRANSACTION',
      message: expect.stringMatching(/nested transaction was rolled back/),
      cause: { code: '22012' },
    });
  });
  expect(await there.balances()).toEqual({ a: 90, b: 100 });
});

test('what a savepoint of the application is called does not matter', async () => {
  await using there = await ledger();
  await runTransaction(there.acquire, async (client) => {
    const nested = client.transaction(async (inner) => {
      await inner.query(pay);
      await inner.query('SAVEPOINT sp1');
      await inner.query(receive);
      throw new Error('all of it');
    });
    await expect(nested).rejects.toThrow('all of it');
  });
  expect(await there.balances()).toEqual({ a: 100, b: 100 });
});

test('nested transactions beside each other, and statements beside one, are refused', async () => {
  await using there = await ledger();
  await runTransaction(there.acquire, async (client) => {
    const [first, second, beside] = await Promise.allSettled([
      client.transaction((nested) => nested.query(pay)),
      client.transaction((nested) => nested.query(receive)),
      client.query(receive),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      reason: { code: 'E_TRANSACTION', message: expect.stringMatching(/a second nested transaction/) },
    });
    expect(beside).toMatchObject({
      reason: { code: 'E_TRANSACTION', message: expect.stringMatching(/a statement of the outer/) },
    });
    // One after the other they may be.
    await client.transaction((nested) => nested.query(receive));
  });
  expect(await there.balances()).toEqual({ a: 90, b: 110 });
});

test('a nested transaction that is not awaited is never committed in part', async () => {
  await using there = await ledger();
  let inner: Promise<unknown> | undefined;
  let later: TransactionClient | undefined;
  const running = runTransaction(there.acquire, async (client) => {
    await client.query(pay);
    inner = client.transaction(async (nested) => {
      later = nested;
      await nested.query(receive);
      await nested.query('SELECT pg_sleep(0.05)');
      await nested.query(receive);
    });
    inner.catch(() => {});
  });
  await expect(running).rejects.toMatchObject({
    code: 'E_TRANSACTION',
    message: expect.stringMatching(/nested transaction is running/),
  });
  await expect(inner).rejects.toMatchObject({ code: expect.stringMatching(/E_TRANSACTION|25P02|57014/) });
  await expect(later?.query(pay)).rejects.toMatchObject({ code: 'E_TRANSACTION' });
  expect(await there.balances()).toEqual({ a: 100, b: 100 });
  expect(there.pool.idleCount).toBe(1);
});
