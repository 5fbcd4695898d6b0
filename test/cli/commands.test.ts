import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { sharedMajors, testDatabase } from '../support/postgres.ts';

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

test('monitor shows one readable screen, and the same as JSON', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  const args = ['monitor', '--interval', '0.5', '--database', database.url];
  const screen = await pitcrew(args);
  expect(screen.stdout).toMatch(/^main {2}health \d+ \([A-F]\) {2}PostgreSQL 18/);
  expect(screen.stdout).toMatch(/connections .* of 60/);
  const json = await pitcrew([...args, '--json']);
  const document = JSON.parse(json.stdout) as { databases: { metrics: Record<string, number> }[] };
  expect(document.databases[0]?.metrics['sessions.max_connections']).toBe(60);
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
  const running = startPitcrew(['monitor', '--json', '--continuous', '--interval', '0.5', '--database', database.url]);
  await running.saw(/\n.*\n/);
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  const looks = stdout.trim().split('\n');
  expect(looks.length).toBeGreaterThan(1);
  for (const look of looks) expect(JSON.parse(look)).toHaveProperty('databases');
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
