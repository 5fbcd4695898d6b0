import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planLines } from '../../src/cli/screen/restore-screen.ts';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { drill } from '../../src/ops/backup/drill/drill.ts';
import type { DrillRecord } from '../../src/ops/backup/drill/record.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { planRestore } from '../../src/ops/backup/restore/plan.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import { startRestored } from '../../src/ops/backup/restore/start-restored.ts';
import { serverPrograms } from '../../src/ops/backup/restore/server-programs.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { fetchWal } from '../../src/ops/backup/wal/fetch.ts';
import { freePort, runServer, serverIdentity, spawnAs } from '../../src/ops/embedded/index.ts';
import { session } from '../support/catalog.ts';
import { type CommandResult, pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchServer } from '../support/postgres.ts';
import { s3Server } from '../support/s3/server.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const madeBy = 'a test';

/** A repository, and a folder for scratch servers that PostgreSQL's user can pass through. */
function rooms(): { path: string; scratch: string; repository: Repository } & AsyncDisposable {
  const folder = temporaryFolder();
  const scratch = join(folder.path, 'scratch');
  mkdirSync(scratch, { mode: 0o711 });
  const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
  return { path: folder.path, scratch, repository, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const servers = installedServers().filter(({ major }) => major === 15 || major === 18);

test.each(servers)('nothing of PostgreSQL $major acts on what is outside', async ({ major }) => {
  await using room = rooms();
  const archive = join(room.path, 'archive');
  mkdirSync(archive);
  chmodSync(archive, 0o777);
  await using server = await scratchServer(major, {
    full_page_writes: 'on',
    archive_mode: 'on',
    archive_command: `touch ${archive}/%f`,
    [major >= 18 ? 'max_active_replication_origins' : 'max_replication_slots']: '30',
  });
  await using proxy = await tcpProxy(server.url());
  await using client = await session(server.url());
  await client.query('CREATE DATABASE shop');
  await using shop = await session(server.url('shop'));
  const { hostname, port, username, password } = new URL(proxy.url(server.url('shop')));
  const publisher = `host=${hostname} port=${port} dbname=shop user=${username} password=${password}`;
  await shop.query(`
    CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n;
    CREATE EXTENSION dblink;
    CREATE FUNCTION calls() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM public.dblink_connect('${publisher}'); END $$;
    CREATE EVENT TRIGGER calls ON ddl_command_start EXECUTE FUNCTION calls();
    ALTER EVENT TRIGGER calls ENABLE ALWAYS`);
  await shop.query(
    `CREATE SUBSCRIPTION s CONNECTION '${publisher}' PUBLICATION p WITH (connect = false, slot_name = 's')`,
  );
  const before = proxy.accepted;
  await shop.query('ALTER SUBSCRIPTION s ENABLE');
  await expect.poll(() => proxy.accepted).toBeGreaterThan(before);
  // More than a server has room for by default.
  await shop.query(`
    SELECT pg_replication_origin_create('o' || n) FROM generate_series(1, 20) n;
    SELECT pg_replication_origin_advance('o' || n, '0/1') FROM generate_series(1, 20) n`);
  await client.query('CREATE ROLE reader');
  for (const setting of [
    `statement_timeout = '1ms'`,
    `idle_session_timeout = '1ms'`,
    `zero_damaged_pages = on`,
    `ignore_checksum_failure = on`,
    `role = 'reader'`,
  ])
    await client.query(`ALTER DATABASE shop SET ${setting}`);
  const backup = await createBackup({ url: server.url(), repository: room.repository, madeBy });
  const { plan } = await planRestore({ repository: room.repository, backup, to: join(room.path, 'restored') });
  expect(plan.maySubscribe).toBe(true);
  expect(planLines(plan, () => '').join('\n')).toContain('to the publishers of its subscriptions');
  await server.whileStopped(async () => {
    for (const name of readdirSync(archive)) rmSync(join(archive, name));
    const opened = proxy.accepted;
    const asShipped = `
      SELECT FROM pg_settings
       WHERE name IN ('zero_damaged_pages', 'ignore_checksum_failure') AND setting <> 'off'`;
    const ownChecks = [asShipped, 'SELECT count(*) = 1000 FROM t'].map((sql) => ({ sql, database: 'shop' }));
    const { record } = await drill({ repository: room.repository, backup, in: room.scratch, ownChecks });
    expect(record).toMatchObject({ problems: [], proven: true, passed: 2 });
    expect(record.databases.find(({ name }) => name === 'shop')).toMatchObject({ skipped: 0 });
    expect(record.databases.find(({ name }) => name === 'shop')?.indexes).toBeGreaterThan(100);
    expect(proxy.accepted).toBe(opened);
    expect(readdirSync(archive)).toEqual([]);
  });
});

test('a server with large segments is drilled, and started without the settings that it had', async () => {
  await using room = rooms();
  const dataDir = join(room.path, 'source');
  const identity = serverIdentity(dataDir);
  const programs = await serverPrograms({ major: 18, binDir: undefined, identity });
  chmodSync(room.path, 0o777);
  const args = ['-D', dataDir, '-U', 'pitcrew', '-A', 'trust', '--wal-segsize=64', '--no-sync', '--no-locale'];
  expect(spawnSync(join(programs.binDir, 'initdb'), args, spawnAs(identity)).status).toBe(0);
  const port = await freePort();
  const started = await runServer({
    programs,
    dataDir,
    identity,
    args: ['-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
  });
  if (!('running' in started)) throw new Error(started.log);
  try {
    const url = `postgres://pitcrew@127.0.0.1:${port}/postgres`;
    const backup = await createBackup({ url, repository: room.repository, madeBy });
    const { record } = await drill({ repository: room.repository, backup, in: room.scratch });
    expect(record).toMatchObject({ problems: [], proven: true });
    const to = join(room.path, 'restored');
    const { plan } = await planRestore({ repository: room.repository, backup, to });
    expect(plan.maySubscribe).toBe(false);
    const log = join(room.path, 'log');
    mkdirSync(log, { mode: 0o755 });
    for await (const { name } of room.repository.wal()) await fetchWal(room.repository, name, join(log, name));
    for (const name of readdirSync(log)) chmodSync(join(log, name), 0o644);
    await restoreBackup({
      repository: room.repository,
      backup,
      to,
      target: { immediate: true },
      restoreCommand: ['sh', '-c', 'cp "$0/$1" "$2" || exit 44', log],
      owner: identity,
    });
    for (const name of ['postgresql.conf', 'pg_hba.conf']) rmSync(join(to, name));
    const restored = await startRestored({
      dataDir: to,
      programs,
      identity,
      segmentBytes: backup.segmentBytes,
      settings: { listen_addresses: '', unix_socket_directories: room.path },
      bound: true,
    });
    expect(restored).toMatchObject({ state: 'open', madeFiles: ['postgresql.conf', 'pg_hba.conf'] });
    await restored.stop();
  } finally {
    await started.running.stop('immediate');
  }
});

test.skipIf(process.getuid?.() !== 0)(
  'a disk that is too small is told before anything is restored (only root may mount one)',
  async () => {
    await using room = rooms();
    await using server = await scratchServer(18, { full_page_writes: 'on' });
    const backup = await createBackup({ url: server.url(), repository: room.repository, madeBy });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0711', 'tmpfs', room.scratch]);
    try {
      const phases: string[] = [];
      await expect(
        drill({ repository: room.repository, backup, in: room.scratch, onProgress: ({ phase }) => phases.push(phase) }),
      ).rejects.toMatchObject({
        code: 'E_DATA_DIR',
        message: `there is not enough room for a drill in ${room.scratch}`,
        detail: expect.stringMatching(/^It needs \d+ MB, and \d+ MB are free\.$/),
        hint: expect.stringContaining('--in'),
      });
      expect(phases).toEqual([]);
      expect(readdirSync(room.scratch)).toEqual([]);
    } finally {
      execFileSync('umount', [room.scratch]);
    }
  },
);

test('options: several tablespaces, in a bucket, deeply, with libraries, checks that fail or hang, and another collation', async () => {
  await using room = rooms();
  await using server = await scratchServer(18, { full_page_writes: 'on' });
  await using client = await session(server.url());
  for (const name of ['one', 'two']) {
    const place = join(room.path, name);
    mkdirSync(place);
    execFileSync('chown', [`--reference=${server.dataDir}`, place]);
    await client.query(`CREATE TABLESPACE ${name} LOCATION '${place}'`);
    await client.query(`CREATE TABLE in_${name} TABLESPACE ${name} AS SELECT n FROM generate_series(1, 100) n`);
    await client.query(`CREATE INDEX ON in_${name} (n) TABLESPACE ${name}`);
  }
  await client.query(
    `CREATE TABLE words AS SELECT 'a' AS word; CREATE INDEX sorted ON words (word COLLATE "en-x-icu")`,
  );
  await client.query(`UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'en-x-icu'`);
  await using bucket = await s3Server('backups');
  const s3 = { endpoint: bucket.endpoint, pathStyle: true, ...bucket.key };
  const config = join(room.path, 'pitcrew.config.json');
  const shop = { repositories: [{ location: 's3://backups/shop', s3 }] };
  writeFileSync(config, JSON.stringify({ databases: { shop: server.url() }, backups: { shop } }));
  const run = (...args: string[]): Promise<CommandResult> =>
    pitcrew(['backup', ...args, '--config', config, '--quiet']);
  expect(await run('create')).toMatchObject({ code: 0, stderr: '' });
  const ran = await run(
    'drill',
    '--in',
    room.scratch,
    '--json',
    '--deep',
    '--preload',
    'pg_stat_statements',
    '--check',
    'SELECT count(*) = 100 FROM in_two',
    '--check',
    `SELECT current_setting('shared_preload_libraries') = 'pg_stat_statements'`,
    '--check',
    'SELECT count(*) = 1 FROM in_one',
    '--check',
    'SELECT 1 / (n - 1) > 0 FROM in_one',
    '--check',
    'SELECT pg_sleep(600) IS NULL',
    '--check',
    'SELECT true',
    '--check-limit',
    '10s',
  );
  expect(ran).toMatchObject({ code: 1, stderr: '' });
  const [found] = (JSON.parse(ran.stdout) as { drills: DrillRecord[] }).drills;
  expect(found).toMatchObject({
    proven: false,
    checks: 6,
    passed: 2,
    problems: [
      'check 3 did not hold',
      'check 4 failed: SQLSTATE 22012',
      expect.stringMatching(/^check 5 had no answer within \d+ s$/),
    ],
    notes: [
      'postgres: public.sorted is sorted by a collation that has another version here, and was not looked at',
      'there was no time left for check 6',
    ],
  });
  const { databases = [] } = found ?? {};
  expect(databases.find(({ name }) => name === 'postgres')).toMatchObject({ skipped: 1 });
  expect(readdirSync(room.scratch)).toEqual([]);
});
