import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describe as describeStatement, loadParser } from '../../src/sql/index.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import {
  applicationReport,
  reportedEndpoint,
  reportedPoolCounts,
  reportedScope,
  reportedStatement,
  reportedTimer,
} from '../support/reports.ts';
import {
  accessibilityProblems,
  builtDashboard,
  cutTables,
  type Dashboard,
  openLoaded,
  overflow,
  type PageOptions,
  startDashboard,
} from './support.ts';

const stack = new AsyncDisposableStack();
let browser: Browser;
let database: TestDatabase;
let dashboard: Dashboard;
/** The server's number of the statement that is reported. */
let id: number;

const text = 'SELECT * FROM orders WHERE status = $1 LIMIT 5';

beforeAll(async () => {
  await loadParser();
  const built = await builtDashboard(stack);
  browser = built.browser;
  database = stack.use(await testDatabase());
  await database.query('CREATE EXTENSION pg_stat_statements');
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, status text)');
  dashboard = stack.use(await startDashboard({ url: database.url, uiDir: built.uiDir }));
  await dashboard.collect();
  for (let turn = 0; turn < 20; turn += 1) await database.query(text, ['new']);
  await dashboard.collect();
});
afterAll(() => stack.disposeAsync());

const api = (path: string): string => `${dashboard.url}/api/v1/database${path}`;

const visit = (path: string, options?: PageOptions) => openLoaded(browser, dashboard.url + path, options);

/** What an application sends, over HTTP as it does. */
async function sendReports(): Promise<void> {
  const { fingerprint } = describeStatement(text);
  const durations = Array.from({ length: 400 }, (_, index) => 2 + (index % 20) * 0.7);
  const orders = reportedStatement(fingerprint, durations, {
    text,
    errors: 3,
    waitMs: 120,
    callSites: [
      { site: 'src/orders.ts:42', calls: 300 },
      { site: 'src/jobs/a-rather-long-path/of-a-worker/that-nobody-wanted/to-move.ts:118', calls: 100 },
    ],
    scopes: [
      { name: 'GET /orders', calls: 360, requests: 8, most: 51 },
      { name: 'nightly cleanup', calls: 40, requests: 20, most: 2 },
    ],
  });
  const unknown = reportedStatement('beef', [1, 2, 3], { text: 'COMMIT AND CHAIN', kind: 'transaction' });
  const pool = [
    reportedEndpoint(),
    reportedEndpoint({ endpoint: 'replica-1.internal.example.com:5432', role: 'replica', waiting: 0 }),
  ];
  const repeated = [
    { scope: 'GET /orders', fingerprint, site: 'src/orders.ts:42', requests: 8, most: 51 },
    { scope: 'GET /orders/:id', fingerprint: 'beef', site: 'src/unit-of-work.ts:7', requests: 2, most: 12 },
  ];
  const scopes = [
    reportedScope('GET /orders', [20, 40, 350], { statements: 180, mostStatements: 51 }),
    reportedScope('POST /a/rather/long/path/of/a/request/that/nobody/wanted/to/shorten/:id', [5, 6]),
    ...Array.from({ length: 25 }, (_, index) => reportedScope(`GET /page-${index}`, [1], { statementMs: 0.1 })),
  ];
  const timers = [reportedTimer('checkout', [12, 15]), reportedTimer('render the page of an order', [0.4])];
  const poolCounts = reportedPoolCounts([0, 0.1, 12], { acquireTimeouts: 1 });
  for (const [sequence, agoMs] of [40_000, 30_000, 20_000, 10_000, 0].entries()) {
    const to = new Date(Date.now() - agoMs);
    for (const [application, instance] of [['shop', 'a'] as const, ['shop', 'b'] as const, ['worker', 'c'] as const]) {
      const change = { application, instance, sequence: sequence + 1, pool, repeated, scopes, timers, poolCounts };
      const report = applicationReport({ ...change, statements: [orders, unknown] }, to);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(api('/ingest'), { method: 'POST', body: JSON.stringify(report), headers });
      expect(answer.status).toBe(202);
    }
  }
}

test('before anything is reported, it is said how to report', async () => {
  await using opened = await visit('/applications');
  await opened.page.getByText('No application has reported in this range').waitFor();
  expect(await opened.page.getByLabel('A pool that reports').innerText()).toContain(
    `report: { url: '${dashboard.url}'`,
  );
  expect(await accessibilityProblems(opened.page)).toEqual([]);
  expect(opened.complaints).toEqual([]);
  await opened.page.goto(`${dashboard.url}/queries?view=applications`);
  await opened.page.getByText('No application has reported a statement in this range').waitFor();
});

test('what was reported is on the pages of queries, of the statement and of applications', async () => {
  await sendReports();
  id = await vi.waitFor(
    async () => {
      const response = await fetch(api('/queries/analysis?search=orders+WHERE'));
      const { statements } = (await response.json()) as { statements: { id: number; application: unknown }[] };
      expect(statements[0]?.application).toBeTruthy();
      return statements[0]?.id ?? 0;
    },
    { timeout: 20_000 },
  );
  await using opened = await visit('/queries');
  const { page } = opened;
  const repeated = page.getByRole('list', { name: 'Repeated calls' }).getByRole('listitem');
  const message = 'GET /orders calls this up to 51 times per request from src/orders.ts:42';
  await repeated.filter({ hasText: message }).first().getByRole('link', { name: 'Statement' }).click();
  await page.getByRole('heading', { level: 1, name: `Statement ${id}` }).waitFor();
  const lines = page
    .getByRole('group', { name: 'Called from' })
    .getByRole('row')
    .filter({ hasText: 'src/orders.ts:42' });
  await lines.first().waitFor();
  expect(await lines.count()).toBe(2);
  // 75 % of 400 calls of two processes in five reports.
  expect(await lines.filter({ hasText: 'shop' }).innerText()).toMatch(/50\s*%[\s\S]*3,000/);
  const requests = page.getByRole('group', { name: 'Called in' }).getByRole('row').filter({ hasText: 'GET /orders' });
  expect(await requests.filter({ hasText: 'worker' }).innerText()).toMatch(/45\s+51\s+40/);
  const measured = page.getByRole('list', { name: 'As applications measured it' });
  expect(await measured.innerText()).toMatch(
    /p95\s*14\.?\d*\s*ms[\s\S]*Slowest\s*15\.3\s*ms[\s\S]*Errors\s+Warning\s+45/,
  );
  const time = page.getByRole('img', {
    name: /^Time per call: server’s mean between.*; p50.*; p95.*; p99.*; waiting between/,
  });
  expect(await time.count()).toBe(1);

  await page.goto(`${dashboard.url}/queries?view=applications&unmatched=1`);
  await page.getByRole('link', { name: 'COMMIT AND CHAIN' }).click();
  await page.getByRole('heading', { level: 1, name: 'Statement beef' }).waitFor();
  await page.getByText('Not in the server’s statistics').waitFor();

  await page.getByRole('link', { name: 'Applications', exact: true }).click();
  const pools = page.getByRole('group', { name: 'Pools', exact: true });
  expect(await pools.getByRole('row').filter({ hasText: '10.0.0.1:5432' }).innerText()).toMatch(
    /primary\s+35\s*%\s+16\s+6\s+4/,
  );
  // Two processes, five reports of each.
  const scopes = page.getByRole('group', { name: 'Requests', exact: true });
  expect(await scopes.getByRole('row').filter({ hasText: 'GET /orders' }).innerText()).toMatch(
    /GET \/orders\s+30[\s\S]*350\s*ms\s+60\s+51\s+50\s*%/,
  );
  expect(await scopes.getByRole('row').count()).toBe(21);
  await page.getByText('7 more').click();
  await page.getByRole('group', { name: 'Requests, the rest' }).getByText('GET /page-9').waitFor();
  const timers = page.getByRole('group', { name: 'Timers' }).getByRole('row').filter({ hasText: 'checkout' });
  expect(await timers.innerText()).toMatch(/checkout\s+20\s/);
  const lent = page.getByRole('list', { name: 'Connections lent' });
  expect(await lent.innerText()).toMatch(/Lent\s+30[\s\S]*Longest wait\s+12\s*ms[\s\S]*Timeouts\s+Warning\s+10/);
  await page.getByRole('img', { name: /^Waiting for a connection: p50 .*; p95 / }).waitFor();
  await page.getByRole('img', { name: /^Pool of 10.0.0.1:5432, primary: .*busy/ }).waitFor();
  await page.getByLabel('Which application is shown').getByRole('link', { name: 'worker' }).click();
  await expect
    .poll(() => pools.getByRole('row').filter({ hasText: '10.0.0.1:5432' }).innerText(), { timeout: 20_000 })
    .toMatch(/\s8\s+3\s+2/);
  expect(opened.complaints).toEqual([]);
});

const looks: (PageOptions & { judged: boolean })[] = [
  { theme: 'light', width: 1440, height: 900, judged: true },
  { theme: 'dark', width: 360, height: 740, judged: true },
  { theme: 'light', width: 820, height: 1100, judged: false },
];
test.each(looks)('its pages fit and are accessible: $theme, $width px wide', async ({ judged, ...look }) => {
  for (const path of [
    '/applications',
    `/queries/${id}`,
    '/queries/application/beef',
    '/queries',
    '/queries?view=applications',
  ]) {
    await using opened = await visit(path, look);
    const { page, complaints } = opened;
    if (judged) expect(await accessibilityProblems(page), path).toEqual([]);
    expect(await overflow(page), path).toBeLessThanOrEqual(0);
    expect(await cutTables(page), path).toEqual([]);
    expect(complaints, path).toEqual([]);
  }
});
