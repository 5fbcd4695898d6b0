import { beforeEach, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { connectDatabase, type DatabaseConnection } from '../../src/engine/postgres/index.ts';
import { openStore } from '../../src/ops/store/index.ts';
import { pitcrew } from '../support/command.ts';
import { onlyWhenAsked, watch } from '../support/monitored.ts';
import { findPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { scratchServer, testDatabase } from '../support/postgres.ts';

const program = findPgBouncer();
beforeEach(({ skip }) => {
  if ('missing' in program) skip(`not tested here: ${program.missing}`);
});

const patient = { timeout: 30_000, interval: 100 };

const allOk = { activity: 'ok', statements: 'ok', instance: 'ok', tables: 'ok', slow: 'ok' };

test('everything is watched through PgBouncer in transaction mode, with one connection of its pool', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  const counted = async () => {
    const [row] = await database.query<{ commits: number; rollbacks: number; open: number }>(`
      SELECT xact_commit::int4 AS commits, xact_rollback::int4 AS rollbacks, numbackends::int4 AS open
        FROM pg_stat_database
       WHERE datname = current_database()`);
    return row;
  };
  const before = await counted();
  {
    await using bouncer = await startPgBouncer({
      backends: { shop: database.url },
      settings: { default_pool_size: '1' },
    });
    await using monitor = watch({ url: bouncer.url('shop'), actions: { sessions: true, resetStatistics: false } });
    await monitor.collectNow();
    expect(
      Object.fromEntries(monitor.status().collectors.map(({ name, state, message }) => [name, message ?? state])),
    ).toEqual(allOk);
    expect(monitor.status()).toMatchObject({
      connection: 'watching',
      server: { pooled: true, database: database.name },
      skipped: [{ subject: 'direct connection', fix: expect.stringContaining('server itself') }],
    });
    expect(monitor.activity()?.sessions.some(({ application }) => application === 'pitcrew')).toBe(true);
    const plan = await monitor.explain({ text: 'SELECT relname FROM pg_class WHERE oid = $1' });
    expect(JSON.stringify(plan)).toContain('pg_class');
    // The pooler and the server are both on this machine.
    expect(monitor.latest().has('host.memory_total_bytes')).toBe(true);
  }
  // A session counts for good when it has ended.
  await expect.poll(async () => (await counted())?.open, patient).toBe(1);
  const after = await counted();
  expect(after?.commits).toBeGreaterThan(before?.commits ?? 0);
  // What we read is no sign of trouble: only the plan, which is taken back on purpose, counts as rolled back.
  expect(after?.rollbacks).toBe((before?.rollbacks ?? 0) + 1);
});

test('a server that stops behind the pooler is told as such, and watched on when it is back', async () => {
  await using server = await scratchServer(18);
  await using bouncer = await startPgBouncer({
    backends: { shop: server.url() },
    settings: { query_wait_timeout: '1' },
  });
  const config = { ...onlyWhenAsked, cadence: { ...onlyWhenAsked.cadence, activity: 250 } };
  await using monitor = watch({ url: bouncer.url('shop'), config });
  await monitor.collectNow(['activity']);
  expect(monitor.status()).toMatchObject({ connection: 'watching' });
  await server.whileStopped(async () => {
    await expect
      .poll(() => monitor.status(), patient)
      .toMatchObject({ connection: 'unreachable', hint: expect.stringContaining('behind it') });
  });
  await expect.poll(() => monitor.status().connection, patient).toBe('watching');
  await monitor.collectNow(['activity', 'instance']);
  expect(monitor.status().collectors).toMatchObject([{ state: 'ok' }, {}, { state: 'ok' }, {}, {}]);
});

test('what cannot work through a pooler is told with the way out', async () => {
  await using database = await testDatabase();
  const absent = database.url.replace(/[^/]*$/, 'absent');
  const nobody = database.url.replace(/:\d+\//, ':1/');
  await using bouncer = await startPgBouncer({
    backends: { shop: database.url, absent, nobody },
    settings: { max_client_conn: '2', query_wait_timeout: '1' },
  });
  await using statements = await startPgBouncer({ backends: { shop: database.url }, poolMode: 'statement' });
  const refused = async (url: string) => {
    let connection: DatabaseConnection | undefined;
    try {
      connection = await connectDatabase({ url });
      return await connection.run('SELECT 1 AS "one"');
    } catch (error) {
      return error;
    } finally {
      await connection?.close();
    }
  };

  expect(await refused(statements.url('shop'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('pool_mode=transaction'),
  });
  expect(await refused(`${bouncer.url('shop')}?options=-c%20work_mem%3D1MB`)).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    detail: expect.stringContaining('options'),
    hint: expect.stringContaining('ignore_startup_parameters'),
  });
  expect(await refused(bouncer.url('shop').replace(/\/shop$/, '/unknown'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('that the pooler knows'),
  });
  expect(await refused(bouncer.url('absent'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('exist on the server behind it'),
  });
  expect(await refused(bouncer.url('nobody'))).toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    hint: expect.stringContaining('behind it'),
  });
  expect(await refused(bouncer.url('shop').replace(/:[^:@]*@/, ':wrong@'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('password'),
  });
  const clients = await Promise.all([1, 2].map(() => connectDatabase({ url: bouncer.url('shop') })));
  expect(await refused(bouncer.url('shop'))).toMatchObject({
    code: 'E_DATABASE_REFUSED',
    hint: expect.stringContaining('no more clients'),
  });
  await Promise.all(clients.map((client) => client.close()));
});

test('a store behind a pooler is refused, because its claims are held by sessions', async () => {
  await using database = await testDatabase();
  await using bouncer = await startPgBouncer({ backends: { history: database.url } });
  const { retention } = configDefinition.parse({}).store;
  await expect(openStore({ url: bouncer.url('history'), retention })).rejects.toMatchObject({
    code: 'E_STORE_UNAVAILABLE',
    hint: expect.stringContaining('PgBouncer'),
  });
});

test('doctor sees the pooler and says what to do', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  await using bouncer = await startPgBouncer({ backends: { shop: database.url } });
  const { code, stdout } = await pitcrew(['doctor', '--database', bouncer.url('shop')]);
  expect(stdout).toMatch(/PostgreSQL 18.*, through a pooler/);
  expect(stdout).toMatch(
    /direct connection skipped: a connection pooler.*\n\s+fix give the address of the server itself/,
  );
  expect(code).toBe(1);
});
