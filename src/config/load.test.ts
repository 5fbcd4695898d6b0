import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PitcrewError } from '../errors.ts';
import { loadConfig, type LoadOptions } from './load.ts';

/** Loads with a config file of that content in an empty folder. */
async function load(content: string | undefined, options: Partial<LoadOptions> = {}, name = 'pitcrew.config.ts') {
  const cwd = mkdtempSync(join(tmpdir(), 'pitcrew-config-'));
  if (content !== undefined) writeFileSync(join(cwd, name), content);
  return loadConfig({ cwd, env: {}, ...options });
}

/** The refusal, as a reader sees it. */
async function refusal(content: string | undefined, options: Partial<LoadOptions> = {}): Promise<PitcrewError> {
  const error: unknown = await load(content, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PitcrewError);
  return error as PitcrewError;
}

test('without any source the defaults hold', async () => {
  const { config, file } = await load(undefined);
  expect(file).toBeUndefined();
  expect(config.server).toEqual({ host: '127.0.0.1', port: 7432 });
  expect(config.monitor.cadence.statements).toBe(10_000);
  expect(config.store.retention).toEqual({
    raw: 86_400_000,
    minute: 604_800_000,
    quarterHour: 7_776_000_000,
    hour: 63_072_000_000,
  });
  expect(config.databases).toEqual({});
});

test('a flag wins over the environment, the environment over the file', async () => {
  const file = "export default { server: { port: 1111, host: '::1' }, log: { level: 'warn' } };";
  const { config } = await load(file, {
    env: { PITCREW_SERVER_PORT: '2222', PITCREW_LOG_LEVEL: 'error' },
    flags: { port: '3333' },
  });
  expect(config.server).toEqual({ host: '::1', port: 3333 });
  expect(config.log.level).toBe('error');
});

test('DATABASE_URL is the first database, those of the file come after it', async () => {
  const { config } = await load("export default { databases: { shop: 'postgres://a@h/shop' } };", {
    env: { DATABASE_URL: 'postgresql://b@h/main' },
  });
  expect(Object.entries(config.databases)).toEqual([
    ['main', 'postgresql://b@h/main'],
    ['shop', 'postgres://a@h/shop'],
  ]);
});

test('the config file may use defineConfig-style TypeScript or JSON', async () => {
  const typed = await load('const port: number = 99; export default { server: { port } };');
  expect(typed.config.server.port).toBe(99);
  const json = await load('{"server":{"port":98}}', {}, 'pitcrew.config.json');
  expect(json.config.server.port).toBe(98);
});

test('an unknown key is refused with its path, the file and the nearest known key', async () => {
  const error = await refusal('export default { server: { prot: 1 } };');
  expect(error.code).toBe('E_CONFIG');
  expect(error.exitCode).toBe(2);
  expect(error.detail).toMatch(/^server\.prot \(.*pitcrew\.config\.ts\): unknown key, did you mean "port"\?$/);
});

test('a bad value is refused with the source, what was found and what is allowed', async () => {
  const fromEnv = await refusal(undefined, { env: { PITCREW_MONITOR_LOCK_TIMEOUT: 'soon' } });
  expect(fromEnv.detail).toBe(
    'monitor.lockTimeout (PITCREW_MONITOR_LOCK_TIMEOUT): found "soon"; a duration such as "100ms" (1ms to 5s) is allowed',
  );
  const fromFlag = await refusal(undefined, { flags: { port: '70000' } });
  expect(fromFlag.detail).toBe('server.port (--port): found 70000; a whole number from 0 to 65535 is allowed');
});

test('several mistakes are told at once', async () => {
  const error = await refusal("export default { servers: {}, log: { level: 'loud' } };");
  expect(error.message).toBe('2 bad settings');
  expect(error.detail).toContain('log.level');
  expect(error.detail).toContain('servers');
});

test('a bad database URL is refused without showing it', async () => {
  const error = await refusal(undefined, { env: { DATABASE_URL: 'mysql://root:hunter2@h/db' } });
  expect(error.detail).toMatch(/^databases\.main \(DATABASE_URL\): found a value that does not fit; a URL such as/);
  expect(JSON.stringify(error)).not.toContain('hunter2');
});

test('a missing or broken config file is an error with its path', async () => {
  expect((await refusal(undefined, { file: 'nowhere.ts' })).detail).toMatch(/nowhere\.ts$/);
  expect((await refusal('export default {')).message).toBe('config file cannot be read');
  expect((await refusal('export const a = 1;')).message).toBe('config file exports no settings');
});

test('unknown PITCREW_ variables are warned of, not refused', async () => {
  const { warnings } = await load(undefined, { env: { PITCREW_PORT: 'tcp://10.0.0.1:7432' } });
  expect(warnings).toEqual(['PITCREW_PORT is not a setting of Pitcrew and is ignored']);
});

describe('backups', () => {
  const databases = { shop: 'postgres://pitcrew@db/shop' };
  const loadBackups = async (backups: unknown) => {
    const loaded = await load(JSON.stringify({ databases, backups }), {}, 'pitcrew.config.json');
    return loaded.config.backups;
  };

  test('have their defaults, each below the name of a database', async () => {
    const { shop } = await loadBackups({ shop: { repositories: [{ location: '/backups' }], full: '0 2 * * 0' } });
    expect(shop).toMatchObject({ timeZone: 'UTC', stream: false, drill: 'after-full', maxBackupAge: 26 * 3_600_000 });
    expect(shop?.keep).toEqual({ last: 1, daily: 7, weekly: 4, monthly: 12, yearly: 5, log: 'all' });
  });

  test.each([
    [{ shop: { repositories: [] } }, /backups\.shop\.repositories /],
    [{ shop: { repositories: [{ location: '/b' }], full: '0 25 * * *' } }, /backups\.shop\.full .*02:00 every day/],
    [{ shop: { repositories: [{ location: '/b' }], keep: { log: '0' } } }, /keep\.log .*a number of backups/],
    [{ shop: { repositories: [{ location: '/b' }], timeZone: 'Mars' } }, /backups\.shop\.timeZone .*Europe\/Berlin/],
    [{ shop: { repositories: [{ locations: '/b' }] } }, /repositories\.0\.locations .*did you mean "location"/],
    [{ store: { repositories: [{ location: '/b' }] } }, /backups\.store .*one of the databases is allowed \(shop\)/],
    [{ shop: { repositories: [{ location: '/b' }], url: 'secret' } }, /backups\.shop\.url .*a value that does not fit/],
  ])('%j is refused with what is allowed', async (backups, detail) => {
    await expect(loadBackups(backups)).rejects.toMatchObject({
      code: 'E_CONFIG',
      detail: expect.stringMatching(detail),
    });
  });
});
