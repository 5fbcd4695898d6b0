import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase, plainPool } from '../../../test/support/postgres.ts';
import { Pool, type PoolOptions } from './index.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE points (id int PRIMARY KEY, name text NOT NULL)');
  await database.query(`INSERT INTO points SELECT i, 'point ' || i FROM generate_series(1, 1000) i`);
});

afterAll(() => database[Symbol.asyncDispose]());

const open = (options: PoolOptions = {}): Pool => new Pool({ connectionString: database.url, ...options });

describe('as pg.Pool', () => {
  test('fits its type', async () => {
    const pool: pg.Pool = open();
    const { rows } = await pool.query<{ one: number }>('SELECT 1 AS one');
    expect(rows[0]?.one).toBe(1);
    await pool.end();
  });

  test('all forms of query give what pg gives', async () => {
    await using pool = open();
    await using plain = Object.assign(plainPool({ connectionString: database.url }), {
      [Symbol.asyncDispose]: () => plain.end(),
    });
    const text = 'SELECT id, name FROM points WHERE id = $1';
    const seen = ({ rows, rowCount, command, fields }: pg.QueryResult) => ({ rows, rowCount, command, fields });
    // Many times, so that shared connections are used as well.
    for (let i = 0; i < 20; i++) {
      expect(seen(await pool.query(text, [7]))).toEqual(seen(await plain.query(text, [7])));
      expect(seen(await pool.query({ text, values: [8] }))).toEqual(seen(await plain.query({ text, values: [8] })));
      expect(await pool.query({ text, values: [8], rowMode: 'array' }).then(({ rows }) => rows)).toEqual([
        [8, 'point 8'],
      ]);
      expect(seen(await pool.query({ name: 'by id', text, values: [9] }))).toEqual(
        seen(await plain.query({ name: 'by id', text, values: [9] })),
      );
      const { promise, resolve } = Promise.withResolvers<unknown>();
      pool.query(text, [10], (error, result) => resolve([error, result.rows]));
      expect(await promise).toEqual([undefined, [{ id: 10, name: 'point 10' }]]);
    }
    const types = { getTypeParser: () => (value: string) => `<${value}>` } as unknown as pg.CustomTypesConfig;
    const typed = { text: 'SELECT id, name FROM points WHERE id = 3', types };
    for (let i = 0; i < 5; i++) expect((await pool.query(typed)).rows).toEqual([{ id: '<3>', name: '<point 3>' }]);
    expect(pool.stats().endpoints[0]?.lanes).toBeGreaterThan(0);
  });

  test('several statements in one text give several results', async () => {
    await using pool = open();
    const results = (await pool.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as pg.QueryResult[];
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  });

  test('errors of the database arrive as pg makes them, with the line of the caller', async () => {
    await using pool = open();
    for (let i = 0; i < 5; i++) {
      const error: unknown = await pool.query('SELECT 1 / (id - id) FROM points').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(pg.DatabaseError);
      expect(error).toMatchObject({ code: '22012' });
      expect((error as Error).stack).toContain('pool.test.ts');
    }
  });

  test('cursors and streams', async () => {
    await using pool = open();
    const cursor = pool.query(new Cursor('SELECT id FROM points ORDER BY id'));
    expect(await cursor.read(2)).toEqual([{ id: 1 }, { id: 2 }]);
    await cursor.close();
    const ids: number[] = [];
    for await (const row of pool.query(new QueryStream('SELECT id FROM points ORDER BY id'))) {
      ids.push((row as { id: number }).id);
    }
    expect(ids.length).toBe(1000);
    await expect.poll(() => pool.idleCount + (pool.stats().endpoints[0]?.lanes ?? 0)).toBe(pool.totalCount);
  });

  test('a client is lent and given back, once', async () => {
    await using pool = open({ max: 3, lanes: 0 });
    const events: string[] = [];
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const) pool.on(event, () => events.push(event));
    const client = await pool.connect();
    expect(pool.totalCount).toBe(1);
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
    expect(() => client.release()).toThrow('already been released');
    const again = await pool.connect();
    expect(again).toBe(client);
    again.release(new Error('broken'));
    await expect.poll(() => events).toEqual(['connect', 'acquire', 'release', 'acquire', 'release', 'remove']);
  });

  test('what a connect listener sends comes first, on shared connections too', async () => {
    await using pool = open();
    pool.on('connect', (client) => void client.query(`SET search_path TO 'elsewhere'`));
    for (let i = 0; i < 10; i++) {
      const { rows } = await pool.query(`SELECT current_setting('search_path') AS path`);
      expect(rows).toEqual([{ path: 'elsewhere' }]);
    }
  });

  test('after end nothing is taken any more, and what is under way is finished', async () => {
    const pool = open();
    const running = pool.query('SELECT pg_sleep(0.05), 1 AS one');
    await nextTurn();
    const ended = pool.end();
    await expect(pool.query('SELECT 1')).rejects.toThrow('after calling end');
    await expect(pool.connect()).rejects.toThrow('after calling end');
    expect((await running).rows).toMatchObject([{ one: 1 }]);
    await ended;
    expect([pool.ended, pool.totalCount]).toEqual([true, 0]);
    await expect(pool.end()).rejects.toThrow('more than once');
  });
});

/** Until the pool has taken up the statement. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('transactions', () => {
  test('commit, roll back, and nest', async () => {
    await using pool = open();
    await pool.query('CREATE TABLE moved (id int)');
    const moved = async (): Promise<number[]> =>
      (await pool.query<{ id: number }>('SELECT id FROM moved ORDER BY id')).rows.map(({ id }) => id);
    await pool.transaction(async (client) => {
      await client.query('INSERT INTO moved VALUES (1)');
      await client
        .transaction(async (nested) => {
          await nested.query('INSERT INTO moved VALUES (2)');
          throw new Error('not this one');
        })
        .catch(() => {});
      await client.query('INSERT INTO moved VALUES (3)');
    });
    expect(await moved()).toEqual([1, 3]);
    await expect(
      pool.transaction(async (client) => {
        await client.query('INSERT INTO moved VALUES (4)');
        throw new Error('nor all');
      }),
    ).rejects.toThrow('nor all');
    expect(await moved()).toEqual([1, 3]);
  });

  test('a client released inside a transaction is rolled back and used again', async () => {
    const warnings: string[] = [];
    await using pool = open({ max: 1, observer: { warned: ({ code }) => void warnings.push(code) } });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('CREATE TABLE half (id int)');
    client.release();
    expect((await pool.query(`SELECT to_regclass('half') AS half`)).rows).toEqual([{ half: null }]);
    expect(warnings).toEqual(['open-transaction']);
  });
});

describe('who holds connections', () => {
  test('a timeout says who, since when and doing what', async () => {
    await using pool = open({ max: 2, connectionTimeoutMillis: 2000 });
    const [one, other] = [await pool.connect(), await pool.connect()];
    await one.query('SELECT 1 AS held');
    const error: unknown = await pool.query('SELECT 2').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_POOL_TIMEOUT' });
    const { detail } = error as { detail: string };
    expect(detail).toMatch(/pool\.test\.ts:\d+/);
    expect(detail).toContain('SELECT ? AS held');
    for (const client of [one, other]) client.release();
  });

  test('a leak is told once, with the line', async () => {
    const warned: string[] = [];
    const observer = {
      warned: ({ code, detail }: { code: string; detail: string | undefined }) => void warned.push(`${code} ${detail}`),
    };
    await using pool = open({ leakDetectionMillis: 30, observer });
    const client = await pool.connect();
    await expect.poll(() => warned).toEqual([expect.stringMatching(/^leak .*pool\.test\.ts:\d+/s)]);
    client.release();
  });

  test('transactions that wait for each other’s connections are told so before the timeout', async () => {
    await using pool = open({ max: 2, connectionTimeoutMillis: 20_000 });
    const nested = (): Promise<unknown> =>
      pool.transaction(async (client) => {
        await client.query('SELECT 1');
        await pool.connect().then((second) => second.release());
      });
    const outcomes = await Promise.allSettled([nested(), nested()]);
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'done'));
    expect(codes.toSorted()).toEqual(['E_POOL_DEADLOCK', 'done']);
  });
});
