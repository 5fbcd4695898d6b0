import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const open = (options: PoolOptions = {}): Pool => new Pool({ connectionString: database.url, ...options });

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('what a connection string says is done', () => {
  test('application name, options and limits', async () => {
    const url = new URL(database.url);
    url.searchParams.set('application_name', 'from the string');
    url.searchParams.set('options', '-c work_mem=5MB');
    url.searchParams.set('statement_timeout', '54321');
    await using pool = new Pool({ connectionString: url.href });
    for (let i = 0; i < 5; i++) {
      const { rows } = await pool.query(`
        SELECT current_setting('application_name')  AS name,
               current_setting('work_mem')          AS memory,
               current_setting('statement_timeout') AS "limit"
      `);
      expect(rows).toEqual([{ name: 'from the string', memory: '5MB', limit: '54321ms' }]);
    }
  });

  test('the password may be a function', async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(database.url);
    await using pool = new Pool({
      host,
      port: Number(port),
      user,
      database: pathname.slice(1),
      password: async () => decodeURIComponent(password),
    });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('secrets are not shown', () => {
    const pool = new Pool({ password: 'secret word', ssl: { key: 'secret key' } });
    expect(JSON.stringify(pool.options)).not.toContain('secret');
    expect(Object.keys(pool.options)).not.toContain('password');
    expect(pool.options.password).toBe('secret word');
    return pool.end();
  });
});

describe('when no connection can be opened', () => {
  test.each<[string, () => PoolOptions, object]>([
    ['a database that does not exist', () => ({ connectionString: `${database.url}_nowhere` }), { code: '3D000' }],
    [
      'a user that does not exist',
      () => ({ connectionString: database.url.replace(/\/\/[^@]*@/, '//nobody:nothing@') }),
      { code: '28P01' },
    ],
  ])('%s: the error of the server, at once', async (_name, options, error) => {
    // Would wait for ever if it were waited for.
    await using pool = new Pool({ ...options(), failoverTimeoutMillis: 0, connectionTimeoutMillis: 0 });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject(error);
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(pg.DatabaseError);
    await expect(pool.connect()).rejects.toMatchObject(error);
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    pool.connect((...args) => resolve(args));
    const [told, client, release] = await promise;
    expect(told).toMatchObject(error);
    expect(client).toBeUndefined();
    expect(() => (release as () => void)()).not.toThrow();
    // A shared one may have been tried beside them.
    await expect.poll(() => [pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0]);
  });

  test('a refused connection: that error, when it is refused for longer than a failover takes', async () => {
    await using pool = new Pool({ host: '127.0.0.1', port: 1, failoverTimeoutMillis: 150 });
    const began = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(performance.now() - began).toBeGreaterThanOrEqual(150);
    await using hasty = new Pool({ host: '127.0.0.1', port: 1, failoverTimeoutMillis: 0 });
    await expect(hasty.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a server that says nothing: given up in time', async () => {
    await using silent = await silentServer();
    await using pool = new Pool({
      host: '127.0.0.1',
      port: silent.port,
      connectionTimeoutMillis: 200,
      failoverTimeoutMillis: 0,
    });
    await expect(pool.query('SELECT 1')).rejects.toThrow(/timeout|became free|terminated/);
    await expect(pool.connect()).rejects.toThrow(/timeout|became free|terminated/);
    await expect.poll(() => pool.totalCount).toBe(0);
  });

  test('all connections lent: E_POOL_TIMEOUT, and served again after', async () => {
    // Long enough to open a connection and to be served, however busy the machine is.
    await using pool = open({ max: 1, connectionTimeoutMillis: 2000 });
    const client = await pool.connect();
    await Promise.all([
      expect(pool.connect()).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' }),
      expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' }),
    ]);
    expect(pool.waitingCount).toBe(0);
    const waiting = pool.query('SELECT 1 AS one');
    await expect.poll(() => pool.waitingCount).toBe(1);
    client.release();
    expect((await waiting).rows).toEqual([{ one: 1 }]);
  });
});

describe('hooks of a new connection', () => {
  test.each([
    ['at once', (client: pg.ClientBase) => void client.query(`SET application_name = 'hooked'`)],
    ['later', async (client: pg.ClientBase) => void (await client.query(`SET application_name = 'hooked'`))],
  ])('onConnect that is done %s is awaited', async (_name, onConnect) => {
    await using pool = open({ onConnect } as PoolOptions);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        pool.query(`SELECT current_setting('application_name') AS name, pg_sleep(0.01)`),
      ),
    );
    expect(new Set(answers.map(({ rows }) => rows[0]?.name))).toEqual(new Set(['hooked']));
    // Shared connections too, one of which may be opening yet.
    const hooked = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND application_name = 'hooked'`;
    await expect
      .poll(async () => (await pool.query<{ n: number }>(hooked, [database.name])).rows[0]?.n === pool.totalCount)
      .toBe(true);
    expect(pool.stats().endpoints[0]?.lanes).toBeGreaterThan(0);
  });

  test.each([
    [
      'throws',
      (): void => {
        throw new Error('no hook');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no hook'))],
  ])('onConnect that %s fails the caller and closes the connection', async (_name, onConnect) => {
    await using pool = open({ onConnect } as PoolOptions);
    await expect(pool.query('SELECT 1')).rejects.toThrow('no hook');
    await expect(pool.connect()).rejects.toThrow('no hook');
    await expect.poll(() => pool.totalCount).toBe(0);
    await expect
      .poll(() =>
        database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`, [
          database.name,
        ]),
      )
      .toEqual([]);
  });

  test('verify is asked once for each connection', async () => {
    const seen: unknown[] = [];
    await using pool = open({
      max: 1,
      verify: (client, done) => {
        seen.push(client);
        client.query('SELECT 1', () => done(undefined));
      },
    } as PoolOptions);
    for (let i = 0; i < 3; i++) await pool.query('SELECT 1');
    expect(seen.length).toBe(1);
    await using refusing = open({ verify: (_client, done) => done(new Error('unfit')) } as PoolOptions);
    await expect(refusing.query('SELECT 1')).rejects.toThrow('unfit');
    await expect.poll(() => refusing.totalCount).toBe(0);
  });

  test('clients are of the class that was given', async () => {
    class Own extends pg.Client {
      readonly mark = 'own';
    }
    await using pool = open({ Client: Own as never });
    const client = await pool.connect();
    expect(client).toBeInstanceOf(Own);
    client.release();
    for (let i = 0; i < 5; i++) expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(pool.Client).toBe(Own);
    expect(pool).toBeInstanceOf(pg.Pool);
  });

  test('log is told of what happens', async () => {
    const said: string[] = [];
    const pool = open({ log: (...words: unknown[]) => said.push(words.map(String).join(' ')) } as PoolOptions);
    await pool.query('SELECT 1');
    await pool.end();
    expect(said.length).toBeGreaterThan(0);
  });
});
