import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { drill, type DrillOptions } from '../../src/ops/backup/drill/drill.ts';
import { chooseMoment } from '../../src/ops/backup/drill/moment.ts';
import { readDrills } from '../../src/ops/backup/drill/record.ts';
import { isRunning } from '../../src/ops/backup/is-running.ts';
import { type BackupRecord, openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, type CommandResult, pitcrew, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers } from '../support/postgres.ts';

interface Drill {
  backup: string;
  proven: boolean;
  target: { kind: string; value: string | null; seed: string | null };
  reached: { lsn: string | null; at: string | null; timeline: number | null };
  fetchMs: number;
  recoveryMs: number;
  segments: number;
  databases: { name: string; tables: number; rows: number; indexes: number; skipped: number }[];
  checks: number;
  passed: number;
  problems: string[];
  notes: string[];
  kept: { folder: string; socket: string; role: string; pid: number } | null;
}

const madeBy = 'a test';

/** A folder for repositories and scratch servers, which PostgreSQL's user can pass through. */
function rooms(): { repository: string; scratch: string } & AsyncDisposable {
  const folder = temporaryFolder();
  const scratch = join(folder.path, 'scratch');
  mkdirSync(scratch, { mode: 0o711 });
  return {
    repository: join(folder.path, 'repository'),
    scratch,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function drillsOf(ran: CommandResult): Drill[] {
  return (JSON.parse(ran.stdout) as { drills: Drill[] }).drills;
}

const servers = installedServers().filter(({ major }) => major !== 16);

describe.each(servers)('PostgreSQL $major', ({ major, binaries }) => {
  test('a backup is proven: all is read, whatever the source has set', async () => {
    await using room = rooms();
    await using server = await backupServer(
      major,
      {
        max_connections: '300',
        max_worker_processes: '30',
        max_locks_per_transaction: '200',
        max_prepared_transactions: '220',
      },
      { hasTemplate: true },
    );
    const begun = Date.now();
    await using client = await session(server.url());
    const place = join(room.scratch, '..', 'a table space');
    mkdirSync(place);
    await client.query(`ALTER SYSTEM SET archive_command = 'touch ${room.scratch}/archived'`);
    await client.query('CREATE DATABASE shop');
    await client.query('ALTER DATABASE shop SET default_transaction_read_only = on');
    {
      await using shop = await session(server.url('shop'));
      await shop.query('SET default_transaction_read_only = off');
      await shop.query(
        `CREATE TABLE orders AS SELECT n AS id, repeat('x', 200) AS pad FROM generate_series(1, 5000) n`,
      );
      await shop.query('ALTER TABLE orders ADD PRIMARY KEY (id)');
      await shop.query('CREATE UNLOGGED TABLE passing AS SELECT 1 AS n');
      const repository = openRepository({ storage: localStorage(room.repository) });
      await createBackup({ url: server.url(), repository, madeBy });
      await shop.query('INSERT INTO orders SELECT n FROM generate_series(5001, 6000) n');
      for (let n = 0; n < 210; n += 1) {
        await shop.query('BEGIN');
        await shop.query(`SELECT pg_current_xact_id()`);
        await shop.query(`PREPARE TRANSACTION 'p${n}'`);
      }
      await createBackup({ url: server.url(), repository, madeBy });
    }
    const [id = ''] = readdirSync(join(room.repository, 'backups'));
    const checks = ['--check', 'SELECT count(*) = 6000 FROM orders', '--check', 'SELECT FROM orders WHERE id < 1'];
    const ran = await command([
      'backup',
      'drill',
      id,
      '--repository',
      room.repository,
      '--in',
      room.scratch,
      '--json',
      '--quiet',
      '--bin',
      binaries.binDir,
      ...checks,
    ]);
    expect(ran.stderr).toBe('');
    const [found] = drillsOf(ran);
    expect(found).toMatchObject({ backup: id, proven: true, problems: [], checks: 2, passed: 2, kept: null });
    expect(found?.notes).toEqual(['not loaded, as it may act on its own: pg_stat_statements']);
    expect(found?.reached).toMatchObject({ lsn: expect.stringMatching(/^0\/[0-9A-F]+$/), timeline: 2 });
    expect(Date.parse(found?.reached.at ?? '')).toBeGreaterThanOrEqual(begun);
    expect(found?.databases.map(({ name }) => name)).toEqual(expect.arrayContaining(['postgres', 'template1', 'shop']));
    const shop = found?.databases.find(({ name }) => name === 'shop');
    expect(shop?.rows).toBeGreaterThan(6000);
    expect(shop?.indexes).toBeGreaterThan(100);
    expect(shop?.skipped).toBe(0);
    expect(ran.code).toBe(0);
    expect(readdirSync(room.scratch)).toEqual([]);
    const listed = await command(['backup', 'list', '--repository', room.repository]);
    expect(listed.stdout).toMatch(/ago, ready in [\d.]+ m?s/);
  });
});

describe('a drill', () => {
  const stack = new AsyncDisposableStack();
  let room: ReturnType<typeof rooms>;
  let repository: Repository;
  let made: BackupRecord[];
  const run = (options: Partial<DrillOptions> = {}) => {
    const [backup] = made;
    if (!backup) throw new Error('no backup was made');
    return drill({ repository, backup, in: room.scratch, ...options });
  };

  beforeAll(async () => {
    room = stack.use(rooms());
    repository = openRepository({ storage: localStorage(room.repository) });
    const server = stack.use(await backupServer());
    await using client = await session(server.url());
    await client.query('CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n');
    made = [await createBackup({ url: server.url(), repository, madeBy })];
    await client.query('INSERT INTO t SELECT n FROM generate_series(1001, 50000) n');
    made.push(await createBackup({ url: server.url(), repository, madeBy }));
  });
  afterAll(() => stack.disposeAsync());

  test('that was killed leaves nothing that the next one does not remove, and one that is kept can be reached', async () => {
    const flags = ['--repository', room.repository, '--in', room.scratch];
    const running = startPitcrew(['backup', 'drill', ...flags, '--check', 'SELECT pg_sleep(600) IS NULL']);
    const folder = async (): Promise<string> => join(room.scratch, readdirSync(room.scratch)[0] ?? 'none yet');
    await expect.poll(async () => existsSync(join(await folder(), 'data/postmaster.pid'))).toBe(true);
    await running.saw(/Checking postgres/);
    const left = await folder();
    const pid = Number(readFileSync(join(left, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
    running.child.kill('SIGKILL');
    await running.ended;
    expect(existsSync(left)).toBe(true);

    const ran = await pitcrew(['backup', 'drill', '--count', '1', ...flags, '--keep', '--json', '--quiet']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [next] = drillsOf(ran);
    const { kept } = next ?? {};
    if (!kept) throw new Error('nothing was kept');
    expect(next?.backup).toBe(made[1]?.id);
    expect(readdirSync(room.scratch).map((name) => join(room.scratch, name))).toEqual([kept.folder]);
    // Its parent is gone: the system takes it away when it comes to it.
    await expect.poll(() => isRunning(pid)).toBe(false);
    const reader = new pg.Client({ host: kept.socket, user: kept.role, database: 'postgres' });
    await reader.connect();
    const { rows } = await reader.query(`
      SELECT count(*)::int                         AS count,
             current_setting('archive_mode')       AS archiving,
             current_setting('listen_addresses')   AS addresses
        FROM t`);
    expect(rows).toEqual([{ count: 50_000, archiving: 'off', addresses: '' }]);
    await reader.end();
    process.kill(kept.pid, 'SIGINT');
    await expect.poll(() => existsSync(join(kept.folder, 'data/postmaster.pid'))).toBe(false);
    rmSync(kept.folder, { recursive: true, maxRetries: 5 });
  });

  test('that is stopped, or for which there is no room, leaves nothing and says nothing of the backup', async () => {
    const before = (await readDrills(repository)).length;
    const stop = new AbortController();
    const stopped = run({
      signal: stop.signal,
      ownChecks: [{ sql: 'SELECT pg_sleep(600) IS NULL' }],
      onProgress: ({ phase }) => phase === 'checking' && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' });
    await expect(run({ in: '/proc' })).rejects.toMatchObject({ code: 'E_DATA_DIR' });
    expect(readdirSync(room.scratch)).toEqual([]);
    expect(await readDrills(repository)).toHaveLength(before);
  });

  test('recovers to a moment that is drawn, the same for the same seed', async () => {
    const [backup] = made;
    if (!backup) throw new Error('no backup was made');
    const draw = async (seed: string) => (await chooseMoment(repository, backup, { kind: 'random', seed })).target.lsn;
    const drawn = await draw('a');
    expect(drawn).toBe(await draw('a'));
    expect(drawn).not.toBe(await draw('b'));
    const { record } = await run({
      moment: { kind: 'random', seed: 'a' },
      ownChecks: [{ sql: 'SELECT count(*) >= 1000 FROM t' }],
    });
    expect(record).toMatchObject({
      proven: true,
      problems: [],
      checks: 1,
      passed: 1,
      target: { kind: 'random', seed: 'a' },
    });
    expect(record.reached.lsn).toBeGreaterThanOrEqual(drawn ?? 0n);
  });

  test('says what it finds wrong, and keeps what it found as long as the backup is there', async () => {
    const later = await run({ moment: { kind: 'given', target: { time: '2999-01-01T00:00:00Z' } } });
    expect(later.record).toMatchObject({
      proven: false,
      recoveryMs: null,
      problems: ['The log ends before 2999-01-01T00:00:00Z: that moment cannot be reached from this backup.'],
    });
    const failing = [
      { sql: 'SELECT count(*) = 1 FROM t' },
      { sql: 'SELECT FROM missing' },
      { sql: 'SELECT 1; DROP TABLE t' },
      { sql: `INSERT INTO t VALUES (0) RETURNING true` },
    ];
    const checked = await run({
      moment: { kind: 'given', target: { immediate: true } },
      ownChecks: failing,
      checkLimitMs: 60_000,
    });
    expect(checked.record).toMatchObject({ proven: false, checks: 4, passed: 0, segments: expect.any(Number) });
    expect(checked.record.problems).toEqual([
      'check 1 did not hold',
      expect.stringContaining('check 2 failed: relation "missing" does not exist'),
      expect.stringContaining('check 3 failed: '),
      expect.stringContaining('check 4 failed: syntax error'),
    ]);
    const [backup] = made;
    const [name = ''] = backup
      ? segmentNames(backup.timeline, backup.startLsn, backup.endLsn, backup.segmentBytes)
      : [];
    for (const [key, problem] of [
      [`wal/00000001/${name}.zst`, `The log cannot be read: ${name}: `],
      [backup?.files[0]?.key ?? '', 'It cannot be restored: '],
    ] as const) {
      const path = join(room.repository, key);
      const content = readFileSync(path);
      writeFileSync(path, content.subarray(0, content.length / 2));
      const { record } = await run();
      writeFileSync(path, content);
      expect(record).toMatchObject({ proven: false, problems: [expect.stringContaining(problem)] });
    }
    expect(readdirSync(room.scratch)).toEqual([]);
    const shown = await command(['backup', 'show', backup?.id ?? '', '--repository', room.repository]);
    expect(shown.stdout).toContain('Wrong: check 1 did not hold');
    expect((await readDrills(repository)).filter((each) => each.backup === backup?.id)).toHaveLength(5);
    await repository.remove(backup?.id ?? '');
    expect((await readDrills(repository)).filter((each) => each.backup === backup?.id)).toEqual([]);
  });

  test('finds an index in the wrong order, where none of the usual roles may log in', async () => {
    await using other = rooms();
    await using server = await backupServer(18, {}, { hasTemplate: true });
    await using client = await session(server.url());
    await client.query(`
      CREATE FUNCTION compared(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.btint4cmp(a, b)';
      CREATE OPERATOR CLASS mine FOR TYPE int USING btree AS
        OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compared(int, int);
      CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n;
      CREATE INDEX wrong ON t (n mine);
      CREATE OR REPLACE FUNCTION compared(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.btint4cmp(b, a)';
      CREATE ROLE boss SUPERUSER LOGIN;
      ALTER ROLE pitcrew NOLOGIN`);
    const url = new URL(server.url());
    const broken = openRepository({ storage: localStorage(other.repository) });
    await client.query(`ALTER ROLE boss PASSWORD 'boss'`);
    url.username = url.password = 'boss';
    const backup = await createBackup({ url: url.href, repository: broken, madeBy });
    const { record } = await drill({ repository: broken, backup, in: other.scratch });
    expect(record.problems).toEqual([expect.stringMatching(/^postgres: public\.wrong: .*"wrong"/)]);
    expect(record).toMatchObject({ proven: false, reached: { lsn: null } });
    expect(readdirSync(other.scratch)).toEqual([]);
  });
});
