import { once } from 'node:events';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import Cursor from 'pg-cursor';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import QueryStream from 'pg-query-stream';
import { expect, inject, test } from 'vitest';
import { ledger } from '../../../../test/support/ledger.ts';
import { sharedMajors } from '../../../../test/support/postgres.ts';
import { cancelRequest as isCancelRequest, tcpProxy } from '../../../../test/support/tcp-proxy.ts';
import { runTransaction, type TransactionClient } from './index.ts';

const pay = "UPDATE account SET balance = balance - 10 WHERE name = 'a'";
const before = { a: 100, b: 100 };

test.each(sharedMajors())('on PostgreSQL %i a signal cancels the running statement and rolls back', async (major) => {
  await using there = await ledger({ major, config: { max: 1 } });
  const controller = new AbortController();
  let inside: unknown;
  let later: TransactionClient | undefined;
  const running = runTransaction(
    there.acquire,
    async (client) => {
      later = client;
      await client.query(pay);
      await client.query('SELECT pg_sleep(60)').catch((error: unknown) => {
        inside = error;
        throw error;
      });
    },
    { signal: controller.signal },
  );
  await Promise.all([
    expect(running).rejects.toThrow('enough'),
    there.waiting('PgSleep').then(() => controller.abort(new Error('enough'))),
  ]);
  expect(inside).toMatchObject({ code: '57014' });
  expect(later?.signal?.aborted).toBe(true);
  await expect(later?.query('SELECT 1')).rejects.toThrow('enough');
  // The next one on the same connection is not hit.
  await there.pool.query('SELECT pg_sleep(0.05)');
  expect(there.pool.totalCount).toBe(1);
  expect(await there.balances()).toEqual(before);
});

test('a function that waits for something else is left behind, and the connection is free at once', async () => {
  await using there = await ledger();
  const controller = new AbortController();
  const running = runTransaction(
    there.acquire,
    async (client) => {
      await client.query(pay);
      controller.abort();
      await once(client.signal ?? new EventTarget(), 'never');
    },
    { signal: controller.signal },
  );
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(there.pool.idleCount).toBe(1);
  expect(await there.balances()).toEqual(before);
});

test('a signal stops the wait for a connection, and one that comes later goes back', async () => {
  await using there = await ledger({ config: { max: 1 } });
  const held = await there.pool.connect();
  const controller = new AbortController();
  const waiting = runTransaction(there.acquire, async () => {}, { signal: controller.signal });
  controller.abort(new Error('not any more'));
  await expect(waiting).rejects.toThrow('not any more');
  held.release();
  await expect.poll(() => there.pool.idleCount).toBe(1);
  const aborted = runTransaction(
    () => {
      throw new Error('asked');
    },
    async () => {},
    { signal: AbortSignal.abort(new Error('before')) },
  );
  await expect(aborted).rejects.toThrow('before');
});

test('its time counts for all of it: statements, the wait for a connection, retries', async () => {
  await using there = await ledger({ config: { max: 1 } });
  const running = runTransaction(there.acquire, (client) => client.query('SELECT pg_sleep(60)'), { timeoutMs: 100 });
  await expect(running).rejects.toMatchObject({
    code: 'E_ABORTED',
    message: 'the transaction was stopped after 100 ms',
  });
  const held = await there.pool.connect();
  const waiting = runTransaction(there.acquire, async () => {}, { timeoutMs: 50 });
  await expect(waiting).rejects.toMatchObject({ code: 'E_ABORTED' });
  held.release();
  const retrying = runTransaction(
    there.acquire,
    () => Promise.reject(Object.assign(new Error('again'), { code: '40001' })),
    { retries: 1000, timeoutMs: 100 },
  );
  await expect(retrying).rejects.toMatchObject({ code: 'E_ABORTED' });
  expect(there.pool.idleCount).toBe(1);
});

test('statements queued behind the running one do not keep it from being stopped', async () => {
  await using there = await ledger();
  const controller = new AbortController();
  const running = runTransaction(
    there.acquire,
    async (client) => {
      await Promise.all(Array.from({ length: 5 }, () => client.query('SELECT pg_sleep(60)')));
    },
    { signal: controller.signal },
  );
  await Promise.all([
    expect(running).rejects.toThrow('enough'),
    there.waiting('PgSleep').then(() => controller.abort(new Error('enough'))),
  ]);
  expect(there.pool.idleCount).toBe(1);
});

test('when the function throws, what it left running is cancelled too', async () => {
  await using there = await ledger();
  const running = runTransaction(there.acquire, async (client) => {
    void client.query('SELECT pg_sleep(60)');
    await there.waiting('PgSleep');
    throw new Error('changed its mind');
  });
  await expect(running).rejects.toThrow('changed its mind');
  expect(there.pool.idleCount).toBe(1);
});

test('the connection is given back only when the cancel request is over, so that it cannot hit a later statement', async () => {
  await using proxy = await tcpProxy(inject('servers')[18] ?? '');
  await using there = await ledger({ url: (url) => proxy.url(url), config: { max: 1 } });
  const controller = new AbortController();
  const seen: string[] = [];
  const running = runTransaction(
    async () => {
      const client = await there.pool.connect();
      const { release } = client;
      client.release = (error) => {
        // Of the two connections of the proxy's there ever were, the one to cancel has ended.
        seen.push(`${proxy.accepted} were, ${proxy.open} is open`);
        release(error);
      };
      return client;
    },
    (client) => client.query('SELECT pg_sleep(60)'),
    { signal: controller.signal },
  );
  await Promise.all([
    expect(running).rejects.toThrow('enough'),
    there.waiting('PgSleep').then(() => controller.abort(new Error('enough'))),
  ]);
  expect(seen).toEqual(['2 were, 1 is open']);
});

test('a cancel request that nobody answers costs the connection', async () => {
  await using proxy = await tcpProxy(inject('servers')[18] ?? '');
  await using there = await ledger({ url: (url) => proxy.url(url) });
  const swallowed = proxy.failAt(isCancelRequest, 'swallow');
  const controller = new AbortController();
  const running = runTransaction(there.acquire, (client) => client.query('SELECT pg_sleep(60)'), {
    signal: controller.signal,
    graceMs: 100,
  });
  await Promise.all([
    expect(running).rejects.toThrow('enough'),
    there.waiting('PgSleep').then(() => controller.abort(new Error('enough'))),
  ]);
  await swallowed;
  expect(there.pool.totalCount).toBe(0);
});

const rows = 'SELECT generate_series(1, 10000) AS n';

test('cursors, query streams and COPY work, read to their end or closed', async () => {
  await using there = await ledger();
  const answer = await runTransaction(there.acquire, async (client) => {
    const closed = client.query(new Cursor<{ n: number }>(rows));
    const some = await closed.read(3);
    await closed.close();
    const whole = client.query(new Cursor('SELECT 1 AS n'));
    await whole.read(10);
    let count = 0;
    for await (const _ of client.query(new QueryStream(rows))) count++;
    for await (const { n } of client.query(new QueryStream(rows)) as AsyncIterable<{ n: number }>) if (n === 5) break;
    const copied = client.query(copyFrom('COPY account FROM STDIN'));
    copied.end('c\t5\n');
    await once(copied, 'finish');
    const out = client.query(copyTo('COPY (SELECT 1) TO STDOUT'));
    const text = Buffer.concat(await out.toArray()).toString();
    return { some: some.length, count, text };
  });
  expect(answer).toEqual({ some: 3, count: 10_000, text: '1\n' });
  expect(await there.balances()).toEqual({ ...before, c: 5 });
  expect(there.pool.idleCount).toBe(1);
});

/** Submittables that are left open, and how the application sees that they were ended. */
const leftOpen: Record<string, (client: TransactionClient) => Promise<Readable | Writable | undefined>> = {
  cursor: async (client) => {
    await client.query(new Cursor(rows)).read(10);
    return undefined;
  },
  'query stream': async (client) => {
    const stream = client.query(new QueryStream(rows));
    await once(stream, 'readable');
    return stream;
  },
  'COPY from the application': async (client) => {
    const stream = client.query(copyFrom('COPY account FROM STDIN'));
    await new Promise((resolve) => stream.write('c\t5\n', resolve));
    return stream;
  },
  'COPY to the application': async (client) => {
    const stream = client.query(copyTo(`COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT`));
    stream.pipe(new PassThrough());
    await once(stream, 'readable');
    return stream;
  },
};

test.each(Object.keys(leftOpen))('a %s left open is an error, never a commit of a part', async (what) => {
  await using there = await ledger();
  let stream: Readable | Writable | undefined;
  const running = runTransaction(
    there.acquire,
    async (client) => {
      await client.query(pay);
      stream = await leftOpen[what]?.(client);
    },
    { graceMs: 500 },
  );
  await expect(running).rejects.toMatchObject({
    code: 'E_TRANSACTION',
    message: expect.stringMatching(/stream was open/),
  });
  expect(stream?.destroyed).not.toBe(false);
  expect(await there.balances()).toEqual(before);
  await there.pool.query('SELECT 1');
});

test('a stream that is being read is destroyed with the reason when the transaction is stopped', async () => {
  await using there = await ledger();
  const controller = new AbortController();
  let stream: QueryStream | undefined;
  const running = runTransaction(
    there.acquire,
    async (client) => {
      stream = client.query(new QueryStream('SELECT n, pg_sleep(0.01) FROM generate_series(1, 100000) AS n'));
      for await (const _ of stream) if (!controller.signal.aborted) controller.abort(new Error('enough'));
    },
    { signal: controller.signal },
  );
  await expect(running).rejects.toThrow('enough');
  expect(stream?.errored?.message).toBe('enough');
  await there.pool.query('SELECT 1');
});
