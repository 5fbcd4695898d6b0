import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { ScratchServer } from '../support/postgres.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let server: ScratchServer;

beforeAll(async () => {
  folder = stack.use(temporaryFolder()).path;
  server = stack.use(await backupServer(18, { summarize_wal: 'on' }));
});
afterAll(() => stack.disposeAsync());

test('what serves better is taken, and it is said why', async () => {
  await using client = await session(server.url());
  await client.query('CREATE ROLE backup LOGIN REPLICATION PASSWORD $$backup$$');
  const url = new URL(server.url());
  url.username = 'backup';
  url.password = 'backup';
  const repository = ['--repository', join(folder, 'repository')];
  const create = () => command(['backup', 'create', '--database', url.href, ...repository]);
  const first = await create();
  expect(first).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Full: there is no backup to build on yet.'),
  });
  await client.query('CREATE TABLE t AS SELECT n FROM generate_series(1, 20000) n');
  const second = await create();
  expect(second).toMatchObject({ code: 0 });
  expect(second.stderr).toMatch(
    /^Incremental: about \d+ % (at most )?of \d+ MB has changed since \S+-full(, by how much log was written)?\.$/m,
  );
  expect(second.stdout).toMatch(/Changed +\d+\.\d %/);
  await client.query(`CREATE TABLE much AS SELECT n, repeat('x', 1000) AS pad FROM generate_series(1, 30000) n`);
  await client.query('CHECKPOINT');
  const noted = 'SELECT max(end_lsn) > pg_current_wal_lsn() - 1000000 AS noted FROM pg_available_wal_summaries()';
  await expect.poll(async () => (await client.query(noted)).rows).toEqual([{ noted: true }]);
  const third = await create();
  expect(third.stderr).toMatch(/^Full: about \d+ % of \d+ MB has changed since \S+-incremental\.$/m);
  const { backups } = JSON.parse((await command(['backup', 'list', '--json', ...repository])).stdout) as {
    backups: { type: string; reason: string; changedRatio?: number }[];
  };
  expect(backups.map(({ type }) => type)).toEqual(['full', 'incremental', 'full']);
  expect(backups[0]).not.toHaveProperty('changedRatio');
  expect(backups[1]?.changedRatio).toBeGreaterThan(0);
  expect(backups[1]?.changedRatio).toBeLessThan(0.6);
  expect(backups[2]?.reason).toContain('has changed since');
});

test('a server that cannot tell all that has changed is asked for all', async () => {
  await using client = await session(server.url());
  const repository = openRepository({ storage: localStorage(join(folder, 'other')) });
  const chosen: string[] = [];
  const create = (url: string) =>
    createBackup({ url, repository, madeBy: 'a test', type: 'auto', onChoice: ({ reason }) => chosen.push(reason) });
  const unreadable = new URL(server.url());
  unreadable.pathname = '/no_such_database';
  await create(server.url());
  const set = async (value: string) => {
    await client.query(`ALTER SYSTEM SET summarize_wal = ${value}`);
    await client.query('SELECT pg_reload_conf()');
    await expect.poll(async () => (await client.query('SHOW summarize_wal')).rows).toEqual([{ summarize_wal: value }]);
    const noting = `SELECT count(*)::int AS of_them FROM pg_stat_activity WHERE backend_type = 'walsummarizer'`;
    await expect.poll(async () => (await client.query(noting)).rows).toEqual([{ of_them: value === 'on' ? 1 : 0 }]);
  };
  await set('off');
  // Until it has noticed that a backup has ended, the server keeps log for it.
  await expect.poll(async () => (await client.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
  // Notes begin anew with the log that is kept: what was recycled is a gap.
  await client.query('CREATE TABLE gap AS SELECT 1 AS n');
  await client.query(`SELECT pg_switch_wal()`);
  await client.query('CHECKPOINT');
  await set('on');
  const made = await create(unreadable.href);
  expect(chosen).toEqual([
    'there is no backup to build on yet',
    expect.stringMatching(/^about \d+ % of \d+ MB has changed since .*, by how much log was written$/),
    'the server cannot tell all that has changed',
  ]);
  expect(made).toMatchObject({ type: 'full', parent: null, reason: 'the server cannot tell all that has changed' });
  expect(await repository.leftovers()).toEqual([]);
  expect(await repository.running()).toEqual([]);
});
