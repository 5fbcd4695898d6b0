import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const open = (options: PoolOptions = {}): Pool => new Pool({ connectionString: database.url, ...options });

async function pidOf(client: pg.ClientBase | Pool): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

describe('giving a client back', () => {
  test('counts', async () => {
    await using pool = open({ max: 2, lanes: 0 });
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0]);
    const one = await pool.connect();
    const two = await pool.connect();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 0]);
    const third = pool.connect();
    await expect.poll(() => pool.waitingCount).toBe(1);
    one.release();
    const three = await third;
    expect(three).toBe(one);
    three.release();
    two.release();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 2, 0]);
  });

  test.each([true, new Error('broken')])('with %s closes its connection', async (reason) => {
    await using pool = open({ lanes: 0 });
    const removed = vi.fn();
    pool.on('remove', removed);
    const client = await pool.connect();
    const pid = await pidOf(client);
    client.release(reason);
    expect(pool.totalCount).toBe(0);
    await expect.poll(() => removed.mock.calls).toEqual([[client]]);
    expect(await pidOf(pool)).not.toBe(pid);
  });

  test('twice is an error, by whatever name it goes', async () => {
    await using pool = open();
    const client = await pool.connect();
    const { release } = client;
    client.release();
    expect(() => client.release()).toThrow('already been released');
    const again = await pool.connect();
    expect(() => release()).toThrow('already been released');
    again.release();
    const { promise, resolve } = Promise.withResolvers<(error?: Error) => void>();
    pool.connect((_error, _client, done) => resolve(done));
    const done = await promise;
    done();
    expect(() => done()).toThrow('already been released');
    expect(pool.idleCount).toBe(1);
  });

  test('what the application has put in the place of query and release works, and is taken off again', async () => {
    await using pool = open({ max: 1 });
    const client = await pool.connect();
    const { query, release } = client;
    const asked: unknown[] = [];
    client.query = ((...args: unknown[]) => {
      asked.push(args[0]);
      return (query as (...rest: unknown[]) => unknown).apply(client, args);
    }) as typeof client.query;
    client.release = (error) => {
      client.query = query;
      client.release = release;
      release.call(client, error);
    };
    await client.query('SELECT 1');
    client.release();
    await pool.query('SELECT 2');
    expect(asked).toEqual(['SELECT 1']);
  });

  test('a listener of connect that wraps query sees the statements of lent clients', async () => {
    await using pool = open({ max: 1 });
    const asked: unknown[] = [];
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((...args: unknown[]) => {
        asked.push(args[0]);
        return query(...args);
      }) as typeof client.query;
    });
    for (let i = 0; i < 2; i++) {
      const client = await pool.connect();
      await client.query(`SELECT ${i}`);
      client.release();
    }
    expect(asked).toEqual(['SELECT 0', 'SELECT 1']);
  });

  test('while statements are under way: they come to their end before the next one has it', async () => {
    await using pool = open({ max: 1 });
    await pool.query('CREATE TABLE IF NOT EXISTS notes (note text)');
    const client = await pool.connect();
    const began = client.query('BEGIN');
    const written = client.query(`INSERT INTO notes SELECT 'left open' FROM pg_sleep(0.05)`);
    client.release();
    // The next one is in no transaction of someone else's.
    const { rows } = await pool.query(
      'SELECT pg_current_xact_id_if_assigned() AS id, (SELECT count(*)::int FROM notes) AS n',
    );
    expect(rows).toEqual([{ id: null, n: 0 }]);
    await Promise.all([began, written]);
  });

  test('inside a transaction: it is rolled back', async () => {
    await using pool = open({ max: 1 });
    await pool.query('CREATE TABLE IF NOT EXISTS left_open (note text)');
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(`INSERT INTO left_open VALUES ('lost')`);
    client.release();
    expect((await pool.query('SELECT * FROM left_open')).rows).toEqual([]);
    await pool.query('BEGIN');
    expect((await pool.query('SELECT pg_current_xact_id_if_assigned() AS id')).rows).toEqual([{ id: null }]);
  });

  test('an error that nobody waits for is an unhandled rejection, as with pg', async () => {
    await using pool = open({ max: 1 });
    const unhandled = vi.fn();
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', unhandled);
    const client = await pool.connect();
    void client.query('SELECT * FROM nowhere');
    await vi.waitFor(() => expect(unhandled.mock.calls[0]?.[0]).toMatchObject({ code: '42P01' }), { timeout: 20_000 });
    client.release();
    process.removeListener('unhandledRejection', unhandled);
    for (const listener of others) process.on('unhandledRejection', listener);
  });
});

describe('what was changed in a session', () => {
  /** Settings, LISTEN, a temporary table, a lock, a prepared statement. */
  const changes = `
    SET search_path TO elsewhere;
    LISTEN news;
    CREATE TEMPORARY TABLE scratch (id int);
    SELECT pg_advisory_lock(1);
    PREPARE one AS SELECT 1
  `;
  const left = `
    SELECT current_setting('search_path')                                             AS path,
           (SELECT count(*)::int FROM pg_listening_channels())                        AS channels,
           to_regclass('pg_temp.scratch') IS NOT NULL                                 AS scratch,
           (SELECT count(*)::int
              FROM pg_locks
             WHERE locktype = 'advisory'
               AND pid = pg_backend_pid())                                             AS locks,
           (SELECT count(*)::int FROM pg_prepared_statements WHERE name = 'one')      AS prepared
  `;
  const nothing = { path: '"$user", public', channels: 0, scratch: false, locks: 0, prepared: 0 };

  test('is there for the next caller, as with pg', async () => {
    await using pool = open({ max: 1 });
    const client = await pool.connect();
    await client.query(changes);
    client.release();
    expect((await pool.query(left)).rows).toEqual([
      { path: 'elsewhere', channels: 1, scratch: true, locks: 1, prepared: 1 },
    ]);
  });

  test.each<[string, (pool: Pool) => Promise<unknown>]>([
    ['a client', (pool) => pool.connect().then((client) => client.query(changes).then(() => client.release()))],
    ['a statement', (pool) => pool.query(changes)],
    ['a transaction', (pool) => pool.transaction((client) => client.query(changes))],
    ['a query object', (pool) => once(pool.query(new pg.Query(changes)), 'end')],
  ])('by %s is gone with resetOnRelease, on the same connection', async (_, change) => {
    await using pool = open({ max: 1, resetOnRelease: true });
    const named = { name: 'pid', text: 'SELECT pg_backend_pid() AS pid' };
    const { rows: before } = await pool.query(named);
    await change(pool);
    expect((await pool.query(left)).rows).toEqual([nothing]);
    // What `pg` had prepared is gone as well, and it knows that.
    expect((await pool.query(named)).rows).toEqual(before);
  });

  test('is gone with its connection where there are hooks, which run again', async () => {
    await using pool = open({ max: 1, resetOnRelease: true });
    pool.on('connect', (client) => void client.query('SET search_path TO of_the_hook'));
    const pid = await pidOf(pool);
    await pool.query('SET search_path TO elsewhere');
    expect((await pool.query(left)).rows).toEqual([{ ...nothing, path: 'of_the_hook' }]);
    expect(await pidOf(pool)).not.toBe(pid);
  });

  test('nothing is reset where nothing was changed', async () => {
    await using pool = open({ max: 1, resetOnRelease: true });
    await pool.query({ name: 'kept', text: 'SELECT 1' });
    await pool.transaction((client) => client.query('SELECT 2'));
    const client = await pool.connect();
    await client.query('BEGIN');
    client.release();
    const { rows } = await pool.query(`SELECT name FROM pg_prepared_statements`);
    expect(rows).toEqual([{ name: 'kept' }]);
  });
});

describe('how long a connection lives', () => {
  test('maxUses', async () => {
    await using pool = open({ max: 1, maxUses: 2 });
    const pids = [];
    for (let i = 0; i < 6; i++) pids.push(await pidOf(pool));
    expect(new Set(pids).size).toBe(3);
  });

  test('maxUses of shared connections', async () => {
    await using pool = open({ maxUses: 20, max: 8, lanes: 2 });
    const removed = vi.fn();
    pool.on('remove', removed);
    for (let i = 0; i < 200; i++) {
      expect((await pool.query('SELECT $1::int AS n', [i])).rows).toEqual([{ n: i }]);
    }
    // At most twenty each.
    await expect.poll(() => removed.mock.calls.length).toBeGreaterThanOrEqual(9);
  });

  test('maxLifetimeSeconds, idle or in use', async () => {
    await using pool = open({ maxLifetimeSeconds: 1, lanes: 0, min: 1 });
    const client = await pool.connect();
    const pid = await pidOf(client);
    await expect.poll(() => pool.expiredCount).toBe(1);
    expect(await pidOf(client)).toBe(pid);
    client.release();
    expect(pool.totalCount).toBe(0);
    expect(await pidOf(pool)).not.toBe(pid);
    await expect.poll(() => pool.totalCount).toBe(0);
  });

  test('idleTimeoutMillis leaves min', async () => {
    await using pool = open({ idleTimeoutMillis: 50, min: 1, lanes: 0 });
    const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
    for (const client of clients) client.release();
    expect(pool.totalCount).toBe(4);
    await expect.poll(() => pool.totalCount).toBe(1);
    await expect.poll(() => backends()).toBe(1);
  });

  async function backends(): Promise<number> {
    const [row] = await database.query<{ n: number }>(`
      SELECT count(*)::int AS n
        FROM pg_stat_activity
       WHERE datname = current_database()
         AND pid <> pg_backend_pid()
    `);
    return row?.n ?? -1;
  }
});

describe('a backend that is killed', () => {
  const kill = (pid: number): Promise<unknown> => database.query('SELECT pg_terminate_backend($1)', [pid]);

  test('while idle: the pool survives without a listener', async () => {
    await using pool = open({ lanes: 0 });
    const pid = await pidOf(pool);
    await kill(pid);
    await expect.poll(() => pool.totalCount).toBe(0);
    expect(await pidOf(pool)).not.toBe(pid);
  });

  test('while idle: a listener of error is told, with the client', async () => {
    await using pool = open({ lanes: 0 });
    const told = vi.fn();
    pool.on('error', told);
    const client = await pool.connect();
    const pid = await pidOf(client);
    client.release();
    await kill(pid);
    await expect.poll(() => told.mock.calls.length).toBe(1);
    expect(told.mock.calls[0]).toMatchObject([{ code: '57P01' }, expect.any(pg.Client)]);
    expect(told.mock.calls[0]?.[1]).toBe(client);
  });

  test('while lent: its holder has the error, and the pool goes on', async () => {
    await using pool = open({ lanes: 0 });
    const told = vi.fn();
    pool.on('error', told);
    const client = await pool.connect();
    const pid = await pidOf(client);
    const failed = expect(client.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57P01' });
    await kill(pid);
    await failed;
    client.release();
    expect(await pidOf(pool)).not.toBe(pid);
    expect(told).not.toHaveBeenCalled();
  });
});

describe('ending', () => {
  test('waits for clients that are out, and serves those who wait', async () => {
    const pool = open({ max: 1 });
    const client = await pool.connect();
    const waiting = pool.query('SELECT 1 AS one');
    await expect.poll(() => pool.waitingCount).toBe(1);
    let ended = false;
    const ending = pool.end().then(() => (ended = true));
    expect([pool.ending, pool.ended]).toEqual([true, false]);
    expect((await client.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
    expect(ended).toBe(false);
    client.release();
    expect((await waiting).rows).toEqual([{ one: 1 }]);
    await ending;
    expect([pool.ending, pool.ended, pool.totalCount]).toEqual([true, true, 0]);
  });

  test('in both forms, once', async () => {
    const pool = open();
    await pool.query('SELECT 1');
    await new Promise<void>((resolve) => pool.end(resolve));
    await expect(pool.end()).rejects.toThrow('more than once');
    const { promise, resolve } = Promise.withResolvers<unknown>();
    pool.end(((error: unknown) => resolve(error)) as () => void);
    expect(await promise).toMatchObject({ message: 'Called end on pool more than once' });
    const refused = Promise.withResolvers<unknown>();
    pool.query('SELECT 1', (error) => refused.resolve(error));
    expect(await refused.promise).toMatchObject({
      code: 'E_POOL_CLOSED',
      message: 'Cannot use a pool after calling end on the pool',
    });
  });

  test('of a pool that was never used', async () => {
    await open().end();
  });

  test('of a pool whose server is away', async () => {
    const pool = new Pool({ host: '127.0.0.1', port: 1, failoverTimeoutMillis: 60_000 });
    const waiting = pool.query('SELECT 1').catch((error: unknown) => error);
    await expect.poll(() => pool.waitingCount).toBe(1);
    await pool.end();
    expect(await waiting).toMatchObject({ code: 'ECONNREFUSED' });
  }, 10_000);
});

describe('a connection whose statement has failed is free when its server says so', () => {
  test('not twice, and for one caller at a time, when a value cannot be written', async () => {
    await using pool = open({ max: 2, lanes: 0 });
    const broken: { self?: unknown } = {};
    broken.self = broken;
    const taken = new Set<pg.PoolClient>();
    let twice = 0;
    const use = async (): Promise<void> => {
      const client = await pool.connect();
      if (taken.has(client)) twice += 1;
      taken.add(client);
      await client.query('SELECT 1');
      taken.delete(client);
      client.release();
    };
    for (let i = 0; i < 20; i++) {
      const failing = pool.query('SELECT $1::text', [broken]);
      // Who waits for it.
      const waiting = Promise.all([use(), use(), use(), use()]);
      await expect(failing).rejects.toThrow('circular');
      await waiting;
    }
    expect(twice).toBe(0);
    // The last one is, too, once its server has said so.
    await expect.poll(() => pool.idleCount).toBe(2);
  });

  test.each<[string, (pool: Pool) => Promise<unknown>]>([
    ['a statement', (pool) => pool.query('BEGIN; SELECT 1 / 0').catch((error: unknown) => error)],
    [
      'a client',
      async (pool) => {
        const client = await pool.connect();
        return new Promise((resolve) =>
          client.query('BEGIN; SELECT 1 / 0', (error: Error) => {
            client.release();
            resolve(error);
          }),
        );
      },
    ],
  ])('by %s inside a transaction, which nobody else finds himself in', async (_, fail) => {
    await using pool = open({ max: 1 });
    expect(await fail(pool)).toMatchObject({ code: '22012' });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
