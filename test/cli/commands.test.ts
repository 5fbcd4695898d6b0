import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { scratchServer, sharedMajors, testDatabase } from '../support/postgres.ts';

test.each(sharedMajors())('doctor says what can be read on PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  const without = await pitcrew(['doctor', '--database', database.url]);
  expect(without.stdout).toMatch(/CREATE EXTENSION .*pg_stat_statements/);
  expect(without.code).toBe(1);
  await database.query('CREATE EXTENSION pg_stat_statements');
  const { stdout, code } = await pitcrew(['doctor', '--json', '--database', database.url]);
  const { databases } = JSON.parse(stdout) as { databases: { skipped: { fix: string | null }[] }[] };
  expect(databases).toMatchObject([{ connection: 'watching', database: 'main' }]);
  // What a version does not have cannot be fixed; nothing else is missing.
  expect(databases[0]?.skipped.filter(({ fix }) => fix !== null)).toEqual([]);
  expect(code).toBe(0);
});

interface MonitorDocument {
  databases: {
    health: { checks: { id: string; status: string }[] };
    metrics: Record<string, number>;
    topStatements: { since: string | null; seconds: number | null; statements: { text: string; calls: number }[] };
    indexUsage: object[];
  }[];
}

test('monitor shows one readable screen of 80 columns, and the same as JSON', async () => {
  await using server = await scratchServer();
  {
    const client = new pg.Client(server.url());
    await client.connect();
    await client.query(`
      CREATE EXTENSION pg_stat_statements;
      CREATE TABLE orders (id int, status text);
      INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 20000) n;
      ANALYZE orders;
    `);
    for (let turn = 0; turn < 12; turn += 1)
      await client.query("SELECT count(*) FROM orders WHERE status = 'a status that no order of this shop ever had'");
    await client.end();
  }
  const args = ['monitor', '--interval', '0.5', '--database', server.url()];
  const { stdout } = await pitcrew(args);
  expect(stdout).toMatch(/^main {2}health \d+ \([A-F]\) {2}PostgreSQL 18/);
  expect(stdout).toMatch(/connections .* of 120/);
  expect(stdout).toMatch(/^Top statements {2}by total time since 20/m);
  expect(stdout).toMatch(/ 12 {2}SELECT count\(\*\) FROM orders/);
  expect(stdout).toMatch(/public\.orders \(20,000 rows\) was read whole \d+ times/);
  expect(stdout).toMatch(/^ +0\.0 % +\d+ +0 +20k {2}public\.orders$/m);
  expect(stdout).not.toContain('pitcrew */');
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);

  const json = await pitcrew([...args, '--json']);
  const [found] = (JSON.parse(json.stdout) as MonitorDocument).databases;
  expect(found?.metrics['sessions.max_connections']).toBe(120);
  expect(found?.topStatements).toMatchObject({ since: expect.stringMatching(/^20/), seconds: null });
  expect(found?.topStatements.statements).toContainEqual(
    expect.objectContaining({ text: 'SELECT count(*) FROM orders WHERE status = $1', calls: 12, rows: 12 }),
  );
  expect(found?.indexUsage).toEqual([
    expect.objectContaining({ table: 'public.orders', indexScans: 0, indexRatio: 0 }),
  ]);
  expect(found?.health.checks.find(({ id }) => id === 'index-usage')).toMatchObject({ status: 'warning' });
});

test('monitor exits with 1 when a check is critical', async () => {
  await using database = await testDatabase();
  // A sequence that has given out its last value is critical whatever else is true.
  await database.query('CREATE TABLE worn (id smallserial PRIMARY KEY)');
  await database.query("SELECT setval('worn_id_seq', 32767)");
  const { code, stdout } = await pitcrew(['monitor', '--interval', '0.5', '--database', database.url]);
  expect(stdout).toContain('worn_id_seq');
  expect(code).toBe(1);
});

test('monitor --continuous goes on until it is interrupted', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  const running = startPitcrew(['monitor', '--json', '--continuous', '--interval', '0.5', '--database', database.url]);
  await running.saw(/\n.*\n/);
  // Statements of the interval alone.
  const seen = new AbortController();
  const shown = running.saw(/SELECT count\(\*\) FROM generate_series\(\$1, \$2\)/).finally(() => seen.abort());
  while (!seen.signal.aborted) await database.query('SELECT count(*) FROM generate_series(1, 1000000)');
  await shown;
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  const looks = stdout.trim().split('\n');
  expect(looks.length).toBeGreaterThan(1);
  for (const look of looks) {
    const [found] = (JSON.parse(look) as MonitorDocument).databases;
    expect(found?.topStatements.since).toBeNull();
    expect(found?.topStatements.seconds).toBeGreaterThan(0);
  }
});

test('init writes a config that loads, with every setting at its default', async () => {
  const cwd = testFolder();
  expect((await pitcrew(['init'], { cwd })).code).toBe(0);
  const file = join(cwd, 'pitcrew.config.ts');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('// PITCREW_MONITOR_LOCK_TIMEOUT, --monitor-lock-timeout');
  const uncommented = text
    .replace("import { defineConfig } from 'pitcrew/config';", 'const defineConfig = (config: object) => config;')
    .replace(/^(\s*)\/\/ (\w+: (?!…|'postgres:|process).*,)$/gm, '$1$2');
  expect(uncommented).toContain("\n    lockTimeout: '100ms',");
  const loaded = join(cwd, 'all.ts');
  writeFileSync(loaded, uncommented);
  const written = await loadConfig({ cwd, env: {}, file: loaded });
  const defaults = await loadConfig({ cwd: testFolder(), env: {} });
  expect(written.config).toEqual(defaults.config);
});

test('serve watches, answers, and stops in order', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  const dataDir = join(testFolder(), 'data');
  const args = ['serve', '--port', '0', '--data-dir', dataDir, '--database', database.url, '--log-level', 'warn'];
  const running = startPitcrew(args);
  const [, url = ''] = await running.saw(/Dashboard: (\S+)/);
  const health = await fetch(`${url}/api/v1/database/performance/health`);
  expect(await health.json()).toMatchObject({ database: 'main' });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);

  const second = await pitcrew(args);
  expect(second.stderr).toMatch(/E_DATA_DIR/);
  expect(second.code).toBe(2);

  running.child.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  expect(stderr).toContain('Stopping');
  expect(code).toBe(0);
});

test('serve goes on while its database cannot be reached, and says so', async () => {
  const dataDir = join(testFolder(), 'data');
  const url = 'postgres://someone:hunter2@127.0.0.1:1/none';
  const running = startPitcrew(['serve', '--port', '0', '--data-dir', dataDir, '--database', url]);
  const [, dashboard = ''] = await running.saw(/Dashboard: (\S+)/);
  await expect
    .poll(async () => (await fetch(`${dashboard}/api/v1/databases`)).json())
    .toMatchObject({ databases: [{ connection: 'unreachable' }] });
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  expect(code).toBe(130);
  expect(stdout + stderr).not.toContain('hunter2');
});
