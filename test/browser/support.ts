import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import { type Browser, chromium as launcher, type Page } from 'playwright-core';
import { configDefinition } from '../../src/config/definition.ts';
import { type Advisor, createAdvisor } from '../../src/ops/advisor/index.ts';
import type { BackupService } from '../../src/ops/backup/index.ts';
import { freePort } from '../../src/ops/embedded/index.ts';
import { createMonitor, type DatabaseMonitor } from '../../src/ops/monitor/index.ts';
import { openStore, type Store } from '../../src/ops/store/index.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { keepingLogger } from '../support/plain-monitor.ts';
import { testDatabase } from '../support/postgres.ts';
import { browserProgram } from './program.ts';

const root = join(import.meta.dirname, '..', '..');

/** Builds the dashboard from its sources, so that a test never sees an old one. Gives what the build warns of. */
async function buildDashboard(folder: string): Promise<string> {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const options = ['--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [vite, 'build', 'ui', ...options], {
    cwd: root,
  });
  return stdout + stderr;
}

/** Chromium from npm. It runs as root here, which needs its sandbox off; it only ever opens our own pages. */
export async function openBrowser(): Promise<Browser> {
  // Drawing by a graphics card in software takes more than twice the time of everything else.
  chromium.setGraphicsMode = false;
  // One process for everything ends with the first page that is closed.
  const args = chromium.args.filter((arg) => arg !== '--single-process' && arg !== '--no-zygote');
  return launcher.launch({ executablePath: await browserProgram(), args: [...args, '--disable-gpu', '--no-sandbox'] });
}

/** The dashboard as it is built now, in a folder of its own, with what the build warns of, and a browser. Both go with `stack`. */
export async function builtDashboard(
  stack: AsyncDisposableStack,
): Promise<{ browser: Browser; uiDir: string; warnings: string }> {
  const uiDir = stack.use(temporaryFolder()).path;
  const warnings = await buildDashboard(uiDir);
  const browser = await openBrowser();
  stack.defer(() => browser.close());
  return { browser, uiDir, warnings };
}

export interface Dashboard extends AsyncDisposable {
  url: string;
  monitor: DatabaseMonitor;
  advisor: Advisor;
  store: Store;
  /** Collects from everything and waits until history has it. */
  collect(): Promise<void>;
  /** Ends the HTTP server, as a daemon that dies. */
  close(): Promise<void>;
  /** Starts it again on the same port. */
  reopen(): Promise<void>;
}

interface DashboardOptions {
  /** The watched database. */
  url: string;
  uiDir: string;
  actions?: boolean;
  token?: string;
  /** Looks after the backups; ended with everything else. */
  backups?: (store: Store) => BackupService;
}

/** Everything that `pitcrew serve` starts, watching one database, with a store in a database of its own. */
export async function startDashboard({
  url,
  uiDir,
  actions = false,
  token,
  backups,
}: DashboardOptions): Promise<Dashboard> {
  const config = configDefinition.parse({
    actions: { sessions: actions, cache: actions, advice: actions, backups: actions },
    advisor: { enabled: false },
    monitor: { cadence: { activity: '250ms', statements: '10m', instance: '10m', tables: '1h', slow: '1d' } },
    server: { token },
  });
  const storeDatabase = await testDatabase();
  const store = await openStore({ url: storeDatabase.url, retention: config.store.retention });
  // Other files run on the same server: their statements are not the shop's.
  const statements = { scope: { databases: 'own' }, readers: 1 } as const;
  const monitor = createMonitor({
    name: 'shop',
    url,
    config: config.monitor,
    statements,
    actions: config.actions,
    store,
  });
  const logger = keepingLogger();
  const advisor = createAdvisor({ name: 'shop', url, store, config: config.advisor, logger, tickMs: 100 });
  const service = backups?.(store);
  const watching = { monitors: [monitor], advisors: [advisor], backups: service ? [service] : [] };
  const app = createApp({ ...watching, store, config, version: '0.0.0', logger, uiDir });
  const listen = (port: number) => startServer({ host: '127.0.0.1', port, token, app, logger });
  let server = await listen(await freePort());
  return {
    url: server.url,
    monitor,
    advisor,
    store,
    async collect() {
      await monitor.collectNow();
      await store.flush();
    },
    close: () => server.close(),
    async reopen() {
      server = await listen(server.port);
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await service?.stop();
      await advisor.stop();
      await monitor.stop();
      await store.close();
      await storeDatabase[Symbol.asyncDispose]();
    },
  };
}

export interface PageOptions {
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
}

/** A page in a context of its own. What its console says as error or warning is collected in `complaints`. */
export async function openPage(browser: Browser, { theme = 'light', width = 1440, height = 900 }: PageOptions = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height },
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** A page of a dashboard, once it shows more than that it loads. */
export async function openLoaded(browser: Browser, url: string, options?: PageOptions) {
  const opened = await openPage(browser, options);
  await opened.page.goto(url);
  await opened.page.locator('h1').waitFor();
  await opened.page.locator('.skeleton').first().waitFor({ state: 'detached' });
  return opened;
}

/** The rows of a table, by its label. */
export const rows = (page: Page, label: string) =>
  page.getByRole('group', { name: label, exact: true }).getByRole('row');

interface AxeNode {
  target: string[];
  failureSummary?: string;
}

/** What axe finds against WCAG 2.2 A and AA and good practice, one line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: judge } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: AxeNode[] }[] }> };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await judge.run({ runOnly: tags });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
    );
  });
}

/** Tables that are wider than their place, so that a part of them is found only by scrolling sideways. */
export function cutTables(page: Page): Promise<string[]> {
  return page.locator('.table-scroll').evaluateAll((tables) =>
    (tables as unknown as { ariaLabel: string; scrollWidth: number; clientWidth: number }[])
      // Half a pixel is rounding.
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
      .map(({ ariaLabel }) => ariaLabel),
  );
}

/** By how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { documentElement: element } = (
      globalThis as unknown as { document: { documentElement: { scrollWidth: number; clientWidth: number } } }
    ).document;
    return element.scrollWidth - element.clientWidth;
  });
}
