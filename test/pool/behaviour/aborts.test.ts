import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const open = (options: PoolOptions = {}): Pool => new Pool({ connectionString: database.url, ...options });

/** Statements with a mark that the server works on. */
async function running(mark: string): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1`,
    [`%${mark}%`],
  );
  return row?.n ?? -1;
}

const reason = new Error('not wanted any more');

describe('an aborted statement', () => {
  test('that was aborted before never runs', async () => {
    await using pool = open();
    await pool.query('CREATE TABLE IF NOT EXISTS written (n int)');
    const asked = pool.query({ text: 'INSERT INTO written VALUES (1)', signal: AbortSignal.abort(reason) });
    await expect(asked).rejects.toBe(reason);
    await expect(pool.query({ text: 'SELECT 1', signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect((await pool.query('SELECT * FROM written')).rows).toEqual([]);
  });

  test('that waits for a connection is given up at once, and its place in the queue with it', async () => {
    await using pool = open({ max: 1 });
    const client = await pool.connect();
    const controller = new AbortController();
    const asked = pool.query({ text: 'SELECT 1 AS never', signal: controller.signal });
    const after = pool.query('SELECT 2 AS after');
    await expect.poll(() => pool.waitingCount).toBe(2);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect.poll(() => pool.waitingCount).toBe(1);
    client.release();
    expect((await after).rows).toEqual([{ after: 2 }]);
  });

  test('that runs on a connection of its own is cancelled on the server', async () => {
    await using pool = open({ max: 2 });
    const controller = new AbortController();
    const asked = pool.query({ text: 'SELECT pg_sleep(60) /* to be aborted */', signal: controller.signal });
    await expect.poll(() => running('to be aborted')).toBe(1);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expect.poll(() => running('to be aborted')).toBe(0);
    await expect.poll(() => pool.idleCount).toBe(pool.totalCount);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('whose time is over is cancelled on the server', async () => {
    await using pool = open();
    await expect(pool.query({ text: 'SELECT pg_sleep(60) /* to time out */', query_timeout: 100 })).rejects.toThrow(
      'Query read timeout',
    );
    await expect.poll(() => running('to time out')).toBe(0);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    pool.query({ text: 'SELECT pg_sleep(60) /* to time out */', query_timeout: 100 } as never, (error: Error) =>
      resolve(error),
    );
    expect(await promise).toMatchObject({ message: 'Query read timeout' });
    await expect.poll(() => running('to time out')).toBe(0);
  });

  test('that has ended is not touched by a later abort', async () => {
    await using pool = open({ max: 1 });
    const controller = new AbortController();
    for (let i = 0; i < 10; i++) {
      expect((await pool.query({ text: 'SELECT $1::int AS i', values: [i], signal: controller.signal })).rows).toEqual([
        { i },
      ]);
    }
    const other = pool.query('SELECT pg_sleep(0.1), 1 AS other');
    controller.abort(reason);
    expect((await other).rows).toMatchObject([{ other: 1 }]);
  });

  test.each([
    // However busy the machine is, the statement is quick enough for them.
    ['on shared connections', { laneLimitMillis: 5000 }],
    ['without them', { lanes: 0 }],
  ])('never stops a neighbour: %s', async (_name, options) => {
    const lanes: boolean[] = [];
    await using pool = open({ ...options, max: 8, observer: { statementEnded: (_s, { lane }) => lanes.push(lane) } });
    const text = 'SELECT $1::int AS n, (SELECT count(*)::int FROM generate_series(1, $2::int)) AS worked';
    for (let i = 0; i < 30; i++) await pool.query(text, [i, 10]);
    for (let round = 0; round < 10; round++) {
      const asked = Array.from({ length: 100 }, (_, n) => {
        const controller = new AbortController();
        const wanted = Math.random() < 0.6;
        const answer = pool
          .query<{ n: number; worked: number }>({ text, values: [n, 100 + n], signal: controller.signal })
          .then(
            ({ rows }) => rows,
            (error: unknown) => error,
          );
        if (!wanted) setTimeout(() => controller.abort(reason), Math.random() * 20);
        return { n, wanted, answer };
      });
      for (const { n, wanted, answer } of asked) {
        const seen = await answer;
        if (wanted || seen !== reason) expect(seen).toEqual([{ n, worked: 100 + n }]);
      }
    }
    expect(lanes.includes(true)).toBe(!('lanes' in options));
    await expect.poll(() => pool.stats().endpoints[0]).toMatchObject({ laneStatements: 0, waiting: 0 });
  });

  test('its listeners are taken off its signal', async () => {
    await using pool = open();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    for (let i = 0; i < 20; i++) await pool.query({ text: 'SELECT 1', signal });
    await expect(pool.query({ text: 'SELECT 1 / 0', signal })).rejects.toMatchObject({ code: '22012' });
    expect(listeners).toBe(0);
  });
});
