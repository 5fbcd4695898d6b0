import type pg from 'pg';
import { expect, test } from 'vitest';
import { ledger } from '../../../../test/support/ledger.ts';
import { sharedMajors } from '../../../../test/support/postgres.ts';
import { runTransaction, type TransactionClient } from './index.ts';

/** Resolves for all when so many have come, and from then on at once. */
function meeting(count: number): () => Promise<void> {
  let come = 0;
  let open: () => void;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    if (++come === count) open();
    return all;
  };
}

/** Write skew: the rule that a + b stays positive is checked by each against what the other changes. */
function takeAll(name: string, met: () => Promise<void>, attempts: number[]) {
  return async (client: TransactionClient) => {
    attempts.push(client.attempt);
    const { rows } = await client.query<{ total: string }>('SELECT sum(balance) AS total FROM account');
    await met();
    if (Number(rows[0]?.total) < 200) return 'refused';
    await client.query('UPDATE account SET balance = 0 WHERE name = $1', [name]);
    return 'taken';
  };
}

test.each(sharedMajors())('on PostgreSQL %i a serialization failure is tried again and then right', async (major) => {
  await using there = await ledger({ major });
  const met = meeting(2);
  const attempts: number[] = [];
  const outcomes = await Promise.all(
    ['a', 'b'].map((name) =>
      runTransaction(there.acquire, takeAll(name, met, attempts), { isolation: 'serializable' }),
    ),
  );
  expect(outcomes.toSorted()).toEqual(['refused', 'taken']);
  expect(attempts).toEqual([1, 1, 2]);
  expect(there.pool.idleCount).toBe(there.pool.totalCount);
});

test('a deadlock is tried again', async () => {
  await using there = await ledger();
  const met = meeting(2);
  const attempts: number[] = [];
  const add = 'UPDATE account SET balance = balance + 1 WHERE name = $1';
  const committed: string[] = [];
  const both = (first: string, second: string) =>
    runTransaction(there.acquire, async (client) => {
      attempts.push(client.attempt);
      client.onCommit(() => committed.push(`${first} at ${client.attempt}`));
      await client.query("SET LOCAL deadlock_timeout = '10ms'");
      await client.query(add, [first]);
      await met();
      await client.query(add, [second]);
    });
  await Promise.all([both('a', 'b'), both('b', 'a')]);
  expect(attempts.filter((attempt) => attempt > 1)).toHaveLength(1);
  expect(committed).toHaveLength(2);
  expect(await there.balances()).toEqual({ a: 102, b: 102 });
});

/** Fails for real, every time: another transaction changes the row after this one's snapshot. */
async function overtaken(client: TransactionClient, other: { query(text: string): Promise<unknown> }): Promise<void> {
  await client.query('SELECT * FROM account');
  await other.query("UPDATE account SET balance = balance + 1 WHERE name = 'a'");
  await client.query("UPDATE account SET balance = 0 WHERE name = 'a'");
}

const isolation = 'repeatable read';

test('after the last retry the server’s own error is thrown', async () => {
  await using there = await ledger();
  const attempts: number[] = [];
  const running = runTransaction(
    there.acquire,
    (client) => {
      attempts.push(client.attempt);
      return overtaken(client, there.database);
    },
    { isolation, retries: 2 },
  );
  await expect(running).rejects.toMatchObject({ name: 'error', code: '40001', routine: 'ExecUpdate' });
  expect(attempts).toEqual([1, 2, 3]);
});

test('a library’s wrapper of the error, and one that was not passed on, are tried again as well', async () => {
  await using there = await ledger();
  const wrapped = runTransaction(
    there.acquire,
    async (client) => {
      if (client.attempt > 1) return client.attempt;
      return overtaken(client, there.database).catch((cause: unknown) => {
        throw new Error('Failed query', { cause });
      });
    },
    { isolation },
  );
  expect(await wrapped).toBe(2);
  const swallowed = runTransaction(
    there.acquire,
    async (client) => {
      if (client.attempt === 1) await overtaken(client, there.database).catch(() => {});
      return client.attempt;
    },
    { isolation },
  );
  expect(await swallowed).toBe(2);
});

test('a nested transaction is not tried again by itself, the outermost is', async () => {
  await using there = await ledger();
  const seen: string[] = [];
  await runTransaction(
    there.acquire,
    async (client) => {
      seen.push(`outer ${client.attempt}`);
      await client.transaction(async (nested) => {
        seen.push(`nested ${nested.attempt}`);
        if (nested.attempt === 1) await overtaken(nested, there.database);
      });
    },
    { isolation },
  );
  expect(seen).toEqual(['outer 1', 'nested 1', 'outer 2', 'nested 2']);
});

test('a failure at COMMIT itself is known to have been rolled back: 40001 is tried again, others are thrown', async () => {
  await using there = await ledger();
  const met = meeting(2);
  // Both read and write first; the failure shows when the second commits.
  const outcomes = await Promise.all(
    ['a', 'b'].map((name) =>
      runTransaction(
        there.acquire,
        async (client) => {
          const { rows } = await client.query<{ total: string }>('SELECT sum(balance) AS total FROM account');
          if (Number(rows[0]?.total) === 200)
            await client.query('UPDATE account SET balance = 0 WHERE name = $1', [name]);
          await met();
          return client.attempt;
        },
        { isolation: 'serializable' },
      ),
    ),
  );
  expect(outcomes.toSorted()).toEqual([1, 2]);

  await there.database.query('ALTER TABLE account ADD other text REFERENCES account DEFERRABLE INITIALLY DEFERRED');
  const deferred = runTransaction(there.acquire, (client) =>
    client.query("INSERT INTO account VALUES ('c', 1, 'nobody')"),
  );
  await expect(deferred).rejects.toMatchObject({ name: 'error', code: '23503' });
  expect(there.pool.idleCount).toBe(there.pool.totalCount);
});

test('a connection that died in the pool is found at BEGIN, and another one taken', async () => {
  await using there = await ledger();
  const pids: number[] = [];
  let dead: pg.PoolClient | undefined;
  const acquire = async () => {
    const client = await there.pool.connect();
    if (dead) return client;
    dead = client;
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    pids.push(rows[0]?.pid ?? 0);
    // Ended while the driver is not looking: what it was told is read when the next statement is sent.
    const { stream } = (client as unknown as { connection: { stream: NodeJS.ReadableStream } }).connection;
    stream.pause();
    await there.kill(pids[0] ?? 0);
    setImmediate(() => stream.resume());
    return client;
  };
  const attempt = await runTransaction(acquire, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    pids.push(rows[0]?.pid ?? 0);
    return client.attempt;
  });
  expect(attempt).toBe(2);
  expect(pids[1]).not.toBe(pids[0]);
  expect(there.pool.totalCount).toBe(1);
});
