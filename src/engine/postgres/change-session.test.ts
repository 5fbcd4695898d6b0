import { describe, expect, test } from 'vitest';
import { session } from '../../../test/support/catalog.ts';
import { findPgBouncer, startPgBouncer } from '../../../test/support/pgbouncer.ts';
import { sharedMajors, testDatabase } from '../../../test/support/postgres.ts';
import { connectForChanges } from './index.ts';

const limits = { statementTimeoutMs: 60_000, lockTimeoutMs: 60_000 };

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('changes run outside of a transaction, marked as ours, under their own limits', async () => {
    await using database = await testDatabase(major);
    await database.query('CREATE TABLE t (id int, name text)');
    const changes = await connectForChanges({ url: database.url, applicationName: 'changes' });
    await changes.run('CREATE INDEX CONCURRENTLY t_id ON public.t (id)', [], limits);
    await changes.run('VACUUM public.t', [], limits);
    expect(
      await database.query(`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 't'::regclass`),
    ).toEqual([{ name: 't_id' }]);
    const [seen] = await database.query<{ pid: number; query: string; startedAt: Date }>(
      `SELECT pid, query, backend_start AS "startedAt" FROM pg_stat_activity WHERE application_name = 'changes' AND datname = current_database()`,
    );
    expect(seen).toEqual({ pid: changes.pid, query: 'VACUUM /* pitcrew */ public.t', startedAt: changes.startedAt });
    await expect(changes.run('SELECT pg_sleep(60)', [], { ...limits, statementTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '57014',
    });
    await using holder = await session(database.url);
    await holder.query('BEGIN; LOCK TABLE t');
    await expect(
      changes.run('CREATE INDEX CONCURRENTLY t_name ON public.t (name)', [], { ...limits, lockTimeoutMs: 20 }),
    ).rejects.toMatchObject({ code: 'E_QUERY', sqlState: '55P03' });
    await expect(changes.run('SELECT 1; SELECT 2', [], limits)).rejects.toMatchObject({ sqlState: '42601' });
    await expect(changes.run('SELECT * FROM t', [], limits)).rejects.toMatchObject({ sqlState: '42P01' });
    await changes.close();
    expect(changes.isOpen).toBe(false);
    await expect(changes.run('SELECT 1', [], limits)).rejects.toMatchObject({ code: 'E_ABORTED' });
  });
});

test('what is aborted has ended on the server when we are told so, and the session goes on', async () => {
  await using database = await testDatabase();
  const changes = await connectForChanges({ url: database.url });
  const sleeping = async () => {
    const rows = await database.query(
      `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'`,
      [changes.pid],
    );
    return rows.length > 0;
  };
  const abort = new AbortController();
  const running = changes.run('SELECT pg_sleep(600)', [], { ...limits, signal: abort.signal });
  const failed = running.catch((error: unknown) => error);
  await expect.poll(sleeping).toBe(true);
  abort.abort();
  expect(await failed).toMatchObject({ code: 'E_ABORTED' });
  // The server tells of the error a moment before it shows the session as idle.
  await expect.poll(sleeping).toBe(false);
  expect(await changes.run('SELECT 7 AS seven', [], limits)).toEqual([{ seven: 7 }]);
  await expect(changes.run('SELECT 1', [], { ...limits, signal: abort.signal })).rejects.toMatchObject({
    code: 'E_ABORTED',
  });
  const last = changes.run('SELECT pg_sleep(600)', [], limits).catch((error: unknown) => error);
  await expect.poll(sleeping).toBe(true);
  await changes.close();
  expect(await last).toMatchObject({ code: 'E_ABORTED' });
});

test('a connection that is lost under way leaves the outcome unknown', async () => {
  await using database = await testDatabase();
  const changes = await connectForChanges({ url: database.url });
  const lost = changes.run('SELECT pg_sleep(600)', [], limits).catch((error: unknown) => error);
  await expect
    .poll(async () => {
      const [row] = await database.query<{ ended: boolean }>(
        `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%'`,
        [changes.pid],
      );
      return row?.ended;
    })
    .toBe(true);
  expect(await lost).toMatchObject({ code: 'E_OUTCOME_UNKNOWN' });
  await expect.poll(() => changes.isOpen).toBe(false);
  await expect(changes.run('SELECT 1', [], limits)).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  await changes.close();
});

test('a pooler is refused: changes need a session of their own', async ({ skip }) => {
  const program = findPgBouncer();
  if ('missing' in program) skip(`not tested here: ${program.missing}`);
  await using database = await testDatabase();
  await using bouncer = await startPgBouncer({ backends: { shop: database.url } });
  await expect(connectForChanges({ url: bouncer.url('shop') })).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    hint: expect.stringContaining('PgBouncer'),
  });
});
