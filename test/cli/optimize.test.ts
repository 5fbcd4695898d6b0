import { expect, test } from 'vitest';
import { runStatements } from '../support/answers.ts';
import { session } from '../support/catalog.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { scratchReplica, scratchServer, testDatabase } from '../support/postgres.ts';
import { testStore } from '../support/store.ts';

interface OptimizeDocument {
  databases: {
    dryRun: boolean;
    metrics?: { deadRows: number; sizeBytes: number };
    explain?: { statements: { text: string; plan: unknown }[]; reason: string | null };
    maintenance?: { tasks: { kind: string; table: string; statement: string; why: string; outcome: string | null }[] };
    cleanup?: { sessions: { user: string; outcome: string | null }[] };
  }[];
}

function documentOf(stdout: string): OptimizeDocument['databases'][number] {
  const [database] = (JSON.parse(stdout) as OptimizeDocument).databases;
  if (!database) throw new Error('no database in the document');
  return database;
}

test('a dry run changes nothing, --yes does what is needed, and then nothing is', async () => {
  await using server = await scratchServer(18, { autovacuum: 'off' });
  const url = server.url();
  await runStatements(url, [
    'CREATE EXTENSION pg_stat_statements',
    `CREATE ROLE app LOGIN PASSWORD 'app'`,
    'CREATE TABLE orders (id int PRIMARY KEY, status text)',
    `INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 20000) n`,
    `SELECT count(*) FROM orders WHERE status = 'a status that nobody has'`,
  ]);
  await runStatements(url, ['VACUUM orders', 'DELETE FROM orders WHERE id % 2 = 0']);
  const app = new URL(url);
  [app.username, app.password] = ['app', 'app'];
  await using forgotten = await session(app.href);
  await forgotten.query('BEGIN; SELECT 1');
  const stale = ['--idle-in-transaction', '1s'];

  const dry = await pitcrew(['optimize', '--json', '--dry-run', ...stale, '--database', url]);
  expect(dry).toMatchObject({ code: 1, stderr: '' });
  const planned = documentOf(dry.stdout);
  expect(planned.metrics?.sizeBytes).toBeGreaterThan(0);
  expect(planned.explain?.statements.find(({ text }) => text.includes('FROM orders WHERE'))?.plan).toBeTypeOf('object');
  expect(planned.maintenance?.tasks).toMatchObject([
    { kind: 'vacuum', table: 'orders', statement: 'VACUUM (SKIP_LOCKED, ANALYZE) "public"."orders"', outcome: null },
  ]);
  await forgotten.query('SELECT 1');

  // Nobody is there to be asked.
  const unasked = await pitcrew(['optimize', '--analyze', '--optimize', '--database', url]);
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('Give --yes.') });

  await expect
    .poll(
      async () =>
        documentOf(
          (await pitcrew(['optimize', '--cleanup', '--dry-run', '--json', ...stale, '--database', url])).stdout,
        ).cleanup?.sessions.length,
    )
    .toBe(1);
  const run = await pitcrew(['optimize', '--yes', ...stale, '--database', url]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toContain('10,000 dead rows before, 0 after');
  expect(run.stdout).toMatch(/Stale sessions\n.*\(app\) idle in transaction for .*: ended/);
  // What was changed is told, because there is no store to write it to.
  expect(run.stderr).toMatch(/done: VACUUM \(SKIP_LOCKED, ANALYZE\) "public"."orders"/);
  expect(run.stderr).toMatch(/done: SELECT pg_terminate_backend\(\d+\)/);
  await expect(forgotten.query('SELECT 1')).rejects.toThrow();

  const again = await pitcrew(['optimize', '--analyze', '--optimize', '--cleanup', '--database', url]);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toContain('No table or index needs maintenance.');
  expect(again.stdout).toContain('No session is stale.');
});

test('what is changed is in the audit log of the store, where there is one', async () => {
  await using watched = await testDatabase();
  await using kept = await testDatabase();
  // Autovacuum of a server that tests share must not be quicker than we are.
  await runStatements(watched.url, [
    'CREATE TABLE t WITH (autovacuum_enabled = off) AS SELECT n AS id FROM generate_series(1, 5000) n',
  ]);
  const changed = 'SELECT n_mod_since_analyze::int4 AS rows FROM pg_stat_user_tables';
  await expect.poll(() => watched.query(changed)).toEqual([{ rows: 5000 }]);
  // One whose maker was killed before it could write down what became of it.
  {
    await using store = await testStore(kept.url);
    await store.advice.beginChange({
      targetId: await store.target('main'),
      adviceId: null,
      subject: 'vacuum:public.t',
      purpose: 'maintenance',
      position: 0,
      statement: 'VACUUM (SKIP_LOCKED) "public"."t"',
      askedBy: 'pitcrew optimize',
      at: new Date(),
      serverPid: 1,
      sessionBegan: new Date(0),
      before: { kind: 'vacuum', schema: 'public', table: 't', index: null, file: null },
    });
  }
  const args = ['optimize', '--analyze', '--yes', '--json', '--quiet', '--database', watched.url, '--store', kept.url];
  const run = await pitcrew(args);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(documentOf(run.stdout).maintenance?.tasks).toMatchObject([{ kind: 'analyze', table: 't', outcome: 'done' }]);
  await using store = await testStore(kept.url);
  const log = await store.advice.changes({ targetId: await store.target('main'), limit: 10 });
  expect(log).toMatchObject([
    {
      purpose: 'maintenance',
      subject: 'analyze:public.t',
      statement: 'ANALYZE (SKIP_LOCKED) "public"."t"',
      outcome: 'done',
      askedBy: 'pitcrew optimize',
    },
    { subject: 'vacuum:public.t', outcome: 'failed', resolution: expect.stringContaining('was not done') },
  ]);
});

test('interrupted, it cancels what runs and says so', async () => {
  await using database = await testDatabase();
  await runStatements(database.url, [
    'CREATE TABLE slow (id int)',
    `CREATE FUNCTION slow(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
       IF current_setting('test.quick', true) IS DISTINCT FROM 'on' THEN PERFORM pg_catalog.pg_sleep(0.05); END IF;
       RETURN id;
     END $$`,
    'CREATE INDEX ON slow (slow(id))',
    `SET test.quick = 'on'`,
    'INSERT INTO slow SELECT n FROM generate_series(1, 5000) n',
  ]);
  const running = startPitcrew(['optimize', '--analyze', '--yes', '--database', database.url]);
  await expect
    .poll(
      async () =>
        (await database.query('SELECT FROM pg_stat_progress_analyze WHERE datname = current_database()')).length,
    )
    .toBe(1);
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  expect(code).toBe(130);
  expect(stdout).toContain('cancelled: interrupted');
  expect(stderr).toMatch(/cancelled: ANALYZE/);
  expect(await database.query('SELECT FROM pg_stat_progress_analyze WHERE datname = current_database()')).toEqual([]);
});

test('killed in the middle of a rebuild, the next run removes what it left', async () => {
  await using server = await scratchServer();
  const url = server.url();
  await runStatements(url, [
    'CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 5000) n',
    'CREATE INDEX t_id ON t (id)',
    'VACUUM ANALYZE t',
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_id'::regclass`,
  ]);
  await using watcher = await session(url);
  const invalid = async () =>
    (await watcher.query('SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid')).rows.map(
      (row: { name: string }) => row.name,
    );
  await using writer = await session(url);
  await writer.query('BEGIN; DELETE FROM t WHERE id = 1');
  const running = startPitcrew(['optimize', '--optimize', '--yes', '--force', '--database', url]);
  await expect.poll(async () => (await invalid()).length).toBe(2);
  running.child.kill('SIGKILL');
  await running.ended;
  // The server notices that nobody is there any more, and gives the rebuild up.
  const ours = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'pitcrew%'`;
  await expect.poll(async () => (await watcher.query(ours)).rows.length).toBe(0);
  await writer.query('ROLLBACK');
  expect(await invalid()).toHaveLength(2);
  const next = await pitcrew(['optimize', '--optimize', '--yes', '--force', '--database', url]);
  expect(next).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('DROP INDEX CONCURRENTLY IF EXISTS "public"."t_id_ccnew"'),
  });
  expect(await invalid()).toEqual([]);
});

test('a standby is refused before anything is done, wrong flags are told', async () => {
  await using server = await scratchServer();
  await using replica = await scratchReplica(server, 18);
  const refused = await pitcrew(['optimize', '--database', replica.url()]);
  expect(refused).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Give the address of its primary.'),
  });
  const metrics = await pitcrew(['optimize', '--metrics', '--database', replica.url()]);
  expect(metrics).toMatchObject({ code: 0, stdout: expect.stringContaining('Connections') });
  const wrong = await pitcrew(['optimize', '--max-time', 'soon', '--database', server.url()]);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('such as 30m') });
});
