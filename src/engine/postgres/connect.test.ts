import { createServer, connect as connectSocket, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { plainRole, session, watched } from '../../../test/support/catalog.ts';
import { scratchServer, sharedMajors, testDatabase, unsupportedServers } from '../../../test/support/postgres.ts';
import { connectDatabase, readActivity, readDatabases, readStatements } from './index.ts';

interface Proxy extends AsyncDisposable {
  url: string;
  /** From now on nothing passes, in either direction. */
  freeze(): void;
}

/**
 * A relay to the server of a URL. `pooler` gives the client a session key of its own, as PgBouncer does; everything else
 * passes.
 */
async function proxy(url: string, options: { pooler?: boolean } = {}): Promise<Proxy> {
  const upstreamUrl = new URL(url);
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let frozen = false;
  const server: Server = createServer((client) => {
    const upstream = connectSocket(Number(upstreamUrl.port), upstreamUrl.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [client, upstream].forEach((end) => end.destroy()));
    }
    client.on('data', (data) => frozen || upstream.write(data));
    upstream.on('data', (data) => frozen || client.write(options.pooler ? withOtherKey(data) : data));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  target.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: target.href,
    freeze: () => {
      frozen = true;
    },
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Replaces the pid in BackendKeyData ('K', length 12, pid, secret). */
function withOtherKey(data: Buffer): Buffer {
  const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at >= 0) data.writeInt32BE(1, at + 5);
  return data;
}

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('a large answer comes in parts, whole, and what fails before or between them leaves the session usable', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    const { connection } = target;
    const numbers = `SELECT n, 100 / (2500 - n) AS share FROM generate_series(1, $1::int) n`;
    const rows = await connection.run<{ n: number }>(numbers, [2499]);
    expect([rows.length, rows.at(-1)?.n]).toEqual([2499, 2499]);
    await expect(connection.run(numbers, [3000])).rejects.toMatchObject({ sqlState: '22012' });
    await expect(connection.run('SELECT nothing')).rejects.toMatchObject({ sqlState: '42703' });
    expect(await connection.runPlanned<{ n: number }>(numbers, [1])).toEqual([{ n: 1, share: 0 }]);
  });

  test('the session is read only, bounded in time, and resolves no names but the system’s', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (id int); CREATE FUNCTION public.version() RETURNS text RETURN 'fake'`);
    await database.query(`ALTER DATABASE ${database.name} SET search_path = public, pg_catalog`);
    await using target = await watched(database.url, { statementTimeoutMs: 1000, lockTimeoutMs: 50 });
    const { connection } = target;
    await expect(connection.run(`INSERT INTO public.t VALUES (1)`)).rejects.toMatchObject({ sqlState: '25006' });
    await expect(connection.run(`SELECT pg_sleep(5)`)).rejects.toMatchObject({ code: 'E_QUERY', sqlState: '57014' });
    await using holder = await session(database.url);
    await holder.query(`BEGIN; LOCK TABLE t`);
    await expect(connection.run(`SELECT count(*) FROM public.t`)).rejects.toMatchObject({ sqlState: '55P03' });
    expect(target.profile.versionText).toMatch(/^PostgreSQL/);
    const { rows } = await readActivity(connection, target.profile);
    const own = rows.find((row) => row.application === 'pitcrew' && row.database === database.name);
    expect(own?.state).toBe('active');
  });

  test('counters come as numbers, times as dates, however often they are asked', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    const sql = `SELECT $1::int8 AS "big", 1.5::numeric AS "share", 'epoch'::timestamptz AS "at", ARRAY[1, 2] AS "list"`;
    for (const value of [1, 9_007_199_254_740_991]) {
      expect(await target.connection.run(sql, [value])).toEqual([
        { big: value, share: 1.5, at: new Date(0), list: [1, 2] },
      ]);
    }
    const rows = await target.connection.run<{ statement: string }>(
      `SELECT statement AS "statement" FROM pg_prepared_statements`,
    );
    expect(rows.filter(({ statement }) => statement.includes('"share"'))).toHaveLength(1);
  });

  test('a pooler in between is noticed, and nothing is left in the sessions that it lends', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int)`);
    await using pooler = await proxy(database.url, { pooler: true });
    await using target = await watched(pooler.url, { statementTimeoutMs: 1500 });
    expect(target.connection.pooled).toBe(true);
    expect(target.profile.skipped.find(({ subject }) => subject === 'direct connection')?.fix).toContain('PgBouncer');
    expect((await readDatabases(target.connection)).rows.some((row) => row.current)).toBe(true);
    expect((await readStatements(target.connection, target.profile)).rows.length).toBeGreaterThan(0);
    await expect(target.connection.run(`SELECT pg_sleep(5)`)).rejects.toMatchObject({ sqlState: '57014' });
    await expect(target.connection.run(`INSERT INTO public.t VALUES (1)`)).rejects.toMatchObject({ sqlState: '25006' });
    // Its own statement and settings are gone with the transaction.
    const [left] = await target.connection.rolledBack({ statementTimeoutMs: 1500, lockTimeoutMs: 100 }, (transaction) =>
      transaction.execute<{ path: string; prepared: number }>(
        `SELECT (SELECT reset_val FROM pg_settings WHERE name = 'search_path') AS "path", (SELECT count(*) FROM pg_prepared_statements) AS "prepared"`,
      ),
    );
    expect(left).toEqual({ path: '"$user", public', prepared: 0 });
  });
});

test.each(unsupportedServers())('PostgreSQL $major is too old and refused', async ({ major }) => {
  await using server = await scratchServer(major);
  await expect(connectDatabase({ url: server.url() })).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    detail: expect.stringContaining(`PostgreSQL ${major}`),
    hint: expect.stringContaining('Upgrade'),
  });
});

test('a wrong password, user, database or port is told as such, and no password is shown', async () => {
  await using database = await testDatabase();
  await using role = await plainRole(database);
  const changed = (edit: (url: URL) => void) => {
    const url = new URL(role.url);
    edit(url);
    return connectDatabase({ url: url.href }).then(
      () => ({ code: 'none' }),
      (error: Error & { code: string }) => error,
    );
  };
  const wrong = await changed((url) => (url.password = 'hunter2'));
  expect(wrong).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    sqlState: '28P01',
    hint: expect.stringContaining('password'),
  });
  expect(`${JSON.stringify(wrong)} ${String(wrong)} ${JSON.stringify((wrong as Error).cause)}`).not.toContain(
    'hunter2',
  );
  expect(await changed((url) => (url.password = ''))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('PGPASSWORD'),
  });
  expect(await changed((url) => (url.username = 'nobody'))).toMatchObject({ code: 'E_DATABASE_REFUSED' });
  expect(await changed((url) => (url.pathname = '/absent'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    sqlState: '3D000',
  });
  expect(await changed((url) => (url.port = '1'))).toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    hint: expect.stringContaining('Nothing listens'),
  });
  expect(await changed((url) => (url.hostname = 'absent.invalid'))).toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    hint: expect.stringContaining('resolved'),
  });
  expect(await changed((url) => url.searchParams.set('sslmode', 'require'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('sslmode'),
  });
  expect(await changed((url) => url.searchParams.set('sslmode', 'verify-ca'))).toMatchObject({ code: 'E_CONFIG' });
});

test('sslmode=prefer goes on without TLS where the server has none', async () => {
  await using database = await testDatabase();
  await using target = await watched(`${database.url}?sslmode=prefer`);
  expect(target.profile.database).toBe(database.name);
});

test('a server without free connections refuses us, and says what to do', async () => {
  await using server = await scratchServer(18, {
    max_connections: '4',
    superuser_reserved_connections: '0',
    reserved_connections: '0',
    max_wal_senders: '0',
    wal_level: 'replica',
  });
  const taken = await Promise.all([1, 2, 3, 4].map(() => session(server.url())));
  await expect(connectDatabase({ url: server.url() })).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    sqlState: '53300',
    hint: expect.stringContaining('max_connections'),
  });
  await Promise.all(taken.map((client) => client.end()));
});

test('a peer that no longer answers is given up, and closing does not hang', async () => {
  await using database = await testDatabase();
  await using relay = await proxy(database.url);
  const connection = await connectDatabase({ url: relay.url, statementTimeoutMs: 500 });
  expect(connection.pooled).toBe(false);
  relay.freeze();
  await expect(connection.run(`SELECT 1 AS "one"`)).rejects.toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    message: expect.stringContaining('does not answer'),
  });
  expect(connection.isOpen).toBe(false);
  await expect(connection.run(`SELECT 1 AS "one"`)).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  await connection.close();
  const another = await proxy(database.url);
  const second = await connectDatabase({ url: another.url });
  another.freeze();
  await second.close();
  expect(second.isOpen).toBe(false);
  await another[Symbol.asyncDispose]();
  await using silent = await proxy(database.url);
  silent.freeze();
  await expect(connectDatabase({ url: silent.url, connectTimeoutMs: 100 })).rejects.toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    hint: expect.stringContaining('firewall'),
  });
});

test('a session that is ended by the server is noticed', async () => {
  await using database = await testDatabase();
  const connection = await connectDatabase({ url: database.url, applicationName: 'victim' });
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()`,
  );
  await expect.poll(() => connection.isOpen).toBe(false);
  await expect(connection.run(`SELECT 1 AS "one"`)).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  await connection.close();
});
