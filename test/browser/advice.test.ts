import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../src/ops/advisor/index.ts';
import { findingFor } from '../support/advice-life.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
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

const fix = 'CREATE INDEX CONCURRENTLY "orders_customer" ON "public"."orders" ("customer")';

beforeAll(async () => {
  ({ browser, uiDir } = await builtDashboard(stack));
  database = stack.use(await testDatabase());
  await database.query(`
    CREATE TABLE customers (id int PRIMARY KEY);
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, note text);
    CREATE INDEX orders_note ON orders (note);
    CREATE INDEX orders_note_again ON orders (note)`);
  dashboard = stack.use(await startDashboard({ url: database.url, uiDir, actions: true }));
  await dashboard.collect();
});
afterAll(() => stack.disposeAsync());

const visit = (path: string, options?: PageOptions, url = dashboard.url) => openLoaded(browser, url + path, options);

async function add(finding: Finding, state: 'found' | 'planned' = 'found'): Promise<void> {
  const { key, check, severity, remedy } = finding;
  await dashboard.store.advice.save(
    await dashboard.advisor.targetId(),
    [{ type: 'new', key, check, severity, kind: remedy?.kind ?? '', state, finding }],
    { at: new Date(), by: 'test' },
  );
}

test('before the checks were asked that is said, and they are asked by a click', async () => {
  await using opened = await visit('/');
  const { page } = opened;
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await page.getByRole('heading', { level: 1, name: 'Advice' }).waitFor();
  await page.getByText('The checks were not asked yet').waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await page.getByRole('button', { name: 'Check now' }).click();
  await rows(page, 'To be decided').filter({ hasText: 'orders_note' }).first().waitFor();
  await page.getByText(/^Could not be told/).click();
  await page.getByText('Unused indexes').waitFor();
  expect(opened.complaints).toEqual([]);
});

test('advice is looked at, applied, undone and dismissed', async () => {
  await add(
    {
      ...findingFor('missing', {
        kind: 'create-index',
        fix: [fix],
        undo: ['DROP INDEX CONCURRENTLY "public"."orders_customer"'],
      }),
      title: 'An index on public.orders (customer) would spare 40 % of the cost of the workload',
      subject: { kind: 'table', schema: 'public', name: 'orders' },
      evidence: [{ label: 'Size', value: 1_500_000, unit: 'bytes' }],
      gain: { workloadShare: 0.4, msPerHour: 90_000 },
      affected: [
        {
          id: '42',
          text: 'SELECT * FROM orders WHERE customer = $1',
          callsPerHour: 1200,
          costBefore: 450,
          costAfter: 8.3,
        },
      ],
    },
    'planned',
  );
  await using opened = await visit('/advice');
  const { page } = opened;
  await page.getByRole('link', { name: /^An index on public.orders/ }).click();
  await page.getByRole('heading', { level: 1, name: /^An index on public.orders/ }).waitFor();
  expect(await page.getByLabel('What is run to apply it').innerText()).toBe(`${fix};`);
  expect(await rows(page, 'Planned costs').nth(1).innerText()).toMatch(/1,200\s+450\s+8\.3\s+−98\s*%/);
  await page.getByRole('button', { name: 'Apply …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is run', { exact: true }).waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  await dialog.getByLabel('Why (kept with it)').fill('too slow');
  await dialog.getByRole('button', { name: 'Run the statements' }).click();
  await page.getByText('Being measured').first().waitFor();
  expect(await page.getByRole('list').filter({ hasText: 'too slow' }).innerText()).toMatch(
    /Being applied\s+by .* – too slow/,
  );
  expect(await rows(page, 'What was run').nth(1).innerText()).toMatch(/CREATE INDEX CONCURRENTLY[\s\S]*apply\s+done/);
  expect(await database.query(`SELECT FROM pg_class WHERE relname = 'orders_customer'`)).toHaveLength(1);
  await page.getByRole('button', { name: 'Undo …' }).click();
  await dialog.getByRole('button', { name: 'Run the statements' }).click();
  await page.getByText('Undone').first().waitFor();
  await page.getByRole('button', { name: 'Take up again …' }).click();
  await dialog.getByRole('button', { name: 'Take it up' }).click();
  await page.getByRole('button', { name: 'Dismiss …' }).click();
  await dialog.getByRole('button', { name: 'Dismiss it' }).click();
  await page.getByText('Dismissed').first().waitFor();
  expect(opened.complaints).toEqual([]);
});

test('advice is filtered, sorted and paged, and the address says how', async () => {
  const many = Array.from({ length: 60 }, (_, number) => ({
    ...findingFor(`table ${number}`, { kind: 'vacuum', fix: [], undo: [] }),
    check: 'vacuum-behind',
    subject: { kind: 'table' as const, schema: 'public', name: `table_${number}` },
    gain: { bytes: number * 1024 },
  }));
  for (const finding of many) await add(finding);
  await using opened = await visit('/advice?kind=vacuum&sort=gain');
  const { page } = opened;
  const shown = rows(page, 'To be decided');
  expect(await shown.nth(1).innerText()).toMatch(/about table 0\s/);
  await page.getByText('1–50 of 60 findings').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51–60 of 60 findings').waitFor();
  // The rows of before stay until the others are there.
  await expect.poll(() => shown.nth(10).innerText()).toMatch(/about table 59\s/);
  await page.getByLabel('Check').selectOption('vacuum-behind (60)');
  await page.getByRole('searchbox').fill('table 42');
  await page.getByText('1 finding', { exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe('?kind=vacuum&sort=gain&check=vacuum-behind&search=table+42');
  await page.getByRole('link', { name: 'Dismissed' }).click();
  await page.getByText('No advice fits these filters').waitFor();
  await page.getByRole('link', { name: 'Take the filters away' }).click();
  await rows(page, 'Dismissed').nth(1).waitFor();
  expect(opened.complaints).toEqual([]);
});

test('indexes are shown by table with their roles, what is wrong with them and what is advised', async () => {
  await using opened = await visit('/indexes');
  const { page } = opened;
  await page.getByText('No indexes were chosen yet').waitFor();
  const indexes = rows(page, 'Indexes of public.orders');
  expect(await indexes.filter({ hasText: 'orders_pkey' }).innerText()).toMatch(/orders_pkey\s+Primary key\s+8\s*KiB/);
  await indexes.filter({ hasText: 'orders_note' }).getByRole('link', { name: 'Duplicate index' }).first().waitFor();
  await page.getByRole('searchbox').fill('customers');
  await indexes.first().waitFor({ state: 'detached' });
  await rows(page, 'Indexes of public.customers').first().waitFor();
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(opened.complaints).toEqual([]);
});

test('where changes are switched off, that is said and nothing can be clicked', async () => {
  await using closed = await startDashboard({ url: database.url, uiDir });
  await closed.store.advice.save(
    await closed.advisor.targetId(),
    [
      {
        type: 'new',
        key: 'k',
        check: 'made-up',
        severity: 'warning',
        kind: 'create-index',
        state: 'found',
        finding: findingFor('k', { kind: 'create-index', fix: [fix], undo: [] }),
      },
    ],
    { at: new Date(), by: 'test' },
  );
  await using opened = await visit('/advice', {}, closed.url);
  await opened.page.getByText('actions.advice').waitFor();
  await opened.page.getByRole('link', { name: /about k$/ }).click();
  expect(await opened.page.getByRole('button', { name: 'Apply …' }).isDisabled()).toBe(true);
});

test.each([
  ['light', 1440],
  ['dark', 1440],
  ['light', 390],
  ['dark', 834],
] as const)('nothing is cut off or hard to read: %s, %i pixels wide', async (theme, width) => {
  const { advice } = dashboard.store;
  const [first] = await advice.list({ targetId: await dashboard.advisor.targetId() });
  for (const path of ['/advice', `/advice/${first?.id}`, '/indexes']) {
    await using opened = await visit(path, { theme, width });
    const { page } = opened;
    expect(await overflow(page), path).toBeLessThanOrEqual(0);
    expect(await cutTables(page), path).toEqual([]);
    expect(await accessibilityProblems(page), path).toEqual([]);
    expect(opened.complaints).toEqual([]);
    if (process.env.SCREENSHOTS) {
      const name = path.replaceAll('/', '_');
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${theme}-${width}.png`, fullPage: true });
    }
  }
});
