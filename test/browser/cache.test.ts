import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCache, createWarmer } from '../../src/client/cache/index.ts';
import { cacheReporting, createTelemetry, Reporter } from '../../src/index.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { applicationReport, reportedCache, reportedTier } from '../support/reports.ts';
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
let database: TestDatabase;
let dashboard: Dashboard;
let uiDir: string;

beforeAll(async () => {
  ({ browser, uiDir } = await builtDashboard(stack));
  database = stack.use(await testDatabase());
  dashboard = stack.use(await startDashboard({ url: database.url, uiDir, actions: true }));
  await dashboard.collect();
});
afterAll(() => stack.disposeAsync());

const visit = (path: string, options?: PageOptions, url = dashboard.url) => openLoaded(browser, url + path, options);

/** What two processes of an application tell, one of which cannot reach Redis. */
async function sendReports(url = dashboard.url): Promise<void> {
  const tiers = (round: number, isAway: boolean) => [
    reportedTier('memory', { hits: 900 + round, evictions: 12, bytes: 3_500_000 }),
    reportedTier('redis', { hits: isAway ? 0 : 60, bytes: 80_000_000, entries: 90_000, lookupMs: 20, isAway }),
  ];
  const groups = Array.from({ length: 30 }, (_, index) => ({
    group: `group-${index}`,
    hits: 100 - index,
    misses: index,
  }));
  for (const [round, agoMs] of [40_000, 30_000, 20_000, 10_000, 0].entries()) {
    for (const instance of ['a', 'b']) {
      const catalogue = reportedCache('catalogue of a shop with a rather long name', {
        tiers: tiers(round, instance === 'b'),
        misses: 40,
        groups,
        invalidations: { tag: 5, key: 40, pattern: 1, all: 1 },
        refused: { invalidated: 2 },
      });
      const results = reportedCache('results', {
        kind: 'queries',
        invalidations: { change: 25, 'own write': 4, schema: 1 },
        bypasses: { 'in a transaction': 4, 'not cacheable': 2 },
        stream:
          instance === 'a'
            ? { truth: 'stream', state: 'streaming', reason: null, lagMs: 3 + round, leader: true }
            : {
                truth: 'own writes',
                state: 'lost',
                reason: 'the slot is in use by another',
                lagMs: null,
                leader: false,
              },
      });
      const change = { application: 'storefront', instance, sequence: round + 1, caches: [catalogue, results] };
      const report = applicationReport(change, new Date(Date.now() - agoMs));
      const headers = { 'content-type': 'application/json' };
      const path = `${url}/api/v1/database/ingest`;
      const answer = await fetch(path, { method: 'POST', body: JSON.stringify(report), headers });
      expect(answer.status).toBe(202);
    }
  }
}

test('before anything is reported, it is said how to report a cache', async () => {
  await using opened = await visit('/cache');
  await opened.page.getByText('No application has reported a cache in this range').waitFor();
  const code = await opened.page.getByLabel('A cache that is reported').innerText();
  expect(code).toContain(`report: { url: '${dashboard.url}'`);
  expect(code).toContain("observeCache(cacheReporting(cache, { name: 'catalogue' }))");
  expect(await accessibilityProblems(opened.page)).toEqual([]);
  expect(opened.complaints).toEqual([]);
});

test('a cache is shown by tier, over time, by group and by cause, and is come to by the keyboard', async () => {
  await sendReports();
  await using opened = await visit('/');
  const { page } = opened;
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.getByRole('heading', { level: 1, name: 'Cache' }).waitFor();
  const caches = rows(page, 'Caches');
  await caches.filter({ hasText: 'results' }).waitFor();
  expect(await caches.filter({ hasText: 'catalogue' }).innerText()).toMatch(/storefront[\s\S]*redis away/);
  expect(await caches.filter({ hasText: 'results' }).innerText()).toMatch(/lost/);
  const tiers = rows(page, 'Tiers');
  // Of two processes, five reports of each.
  expect(await tiers.filter({ hasText: 'memory' }).innerText()).toMatch(/In use[\s\S]*9,020[\s\S]*200\s+6\.7\s*MiB/);
  expect(await tiers.filter({ hasText: 'redis' }).innerText()).toMatch(
    /Away for 1 of 2[\s\S]*300[\s\S]*1\s*ms\s+90\s*k\s+76\.3\s*MiB/,
  );
  const figures = page.getByRole('list', { name: 'Figures of the cache' });
  expect(await figures.innerText()).toMatch(
    /Hits\s+95\.9\s*%[\s\S]*Misses\s+400[\s\S]*Evicted\s+120[\s\S]*Not kept\s+20/,
  );
  await page
    .getByRole('img', { name: /^Hit ratio by tier: all tiers between .*; memory between .*; redis between / })
    .waitFor();
  await page.getByRole('img', { name: /^Invalidations by cause: .*key between/ }).waitFor();
  await page.getByRole('img', { name: /^Size: memory between/ }).waitFor();
  expect(await rows(page, 'Groups').nth(1).innerText()).toMatch(/group-0\s+1,000/);
  await page.getByText('10 more').click();
  await page.getByRole('group', { name: 'Groups, the rest' }).getByText('group-29').waitFor();
  expect(await rows(page, 'Causes').filter({ hasText: 'key' }).innerText()).toMatch(/key\s+Invalidated by\s+400/);

  await page.getByLabel('Which cache is shown').getByRole('link', { name: 'storefront / results' }).click();
  const changes = rows(page, 'Changes in the database');
  await changes.filter({ hasText: 'streaming' }).waitFor();
  expect(await changes.filter({ hasText: 'streaming' }).innerText()).toMatch(/7\s*ms\s+itself/);
  await changes.filter({ hasText: 'lost: the slot is in use by another' }).waitFor();
  await page.getByRole('img', { name: /^Lag of the change stream: lag between/ }).waitFor();
  await page.getByRole('img', { name: /^Past the cache, by reason: in a transaction between/ }).waitFor();
  expect(await page.getByRole('button', { name: /^Warm results \(Its processes name no warmers\)/ }).isDisabled()).toBe(
    true,
  );
  expect(opened.complaints).toEqual([]);
});

test('a cache of a real process is invalidated, warmed and cleared from the page', async () => {
  await using cache = createCache();
  for (const [key, tag] of [
    ['orders:1', 'orders'],
    ['products:1', 'products'],
    ['products:2', 'products'],
  ] as const) {
    await cache.set(key, key, { tags: [tag] });
  }
  const bestsellers = createWarmer(cache, {
    name: 'bestsellers',
    keys: ['products:7'],
    load: (key) => cache.remember(key, '1h', () => key),
  });
  const telemetry = createTelemetry();
  telemetry.observeCache(cacheReporting(cache, { name: 'live' }), { warmers: [bestsellers] });
  const options = { url: dashboard.url, application: 'live shop', intervalMs: 300 };
  const reporter = new Reporter(options, { telemetry, endpoints: () => [] });
  await reporter.flush();
  await using opened = await visit('/cache?cache=live+shop%2Flive');
  const { page } = opened;
  const dialog = page.getByRole('dialog');
  const said = page.locator('.toasts');

  await page.getByRole('button', { name: 'Invalidate live' }).click();
  await dialog.getByRole('heading', { name: 'Invalidate a part of live?' }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByLabel('Name').fill('orders');
  await page.keyboard.press('Enter');
  await said.getByText('live was invalidated in 1 process.').waitFor();
  expect(['orders:1', 'products:1'].map((key) => cache.peek(key))).toEqual([undefined, 'products:1']);
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Warm live' }).click();
  expect(await dialog.getByLabel('Warmer').inputValue()).toBe('bestsellers');
  await dialog.getByRole('button', { name: 'Warm it' }).click();
  await said.getByText('live was warmed in 1 process.').waitFor();
  expect(cache.peek('products:7')).toBe('products:7');

  // What is left, is left.
  await page.getByRole('button', { name: 'Clear live' }).click();
  await dialog.getByRole('heading', { name: 'Clear live?' }).waitFor();
  expect(await dialog.getByRole('button', { name: 'Leave it' }).evaluate((button) => button.matches(':focus'))).toBe(
    true,
  );
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(cache.peek('products:1')).toBe('products:1');
  await page.getByRole('button', { name: 'Clear live' }).click();
  await dialog.getByRole('button', { name: 'Clear the cache' }).click();
  await said.getByText('live was cleared in 1 process.').waitFor();
  expect(['products:1', 'products:7'].map((key) => cache.peek(key))).toEqual([undefined, undefined]);
  expect(opened.complaints).toEqual([]);
  await reporter.close();
});

test('where the settings do not allow it, the buttons say so', async () => {
  await using closed = await startDashboard({ url: database.url, uiDir });
  await closed.collect();
  await sendReports(closed.url);
  await using opened = await visit('/cache', {}, closed.url);
  const { page } = opened;
  const button = page.getByRole('button', {
    name: /^Clear catalogue.*\(Switched off: the setting actions\.cache enables it\)/,
  });
  expect(await button.isDisabled()).toBe(true);
  await page.getByText('Clearing, invalidating and warming is switched off').waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);

  // The daemon goes, and what was known stays, with its age.
  await closed.close();
  await page
    .getByText(/Stale since/)
    .first()
    .waitFor();
  await rows(page, 'Tiers').filter({ hasText: 'memory' }).waitFor();
  await closed.reopen();
});

const looks: (PageOptions & { judged: boolean })[] = [
  { theme: 'light', width: 1440, height: 900, judged: true },
  { theme: 'dark', width: 360, height: 740, judged: true },
  { theme: 'light', width: 820, height: 1100, judged: false },
  { theme: 'dark', width: 1920, height: 1080, judged: false },
];

test.each(looks)('is whole and accessible at $width px in $theme', async ({ judged, ...options }) => {
  await sendReports();
  for (const cache of ['catalogue of a shop with a rather long name', 'results']) {
    await using opened = await visit(`/cache?cache=${encodeURIComponent(`storefront/${cache}`)}`, options);
    const { page } = opened;
    await page.locator('.chart-plot canvas').first().waitFor();
    expect(await overflow(page), cache).toBeLessThanOrEqual(0);
    expect(await cutTables(page), cache).toEqual([]);
    if (judged) expect(await accessibilityProblems(page), cache).toEqual([]);
    expect(opened.complaints).toEqual([]);
  }
});
