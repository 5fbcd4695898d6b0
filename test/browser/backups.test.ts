import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { type BackupService, createBackupService } from '../../src/ops/backup/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { silent } from '../support/advice-life.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type ScratchServer, testDatabase } from '../support/postgres.ts';
import {
  accessibilityProblems,
  builtDashboard,
  cutTables,
  type Dashboard,
  openLoaded,
  overflow,
  type PageOptions,
  rows,
  startDashboard,
} from './support.ts';

const stack = new AsyncDisposableStack();
let browser: Browser;
let uiDir: string;
let server: ScratchServer;
let dashboard: Dashboard;
let service: BackupService;
let location: string;

beforeAll(async () => {
  ({ browser, uiDir } = await builtDashboard(stack));
  server = stack.use(await backupServer(18, { summarize_wal: 'on' }));
  const folder = stack.use(temporaryFolder());
  location = join(folder.path, 'repository');
  const { backups } = configDefinition.parse({
    databases: { shop: server.url() },
    backups: { shop: { repositories: [{ location }], checkpoint: 'fast', drill: 'never', full: '0 3 * * *' } },
  });
  const settings = backups['shop'];
  if (!settings) throw new Error('no backups in the settings');
  dashboard = stack.use(
    await startDashboard({
      url: server.url(),
      uiDir,
      actions: true,
      backups: (store) =>
        (service = createBackupService({
          name: 'shop',
          url: server.url(),
          settings,
          store,
          logger: silent,
          madeBy: 'pitcrew test',
          drillDir: join(folder.path, 'drills'),
          spoolDir: tmpdir(),
          // Nothing is done here but what is asked for.
          tickMs: 3_600_000,
        })),
    }),
  );
  await dashboard.collect();
});
afterAll(() => stack.disposeAsync());

const visit = (path: string, options?: PageOptions, url = dashboard.url) => openLoaded(browser, url + path, options);

/** Asks for a run by the page, and waits until it is told there. */
async function ask(page: Page, what: string, button: string, count: number): Promise<void> {
  await page.getByLabel('What to do now').selectOption({ label: what });
  await page.getByRole('button', { name: button }).click();
  await page.getByText(new RegExp(`^${count} runs?$`)).waitFor();
  await rows(page, 'Runs').filter({ hasText: 'Under way' }).waitFor({ state: 'detached' });
}

test('without backups in the settings the page says what to write', async () => {
  await using database = await testDatabase();
  await using other = await startDashboard({ url: database.url, uiDir });
  await using opened = await visit('/backups', { width: 360, height: 740 }, other.url);
  const { page } = opened;
  await page.getByText('No backups of shop are made by Pitcrew').waitFor();
  expect(await page.locator('.code').textContent()).toContain("full: '0 1 * * *'");
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

test('backups are made, proven and checked from the page, and every run can be read', async () => {
  await using opened = await visit('/');
  const { page } = opened;
  await page.keyboard.press('g');
  await page.keyboard.press('b');
  await page.getByRole('heading', { level: 1, name: 'Backups' }).waitFor();
  await page.getByText('None is complete yet').waitFor();
  expect(await page.getByRole('button', { name: 'Restore …' }).isDisabled()).toBe(true);
  await ask(page, 'Full backup', 'Back up now', 1);
  await using client = await session(server.url());
  await client.query('CREATE TABLE more AS SELECT generate_series(1, 1000) AS n');
  await ask(page, 'Incremental backup', 'Back up now', 2);
  await ask(page, 'Restore drill', 'Prove now', 3);
  expect(await rows(page, 'Backups').count()).toBe(3);
  await page.getByRole('list', { name: 'Backups, by time' }).getByRole('link').nth(1).waitFor();
  await page.getByText(/^Next: full at/).waitFor();
  await rows(page, 'Backups').nth(2).getByText('ready in').waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);

  await rows(page, 'Backups').nth(1).getByRole('link').click();
  await page.getByText('All of these are needed to restore it').waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole('link', { name: 'Backups', exact: true }).last().click();
  await page.getByRole('link', { name: 'Drills and checks' }).click();
  await page.getByText('1 run', { exact: true }).waitFor();
  await rows(page, 'Runs').nth(1).getByRole('link').click();
  await page.getByText('What it told').waitFor();
  await page.getByText(/was restored, and is as it should be/).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(opened.complaints).toEqual([]);
});

test('the way to restore a moment ends in a command, and a moment that cannot be reached is said to be so', async () => {
  await using opened = await visit('/backups');
  const { page } = opened;
  await page.getByRole('button', { name: 'Restore …' }).click();
  const dialog = page.getByRole('dialog');
  const command = dialog.locator('pre');
  const { backups } = await service.catalogue();
  const [full, incremental] = backups ?? [];
  expect(await command.textContent()).toContain(`pitcrew restore ${incremental?.id}`);
  await dialog.getByLabel('Into this folder').fill('/srv/new place');
  expect(await command.textContent()).toContain(`--repository ${location} \\\n  --to '/srv/new place'`);
  await dialog.getByLabel('a moment of the past').check();
  // The first moment that can be restored, in the browser's zone.
  const first = full?.endedAt ?? new Date(0);
  const local = await page.evaluate((ms) => {
    const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
    return at.toISOString().replace(/Z$/, '');
  }, first.getTime());
  await dialog.getByLabel(/^Moment/).fill(local);
  expect(await command.textContent()).toContain(`--target-time ${first.toISOString().replace('.000Z', 'Z')}`);
  expect(await command.textContent()).toContain(`pitcrew restore ${full?.id}`);
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByLabel(/^Moment/).fill('2020-01-01T00:00:00');
  await dialog.getByText('Cannot be reached').waitFor();
  expect(await command.count()).toBe(0);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(opened.complaints).toEqual([]);
});

test('it fits from a phone to a wide screen, in light and dark', async () => {
  const paths = ['/backups', '/backups/runs/1', `/backups/${(await service.catalogue()).backups?.[0]?.id}`];
  for (const [width, theme] of [
    [360, 'dark'],
    [800, 'light'],
    [3840, 'dark'],
  ] as const) {
    await using opened = await visit('/backups', { width, theme });
    for (const path of paths) {
      await opened.page.goto(dashboard.url + path);
      await opened.page.locator('.skeleton').first().waitFor({ state: 'detached' });
      await opened.page.locator('.card').first().waitFor();
      expect(await overflow(opened.page), `${path} at ${width}`).toBeLessThanOrEqual(0);
      expect(await cutTables(opened.page), `${path} at ${width}`).toEqual([]);
    }
    expect(await accessibilityProblems(opened.page)).toEqual([]);
  }
});

test('when the daemon is gone what was known stays, and is said to be old', async () => {
  await using opened = await visit('/backups');
  await dashboard.close();
  await opened.page.getByText(/Stale since/).waitFor();
  expect(await rows(opened.page, 'Backups').count()).toBe(3);
  await dashboard.reopen();
  await opened.page.getByText(/^Updated/).waitFor();
});
