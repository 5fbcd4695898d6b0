import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { loadConfig } from '../../src/config/index.ts';
import { type BackupEvent, type BackupServiceOptions, createBackupService } from '../../src/ops/backup/index.ts';
import { createMonitor } from '../../src/ops/monitor/index.ts';
import type { BackupRun } from '../../src/ops/store/index.ts';
import { backupFamilies } from '../../src/server/prometheus/backups.ts';
import { backupServer } from '../support/backup-server.ts';
import { temporaryFolder } from '../support/folder.ts';
import { keepingLogger } from '../support/plain-monitor.ts';
import { type ScratchServer, testDatabase } from '../support/postgres.ts';
import { testStore } from '../support/store.ts';

const stack = new AsyncDisposableStack();
let server: ScratchServer;
const patient = { interval: 50 };

beforeAll(async () => {
  server = stack.use(await backupServer());
});
afterAll(() => stack.disposeAsync());

/** A time that came long ago, and does not come again during the test: half a year away, in the middle of the month. */
const month = (new Date().getUTCMonth() + 6) % 12;
const yearly = `0 0 15 ${month + 1} *`;

async function desk(section: object = {}, more: Partial<BackupServiceOptions> = {}) {
  const own = new AsyncDisposableStack();
  const folder = own.use(temporaryFolder());
  const database = own.use(await testDatabase());
  const store = own.use(await testStore(database.url));
  const location = join(folder.path, 'repository');
  const config = configDefinition.parse({
    databases: { shop: server.url() },
    backups: {
      shop: {
        repositories: [{ location }, { location: `${location}-copy` }],
        checkpoint: 'fast',
        drill: 'never',
        ...section,
      },
    },
  });
  const settings = config.backups['shop'];
  if (!settings) throw new Error('no backups in the settings');
  const logger = keepingLogger();
  const events: BackupEvent[] = [];
  const start = (change: Partial<BackupServiceOptions> = {}) => {
    const service = createBackupService({
      name: 'shop',
      url: server.url(),
      settings,
      store,
      logger,
      madeBy: 'pitcrew test',
      drillDir: join(folder.path, 'drills'),
      spoolDir: tmpdir(),
      tickMs: 50,
      ...more,
      ...change,
    });
    own.defer(() => service.stop());
    service.onEvent((event) => events.push(event));
    return service;
  };
  const runs = async (): Promise<BackupRun[]> =>
    (await store.backups.runs({ targetId: await store.target('shop'), limit: 100, offset: 0 })).runs;
  return { location, store, database, logger, events, start, runs, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

test('what was missed is made at once, then too much is removed, the backup is proven and the log received, and all of it is written down', async () => {
  await using at = await desk({ full: yearly, drill: 'after-full', stream: true });
  const service = at.start();
  await expect
    .poll(async () => (await at.runs()).map(({ kind, state }) => `${kind} ${state}`), patient)
    .toEqual(['drill done', 'prune done', 'full done']);
  const [drill, , full] = await at.runs();
  expect(full).toMatchObject({ trigger: 'schedule', askedBy: 'pitcrew', attempt: 1, error: null });
  expect(full?.dueAt?.getUTCMonth()).toBe(month);
  expect(full?.storedBytes).toBeGreaterThan(500_000);
  expect(drill).toMatchObject({ backup: full?.backup, report: { readyMs: expect.any(Number) } });
  const lines = (await at.store.backups.lines(full?.id ?? 0)).map(({ text }) => text);
  expect(lines[0]).toContain('a full backup');
  expect(lines.at(-1)).toMatch(/^Done in/);
  // The log has them too, in its own channel.
  expect(at.logger.lines.map(({ message }) => message)).toEqual(expect.arrayContaining(lines));
  expect(at.events.map(({ kind, state }) => `${kind} ${state}`).slice(0, 3)).toEqual([
    'full running',
    'full done',
    'prune running',
  ]);

  const { backups, reachable, repositories } = await service.catalogue();
  expect(backups?.map(({ id }) => id)).toEqual([full?.backup]);
  expect(reachable?.windows).toHaveLength(1);
  // The other repository has a copy.
  expect(repositories).toMatchObject([
    { name: at.location, backups: 1, error: null },
    { name: `${at.location}-copy`, backups: 1, error: null },
  ]);
  await expect.poll(() => service.status().log?.state.phase, patient).toBe('streaming');
  // What health and Prometheus are told, without asking anybody.
  await expect
    .poll(() => service.known()?.facts.drill, patient)
    .toMatchObject({ ok: true, readyMs: expect.any(Number) });
  expect(service.known()?.facts).toMatchObject({ scheduled: true, failed: [], latestBackupAt: backups?.[0]?.endedAt });
  const families = new Map(backupFamilies([service]).map(({ name, series }) => [name, series]));
  expect(families.get('pitcrew_backup_stored_bytes')).toEqual([
    { labels: { target: 'shop', type: 'full' }, value: full?.storedBytes },
  ]);
  expect(families.get('pitcrew_backup_repository_up')).toMatchObject([{ value: 1 }, { value: 1 }]);
  expect(families.get('pitcrew_backup_drill_recovery_seconds')).toHaveLength(1);
  expect(families.get('pitcrew_backup_runs')).toContainEqual({
    labels: { target: 'shop', kind: 'full', state: 'done' },
    value: 1,
  });
  const client = new pg.Client(server.url());
  await client.connect();
  const slots = await client.query('SELECT slot_name, active FROM pg_replication_slots WHERE NOT temporary');
  expect(slots.rows).toEqual([{ slot_name: 'pitcrew_shop', active: true }]);
  // Whoever receives the log for backups is no replica, and is not missed as one.
  const { config } = await loadConfig({ cwd: '/', env: {} });
  const monitor = createMonitor({ name: 'shop', url: server.url(), config: config.monitor });
  await monitor.collectNow(['instance']);
  expect(monitor.latest().get('replication.replicas')?.value).toBe(0);
  await monitor.stop();
  await service.stop();
  await expect
    .poll(() =>
      client.query(`SELECT pg_drop_replication_slot('pitcrew_shop')`).then(
        () => 'dropped',
        (error: pg.DatabaseError) => error.code,
      ),
    )
    .toBe('dropped');
  await client.end();
});

test('one run at a time; what is asked for by hand is said to be, and what fails says why, without being tried again', async () => {
  await using at = await desk();
  // Nothing is done here but what is asked for.
  const service = at.start({ tickMs: 3_600_000 });
  const first = service.run({ kind: 'full', by: 'ann' });
  await expect(service.run({ kind: 'verify', by: 'bob' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
  await first;
  await service.idle();
  await service.run({ kind: 'verify', by: 'ann', backup: 'no-such' });
  await service.idle();
  const [failed, ...others] = (await at.runs()).filter(({ trigger }) => trigger === 'hand');
  expect(others).toMatchObject([{ kind: 'full', state: 'done', askedBy: 'ann' }]);
  expect(failed).toMatchObject({ kind: 'verify', state: 'failed', error: { code: 'E_NOT_FOUND', passes: false } });

  const [backup] = (await service.catalogue()).backups ?? [];
  writeFileSync(join(at.location, backup?.files[0]?.key ?? ''), 'not what it was');
  await service.run({ kind: 'verify', by: 'ann' });
  await service.idle();
  const [damaged] = await at.runs();
  expect(damaged).toMatchObject({
    state: 'failed',
    report: { verified: 2, damaged: 1 },
    error: { code: 'E_BACKUP_DAMAGED' },
  });
  expect((await at.store.backups.lines(damaged?.id ?? 0)).filter(({ level }) => level === 'error')).not.toEqual([]);
});

test('a server that is away is tried again so many times, and each attempt can be read', async () => {
  await using at = await desk({ full: yearly });
  at.start({ url: 'postgres://postgres@127.0.0.1:1/shop', retryAfterMs: [0, 0] });
  await expect
    .poll(async () => (await at.runs()).map(({ attempt, state }) => `${attempt} ${state}`), patient)
    .toEqual(['3 failed', '2 failed', '1 failed']);
  const [last] = await at.runs();
  expect(last?.error).toMatchObject({ code: 'E_DATABASE_UNREACHABLE', passes: true });
  expect(JSON.stringify(await at.runs())).not.toContain('postgres@');
});

test('of several daemons one looks after it; what one leaves when it dies is known to the next, and is made again', async () => {
  await using at = await desk({ full: yearly });
  const targetId = await at.store.target('shop');
  const dead = await at.store.backups.beginRun(targetId, {
    kind: 'full',
    trigger: 'schedule',
    askedBy: 'pitcrew',
    attempt: 1,
    dueAt: null,
    repository: at.location,
    beganAt: new Date(),
    backup: null,
  });
  let owner = false;
  const service = at.start({ isOwner: () => owner, retryAfterMs: [0] });
  await expect(service.run({ kind: 'full', by: 'ann' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
  expect(service.status().elsewhere).toBe(true);
  expect(await at.runs()).toMatchObject([{ id: dead, state: 'running' }]);
  owner = true;
  await expect
    .poll(async () => (await at.runs()).find(({ kind, attempt }) => kind === 'full' && attempt === 2)?.state, patient)
    .toBe('done');
  expect(await at.store.backups.run(targetId, dead)).toMatchObject({ state: 'stopped', error: { code: 'E_ABORTED' } });
});

test('a backup is made while the store is away, and written down when it is back', async () => {
  await using at = await desk();
  let away = true;
  const unavailable = async (): Promise<never> => {
    throw new Error('the store is away');
  };
  const backups = new Proxy(at.store.backups, {
    get: (target, name) => (away && name !== 'latestRuns' ? unavailable : (Reflect.get(target, name) as unknown)),
  });
  const service = at.start({ store: { target: at.store.target, backups, status: at.store.status } });
  await service.run({ kind: 'full', by: 'ann' });
  await service.idle();
  expect((await service.catalogue()).backups).toHaveLength(1);
  expect(await at.runs()).toEqual([]);
  away = false;
  await expect
    .poll(async () => (await at.runs()).find(({ kind }) => kind === 'full'), patient)
    .toMatchObject({
      state: 'done',
      askedBy: 'ann',
    });
});

test('stopping ends what is under way, and says that it was stopped', async () => {
  await using at = await desk({ maxRate: '64kB' });
  const service = at.start();
  await service.run({ kind: 'full', by: 'ann' });
  await expect.poll(() => service.status().running?.phase, patient).toBe('copying');
  await service.stop();
  expect(await at.runs()).toMatchObject([{ state: 'stopped', error: { code: 'E_ABORTED' } }]);
  rmSync(at.location, { recursive: true });
});
