import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silent } from '../../test/support/advice-life.ts';
import { temporaryFolder } from '../../test/support/folder.ts';
import { scratchServer } from '../../test/support/postgres.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { configDefinition } from '../config/definition.ts';
import { type BackupService, createBackupService } from '../ops/backup/index.ts';
import { backupDetail, backupList, backupRunDetail, backupRuns, backupService, backupWindow } from './api/backups.ts';
import { problem } from './api/common.ts';
import { event } from './api/system.ts';
import type { createApp } from './app.ts';

const stack = new AsyncDisposableStack();
let shop: WatchedShop;
let service: BackupService;
let app: ReturnType<typeof createApp>;
let closed: ReturnType<typeof createApp>;

const base = '/api/v1/database/backups';

beforeAll(async () => {
  shop = await watchShop();
  const server = stack.use(await scratchServer(18));
  const folder = stack.use(temporaryFolder()).path;
  const { backups } = configDefinition.parse({
    databases: { shop: server.url() },
    backups: {
      shop: { repositories: [{ location: join(folder, 'repository') }], checkpoint: 'fast', full: '0 0 30 2 *' },
    },
  });
  const settings = backups['shop'];
  if (!settings) throw new Error('no backups in the settings');
  service = createBackupService({
    name: 'shop',
    url: server.url(),
    settings: { ...settings, drill: 'never' },
    store: shop.store,
    logger: silent,
    madeBy: 'pitcrew test',
    drillDir: join(folder, 'drills'),
    spoolDir: tmpdir(),
    tickMs: 3_600_000,
  });
  const actions = { ...shop.config.actions, backups: true };
  app = shop.appWith({ backups: [service], config: { ...shop.config, actions } });
  closed = shop.appWith({ backups: [service] });
});
afterAll(async () => {
  await service.stop();
  await stack.disposeAsync();
  await shop.close();
});

async function get(path: string, from = app): Promise<unknown> {
  const response = await from.request(path);
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

function post(path: string, body?: unknown, to = app): Promise<Response> {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return Promise.resolve(to.request(path, { method: 'POST', ...(body === undefined ? {} : json) }));
}

test('where no backups are configured that is said, and what would be needed', async () => {
  const none = backupList.parse(await get(base, shop.app));
  expect(none).toMatchObject({ configured: false, service: null, backups: [] });
  for (const path of ['/runs', '/window', '/20261130T014500Z-full']) {
    const response = await shop.app.request(base + path);
    expect(response.status).toBe(422);
    expect(problem.parse(await response.json()).hint).toContain('docs/backup-service.md');
  }
});

test('without the setting nothing is made or checked from here', async () => {
  for (const path of ['', '/20261130T014500Z-full/verify', '/20261130T014500Z-full/drill']) {
    const refused = await post(base + path, undefined, closed);
    expect(refused.status).toBe(403);
    expect(problem.parse(await refused.json()).detail).toContain('actions.backups');
  }
  expect(backupList.parse(await get(base, closed)).actionsEnabled).toBe(false);
});

test('a backup is made, looked at, checked and proven on request, and how each run went can be read', async () => {
  const before = backupList.parse(await get(base));
  expect(before).toMatchObject({
    configured: true,
    count: 0,
    schedule: { full: '0 0 30 2 *' },
    service: { running: null },
  });
  expect(before.service?.next.full).toBeNull();

  const stream = await app.request('/api/v1/events');
  const events = stream.body?.getReader();
  const asked = await post(base, { type: 'full' });
  expect(asked.status).toBe(202);
  expect(backupService.parse(await asked.json()).running).toMatchObject({ kind: 'full', trigger: 'hand', attempt: 1 });
  const twice = await post(base);
  expect(twice.status).toBe(409);
  await service.idle();

  const list = backupList.parse(await get(base));
  const [backup] = list.backups;
  expect(list).toMatchObject({ count: 1, latest: [{ kind: 'full', state: 'done', backup: backup?.id }] });
  expect(backup).toMatchObject({ type: 'full', encrypted: false, pinned: false, proven: null });
  expect(list.windows).toHaveLength(1);
  expect(backupWindow.parse(await get(`${base}/window`)).windows).toEqual(list.windows);
  expect(list.windows[0]?.from.at).toBe(backup?.endedAt);

  expect((await post(`${base}/no-such/drill`)).status).toBe(404);
  expect((await post(`${base}/${backup?.id}/verify`)).status).toBe(202);
  await service.idle();
  expect((await post(`${base}/${backup?.id}/drill`)).status).toBe(202);
  await service.idle();
  const detail = backupDetail.parse(await get(`${base}/${backup?.id}`));
  expect(detail).toMatchObject({ chain: [backup?.id], proven: { ok: true, readyMs: expect.any(Number) } });
  expect(detail.files.map(({ name }) => name)).toContain('backup_manifest');

  const runs = backupRuns.parse(await get(`${base}/runs?kind=verify,drill&limit=1`));
  expect(runs).toMatchObject({ count: 2, runs: [{ kind: 'drill', state: 'done', backup: backup?.id }] });
  const run = backupRunDetail.parse(await get(`${base}/runs/${runs.runs[0]?.id}`));
  expect(run.lines.at(-1)?.text).toMatch(/^Done in/);
  expect((await app.request(`${base}/runs/999999`)).status).toBe(404);
  expect((await app.request(`${base}/runs?kind=nonsense`)).status).toBe(400);

  let told = '';
  while (!told.includes('"kind":"drill","state":"done"')) {
    told += new TextDecoder().decode((await events?.read())?.value);
  }
  await events?.cancel();
  const first = /event: backup-run\ndata: (.*)\n/.exec(told)?.[1] ?? '{}';
  expect(event.parse(JSON.parse(first))).toMatchObject({ database: 'shop', kind: 'full', state: 'running' });
});

test('a repository that cannot be reached is told in its place, and runs are told all the same', async () => {
  const { backups } = configDefinition.parse({
    databases: { shop: shop.watched.url },
    backups: { shop: { repositories: [{ location: '/proc/no/such' }], drill: 'never' } },
  });
  const settings = backups['shop'];
  if (!settings) throw new Error('no backups in the settings');
  const other = createBackupService({
    name: 'shop',
    url: shop.watched.url,
    settings,
    store: shop.store,
    logger: silent,
    madeBy: 'pitcrew test',
    drillDir: '/proc/no/such',
    spoolDir: tmpdir(),
    tickMs: 3_600_000,
  });
  const actions = { ...shop.config.actions, backups: true };
  const away = shop.appWith({ backups: [other], config: { ...shop.config, actions } });
  expect((await post(base, undefined, away)).status).toBe(202);
  await other.idle();
  const list = backupList.parse(await get(base, away));
  expect(list.latest[0]).toMatchObject({
    kind: 'full',
    state: 'failed',
    error: { code: 'E_STORAGE' },
    willRetry: false,
  });
  expect(list.repositories).toMatchObject([{ name: '/proc/no/such' }]);
  await other.stop();
});
