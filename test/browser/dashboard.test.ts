import pg from 'pg';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ScratchServer, scratchServer, testDatabase } from '../support/postgres.ts';
import {
  accessibilityProblems,
  builtDashboard,
  cutTables,
  type Dashboard,
  openPage,
  overflow,
  type PageOptions,
  startDashboard,
} from './support.ts';

const stack = new AsyncDisposableStack();
let browser: Browser;
let uiDir: string;
let buildWarnings: string;
/** Its own, since the page of sessions shows all of a server, and the tests end some of them. */
let server: ScratchServer;
let dashboard: Dashboard;
/** Addresses that hold ids are known once something was collected. */
let pages: Record<string, string>;

beforeAll(async () => {
  ({ browser, uiDir, warnings: buildWarnings } = await builtDashboard(stack));
  server = stack.use(await scratchServer());
  await using database = await connected('setup');
  await database.query('CREATE EXTENSION pg_stat_statements');
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, status text)');
  dashboard = stack.use(await startDashboard({ url: server.url(), uiDir, actions: true }));
  await dashboard.collect();
  await database.query("INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 500) n");
  for (let turn = 0; turn < 20; turn += 1)
    await database.query('SELECT * FROM orders WHERE status = $1 LIMIT 5', ['new']);
  await database.query('ANALYZE orders');
  await dashboard.collect();
  const statement = await answer<{ statements: { id: number; text: string }[] }>(
    '/queries/analysis?search=FROM+orders+WHERE',
  );
  const tables = await answer<{ tables: { id: number; name: string }[] }>('/tables?search=orders');
  pages = {
    Overview: '/',
    Queries: '/queries',
    [`Statement ${statement.statements[0]?.id}`]: `/queries/${statement.statements[0]?.id}`,
    Applications: '/applications',
    Cache: '/cache',
    'Sessions & locks': '/sessions',
    Tables: '/tables',
    'public.orders': `/tables/${tables.tables[0]?.id}`,
    Server: '/server',
    'There is no such page': '/nowhere',
  };
});

afterAll(() => stack.disposeAsync());

/** A session on the watched database; its end, also when it is ended by others, is no error. */
async function connected(application: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: server.url(), application_name: application });
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function answer<Body>(path: string): Promise<Body> {
  const response = await fetch(`${dashboard.url}/api/v1/database${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

/** Opens a page of the dashboard and waits for its heading. */
async function visit(path: string, options: PageOptions = {}, base = dashboard.url) {
  const opened = await openPage(browser, options);
  await opened.page.goto(base + path);
  await opened.page.locator('h1').waitFor();
  return opened;
}

test('the build of the dashboard has nothing to complain of', () => {
  expect(buildWarnings).toBe('');
});

describe('every page', () => {
  /** Colours depend on the theme, layout on the width: two looks judge both. */
  const looks: (PageOptions & { judged: boolean })[] = [
    { theme: 'light', width: 1440, height: 900, judged: true },
    { theme: 'dark', width: 360, height: 740, judged: true },
    { theme: 'light', width: 820, height: 1100, judged: false },
    { theme: 'dark', width: 3840, height: 800, judged: false },
  ];
  test.each(looks)(
    'fits, is accessible and raises no complaint: $theme, $width px wide',
    async ({ judged, ...look }) => {
      await using opened = await openPage(browser, look);
      const { page, complaints } = opened;
      for (const [heading, path] of Object.entries(pages)) {
        await page.goto(dashboard.url + path);
        await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        if (judged) expect(await accessibilityProblems(page), path).toEqual([]);
        expect(await overflow(page), path).toBeLessThanOrEqual(0);
        expect(await cutTables(page), path).toEqual([]);
        expect(await page.title()).toBe(`${heading} · Pitcrew`);
      }
      expect(complaints).toEqual([]);
    },
    120_000,
  );
});

describe('content', () => {
  test('the overview gives score, verdicts and the costliest statements', async () => {
    await using opened = await visit('/');
    const { page } = opened;
    const score = Number.parseInt(await page.locator('.score-number').innerText(), 10);
    const limits = { A: 90, B: 80, C: 70, D: 60, F: 0 };
    const [grade] = Object.entries(limits).find(([, limit]) => score >= limit) ?? [];
    await page.getByRole('img', { name: `Grade ${grade}`, exact: true }).waitFor();
    await page.getByText(/^Fine \(\d+\)$/).click();
    await page.getByText('The database answers').waitFor();
    await page.getByRole('link', { name: /FROM orders WHERE status/i }).click();
    await page.getByRole('heading', { level: 1, name: /^Statement \d+$/ }).waitFor();
  });

  test('a statement shows its text, figures, charts with their tables, and its plan on demand', async () => {
    const path = Object.values(pages).find((candidate) => candidate.startsWith('/queries/')) ?? '';
    await using opened = await visit(path);
    const { page } = opened;
    await page.getByRole('group', { name: 'Text of the statement' }).getByText('WHERE').waitFor();
    await page.locator('.chart-plot canvas').first().waitFor();
    await page.getByRole('button', { name: 'Show as table: Calls' }).click();
    await page.getByRole('group', { name: 'Calls, as a table' }).getByRole('row').nth(1).waitFor();
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('row', { name: /Seq Scan on orders/ }).waitFor();
    await page.getByRole('tab', { name: 'Text' }).click();
    await page.getByRole('group', { name: 'Plan as text' }).getByText(/cost=/).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  test('charts of a statement mark when its plan changed and advice was applied, in words too', async () => {
    const path = Object.values(pages).find((candidate) => candidate.startsWith('/queries/')) ?? '';
    const { store, monitor } = dashboard;
    const { targetId } = monitor;
    const seen = { targetId, statementId: Number(path.split('/').at(-1)), plan: null, generic: true, totalCost: 1 };
    await store.keepPlan({ ...seen, shape: 'one', at: new Date(Date.now() - 1000) });
    const change = await store.keepPlan({ ...seen, shape: 'two', at: new Date() });
    const measured = { calls: 100, meanUs: 1000 };
    await store.judgePlanChange({ id: change?.id ?? 0, verdict: 'slower', before: measured, after: measured });
    await using opened = await visit(path);
    const { page } = opened;
    const marked = page.getByRole('list', { name: 'Marked in the charts' });
    expect(await marked.innerText()).toMatch(/^\d\d:\d\d:\d\d\s+plan changed · slower$/);
    const chart = page.getByRole('img', { name: /^Calls: .* Marked at [\d:]+: plan changed · slower\.$/ });
    await chart.locator('canvas').waitFor();
    // What has just happened is at the end of the chart.
    const plot = chart.locator('.u-over');
    await plot.hover({ position: { x: ((await plot.boundingBox())?.width ?? 0) - 2, y: 40 } });
    await page.locator('.mark-tip').getByText('plan changed · slower').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  test('a plan that is pasted is read: shares, rows that came, findings that lead to their nodes', async () => {
    await using opened = await visit('/queries?view=explain');
    const { page } = opened;
    await page.getByRole('textbox', { name: /A statement, or what EXPLAIN/ }).fill(`
      Sort  (cost=100.00..105.00 rows=5 width=40) (actual time=900.100..950.000 rows=200000 loops=1)
        Sort Key: note
        Sort Method: external merge  Disk: 20480kB
        ->  Seq Scan on notes  (cost=0.00..90.00 rows=5 width=40) (actual time=0.010..400.000 rows=200000 loops=1)
              Filter: (state = 'new'::text)`);
    await page.getByRole('button', { name: 'Read the plan' }).click();
    await page.getByRole('list', { name: 'Findings' }).getByText('The sort went to disk with 20 MB').waitFor();
    await page.getByRole('row', { name: /Seq Scan on notes.*42\.1.*400.*×40.*200/ }).waitFor();
    await page.getByRole('button', { name: 'Seq Scan on notes' }).click();
    await page.locator('.plan-shown').getByText('Seq Scan').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('textbox').fill('SELECT * FROM orders WHERE id + 1 = 7');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('group', { name: 'Rewritten statement' }).getByText('WHERE id = 6').waitFor();
    expect(opened.complaints).toEqual([]);
  });

  test('a statement that nobody knows is an error in words', async () => {
    await using opened = await visit('/queries/999999');
    await opened.page.getByRole('alert').getByText('E_NOT_FOUND').waitFor();
  });

  test('the server page lists collectors and finds settings', async () => {
    await using opened = await visit('/server');
    const { page } = opened;
    await page.getByRole('row', { name: /^statements Collecting/ }).waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('searchbox').fill('shared_buffers');
    const row = page.getByRole('row', { name: /^shared_buffers/ });
    await expect.poll(() => row.innerText()).toMatch(/32\sMiB/);
    await expect.poll(() => page.url()).toContain('search=shared_buffers');
  });
});

describe('the address', () => {
  test('holds sort, filter and range, and the way back works', async () => {
    await using opened = await visit('/queries?from=6h');
    const { page } = opened;
    await page.getByRole('button', { name: 'Last 6 hours' }).waitFor();
    await page.getByRole('button', { name: 'Calls/s' }).click();
    await expect.poll(() => page.url()).toContain('sort=-calls');
    await page.getByRole('columnheader', { name: 'Calls/s' }).and(page.locator('[aria-sort=descending]')).waitFor();
    await page.getByRole('searchbox').fill('FROM orders WHERE');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    await page.locator('tbody a').click();
    await page.getByRole('heading', { level: 1, name: /^Statement/ }).waitFor();
    expect(page.url()).toContain('from=6h');
    expect(page.url()).not.toContain('search=');
    await page.goBack();
    await expect.poll(() => page.getByRole('searchbox').inputValue()).toBe('FROM orders WHERE');
  });

  test('takes the stretch of a chart that was dragged over as its range', async () => {
    await using opened = await visit(Object.values(pages).find((path) => path.startsWith('/queries/')) ?? '');
    const { page } = opened;
    const plot = page.locator('.chart-plot .u-over').first();
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    if (!box) throw new Error('the chart has no size');
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/from=\d{13}&to=\d{13}/);
  });
});

describe('the keyboard', () => {
  test('skips to the content, goes to pages, searches and lists its keys', async () => {
    await using opened = await visit('/');
    const { page } = opened;
    await page.keyboard.press('Tab');
    await expect.poll(() => page.evaluate('document.activeElement.className')).toBe('skip-link');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content');
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.getByRole('heading', { level: 1, name: 'Queries' }).waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.keyboard.press('/');
    await page.keyboard.type('gs?r');
    expect(await page.getByRole('searchbox').inputValue()).toBe('gs?r');
    expect(new URL(page.url()).pathname).toBe('/queries');
    await page.getByRole('heading', { level: 1 }).focus();
    await page.keyboard.press('?');
    const dialog = page.getByRole('dialog', { name: 'Keyboard' });
    await dialog.waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('keys can be turned off, and the theme is remembered', async () => {
    await using opened = await visit('/');
    const { page } = opened;
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: 'Use these keys' }).uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    await page.reload();
    await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
    expect(await page.evaluate('getComputedStyle(document.body).colorScheme')).toBe('dark');
  });
});

test('a chosen theme is there before the first paint, also when everything else is late', async () => {
  await using opened = await openPage(browser, { theme: 'light' });
  const { page } = opened;
  await page.addInitScript("localStorage.setItem('pitcrew.theme', 'dark')");
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.goto(dashboard.url, { waitUntil: 'domcontentloaded' });
  expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
});

describe('phones', () => {
  const phone = { width: 360, height: 740 };

  test('show each session as a card with all that is needed to judge it', async () => {
    await using client = await connected('pocket');
    await client.query('BEGIN; SELECT count(*) FROM orders');
    await using opened = await visit('/sessions?search=pocket', phone);
    const { page } = opened;
    const card = page.getByRole('row', { name: /idle in transaction/ });
    await card.waitFor();
    for (const text of ['SELECT count(*) FROM orders', 'pocket', 'pitcrew@']) {
      await expect.poll(() => card.innerText()).toContain(text);
    }
    const box = await card.getByRole('button', { name: /^Terminate/ }).boundingBox();
    expect((box?.x ?? Infinity) + (box?.width ?? 0)).toBeLessThanOrEqual(phone.width);
    expect(await cutTables(page)).toEqual([]);
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  test('sort tables, too', async () => {
    await using opened = await visit('/tables', phone);
    const { page } = opened;
    await page.getByRole('columnheader', { name: 'Rows' }).getByRole('button').click();
    await expect.poll(() => page.url()).toContain('sort=-liveRows');
    await page.getByRole('rowheader', { name: 'orders' }).waitFor();
  });
});

describe('sessions', () => {
  test('who waits for whom appears by itself, and the one in the way can be ended after a confirmation', async () => {
    await using opened = await visit('/sessions');
    const { page } = opened;
    await using blocker = await connected('forgotten');
    await using waiter = await connected('waiting');
    await blocker.query("BEGIN; UPDATE orders SET status = 'paid' WHERE id = 1");
    const waiting = waiter.query("UPDATE orders SET status = 'sent' WHERE id = 1");
    // Where the test fails before it is awaited, its end is no error of its own.
    waiting.catch(() => {});
    await page.getByText('1 session waits for a lock').waitFor();
    const tree = page.getByRole('region', { name: 'Blocking' });
    expect(await accessibilityProblems(page)).toEqual([]);
    await tree
      .getByRole('button', { name: /^Terminate session/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog', { name: /^Terminate session \d+/ });
    await dialog.getByText('forgotten').waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Keep it');
    await dialog.getByRole('button', { name: 'Terminate the session' }).click();
    await page.getByText(/^Session \d+ was terminated\.$/).waitFor();
    expect((await waiting).rowCount).toBe(1);
    await tree.waitFor({ state: 'detached' });
  });

  test('without the setting the buttons say why they cannot be used', async () => {
    await using passive = await startDashboard({ url: server.url(), uiDir });
    await using opened = await visit('/sessions?own=1', {}, passive.url);
    await opened.page.getByText('the setting actions.sessions enables it').waitFor();
    const reasons = opened.page.getByRole('button', { name: /^Terminate session \d+ \(Switched off/ });
    await expect.poll(() => reasons.count()).toBeGreaterThan(0);
    expect(await reasons.first().isDisabled()).toBe(true);
  });
});

describe('trouble', () => {
  test('a daemon that is away leaves the old figures, marked as stale, and comes back by itself', async () => {
    await using own = await startDashboard({ url: server.url(), uiDir });
    await own.collect();
    await using opened = await visit('/server', {}, own.url);
    const { page } = opened;
    await page.getByText(/^Updated/).waitFor();
    await own.close();
    await page.getByText('daemon cannot be reached').waitFor();
    await page.getByText(/^Stale since/).waitFor();
    await page.getByRole('row', { name: /^activity/ }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await own.reopen();
    await page.getByText('daemon cannot be reached').waitFor({ state: 'detached' });
    await page.getByText(/^Updated/).waitFor();
  });

  test('a database that is away is announced on every page, with what to do', async () => {
    await using lost = await scratchServer();
    await using own = await startDashboard({ url: lost.url(), uiDir });
    await own.collect();
    await using opened = await visit('/', { width: 360, height: 740 }, own.url);
    const { page } = opened;
    await page.getByText('Watching', { exact: true }).waitFor();
    await page.locator('.score-number').waitFor();
    await lost.stop('immediate');
    await page.getByText('The database cannot be reached').waitFor();
    await page.getByText('Unreachable', { exact: true }).waitFor();
    await page.getByRole('img', { name: 'Grade F' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });

  test('a database whose statements cannot be read says why, and what would change that', async () => {
    await using bare = await testDatabase();
    await using own = await startDashboard({ url: bare.url, uiDir });
    await own.collect();
    await using opened = await openPage(browser, { width: 360, height: 740 });
    const { page } = opened;
    for (const path of ['/', '/queries', '/queries?view=patterns']) {
      await page.goto(own.url + path);
      await page.getByText('Statements cannot be read').waitFor();
      await page.getByRole('group', { name: 'What would fix it' }).getByText('CREATE EXTENSION').waitFor();
      expect(await accessibilityProblems(page), path).toEqual([]);
      expect(await overflow(page), path).toBeLessThanOrEqual(0);
    }
  });

  test('a daemon with a token asks for it, and shows the page that was asked for after', async () => {
    const token = 'a-token-for-this-test-only';
    await using own = await startDashboard({ url: server.url(), uiDir, token });
    await using opened = await visit('/tables?sort=-liveRows', {}, own.url);
    const { page } = opened;
    await page.getByRole('heading', { level: 1, name: 'Sign in to Pitcrew' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByLabel('Token').fill('not-the-token-that-is-asked-for');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The token is wrong').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tables' }).waitFor();
    await page.getByRole('columnheader', { name: 'Rows', exact: true }).and(page.locator('[aria-sort]')).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in to Pitcrew' }).waitFor();
  });
});
