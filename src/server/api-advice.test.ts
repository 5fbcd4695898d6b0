import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingFor, quickConfig, quickPatience, silent } from '../../test/support/advice-life.ts';
import { testFolder } from '../../test/support/folder.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { type Advisor, type AdvisorOptions, createAdvisor, createIndexAdviser } from '../ops/advisor/index.ts';
import { adviceAudit, adviceDetail, adviceList, adviceSummary, advisorStatus, preflight } from './api/advice.ts';
import { problem } from './api/common.ts';
import { indexAnalysis, optimizeAnswer } from './api/indexes.ts';
import type { createApp } from './app.ts';

let shop: WatchedShop;
let advisor: Advisor;
/** With the setting that lets advice be applied. */
let open: ReturnType<typeof createApp>;
let closed: ReturnType<typeof createApp>;

const base = '/api/v1/database';
const fix = 'CREATE INDEX CONCURRENTLY "orders_customer" ON "public"."orders" ("customer")';
const patient = { timeout: 30_000, interval: 50 };

beforeAll(async () => {
  shop = await watchShop();
  advisor = advisorWith();
  const actions = { ...shop.config.actions, advice: true };
  open = shop.appWith({ advisors: [advisor], config: { ...shop.config, actions } });
  closed = shop.appWith({ advisors: [advisor] });
  const missing = findingFor('missing-index:public.orders(customer)', {
    kind: 'create-index',
    fix: [fix],
    undo: ['DROP INDEX CONCURRENTLY "public"."orders_customer"'],
  });
  const manual = findingFor('manual', { kind: 'manual', fix: [], undo: [], appliable: false });
  const targetId = await advisor.targetId();
  await shop.store.advice.save(
    targetId,
    [missing, { ...manual, severity: 'critical' as const }].map((finding) => ({
      type: 'new' as const,
      key: finding.key,
      check: finding.check,
      severity: finding.severity,
      kind: finding.remedy?.kind ?? '',
      state: 'found' as const,
      finding,
    })),
    { at: new Date(), by: 'test' },
  );
});
afterAll(async () => {
  await advisor.stop();
  await shop.close();
});

function advisorWith(options: Partial<AdvisorOptions> = {}): Advisor {
  return createAdvisor({
    name: 'shop',
    url: shop.watched.url,
    store: shop.store,
    config: quickConfig,
    logger: silent,
    patience: quickPatience,
    tickMs: 50,
    ...options,
  });
}

async function ask(path: string, { body, app = open }: { body?: object; app?: typeof open } = {}) {
  const response = await app.request(
    `${base}${path}`,
    body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
  );
  return { status: response.status, body: (await response.json()) as unknown };
}

async function list(query = '') {
  const { status, body } = await ask(`/advice${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return adviceList.parse(body);
}

async function idOf(check: string): Promise<number> {
  const { advice } = await list();
  return advice.find(({ title }) => title.endsWith(check))?.id ?? 0;
}

test('advice is listed, the gravest first, and filtered', async () => {
  const all = await list();
  expect(all).toMatchObject({ database: 'shop', actionsEnabled: true, counts: { found: 2 } });
  expect(all.advice.map(({ severity, actions }) => [severity, actions])).toEqual([
    ['critical', ['dismiss']],
    ['warning', ['apply', 'dismiss']],
  ]);
  expect((await list('?kind=create-index')).advice).toHaveLength(1);
  expect((await list('?state=kept,undone')).advice).toEqual([]);
  expect((await list('?severity=critical&check=made-up')).advice).toHaveLength(1);
  expect(await list('?limit=1&offset=1&sort=severity&order=asc')).toMatchObject({
    count: 2,
    facets: { states: { found: 2 }, severities: { critical: 1, warning: 1 } },
    advice: [{ severity: 'critical' }],
  });
  expect(await list('?search=nowhere')).toMatchObject({ count: 0, counts: { found: 2 }, facets: { states: {} } });
  const wrong = await ask('/advice?state=lost');
  expect(problem.parse(wrong.body)).toMatchObject({ status: 400, detail: expect.stringContaining('found, planned') });
});

test('checks are run on request, and their findings become advice with what they could not tell', async () => {
  await shop.watched.query('CREATE INDEX orders_again ON orders (id)');
  await shop.watched.query('CREATE INDEX orders_once_more ON orders (id)');
  const begun = await ask('/advice/run', { body: {} });
  expect(begun.status).toBe(202);
  expect(advisorStatus.parse(begun.body)).toMatchObject({ running: { kind: 'checks' } });
  await advisor.idle();
  const after = await list();
  expect(after.advisor).toMatchObject({ running: null, lastChecks: { error: null, askedBy: 'unknown' } });
  expect(after.advice.filter(({ kind, subject }) => kind === 'drop-index' && subject.table === 'orders')).not.toEqual(
    [],
  );
  expect(after.untold.map(({ check }) => check)).toContain('unused-index');
  const refused = await ask('/advice/run', { body: { kind: 'everything' } });
  expect(refused.status).toBe(400);
});

test('indexes are shown by table, with what is wrong and what is advised', async () => {
  const { status, body } = await ask('/indexes/analysis?search=ORDERS');
  expect(status, JSON.stringify(body)).toBe(200);
  const analysis = indexAnalysis.parse(body);
  expect(analysis).toMatchObject({ count: 1, choice: null });
  const [table] = analysis.tables;
  expect(table?.indexes[0]).toMatchObject({ name: 'orders_pkey', primary: true, unique: true, problems: [] });
  const problems = table?.indexes.flatMap((index) => index.problems.map(({ kind }) => kind));
  expect(problems).toContain('drop-index');
  expect(table?.advised).toMatchObject([{ statements: [fix], state: 'found' }]);
});

test('nothing is changed unless the settings allow it', async () => {
  const id = await idOf('customer)');
  for (const path of [`/advice/${id}/apply`, `/advice/${id}/undo`, `/advice/${id}/dismiss`, `/advice/${id}/reopen`]) {
    const { status, body } = await ask(path, { body: {}, app: closed });
    expect(problem.parse(body), path).toMatchObject({ code: 'E_FORBIDDEN', hint: expect.stringContaining('ADVICE') });
    expect(status).toBe(403);
  }
  expect((await ask('/indexes/optimize', { body: { apply: true }, app: closed })).status).toBe(403);
  const without = await ask('/advice', { app: shop.appWith({}) });
  expect(problem.parse(without.body)).toMatchObject({ status: 422, code: 'E_UNSUPPORTED' });
});

test('advice is applied, followed and undone, and all of it is in the log', async () => {
  const id = await idOf('customer)');
  const before = await ask(`/advice/${id}/preflight?purpose=apply`);
  expect(preflight.parse(before.body)).toMatchObject({ refusals: [], doubts: [], statements: [fix] });
  const seen: string[] = [];
  const off = advisor.onEvent((event) => event.type === 'advice' && seen.push(event.state));
  const begun = await ask(`/advice/${id}/apply`, { body: { reason: 'too slow' } });
  expect(begun.status, JSON.stringify(begun.body)).toBe(202);
  expect(adviceSummary.parse(begun.body)).toMatchObject({ id, state: 'applying', actions: [] });
  const detail = async () => adviceDetail.parse((await ask(`/advice/${id}`)).body);
  await expect.poll(async () => (await detail()).state, patient).toBe('measuring');
  off();
  expect(seen).toEqual(expect.arrayContaining(['applying', 'applied', 'measuring']));
  const again = await ask(`/advice/${id}/apply`, { body: {} });
  expect(problem.parse(again.body)).toMatchObject({ status: 409, code: 'E_CONFLICT' });
  expect((await ask(`/advice/${id}/undo`, { body: { reason: 'only a try' } })).status).toBe(202);
  await expect.poll(async () => (await detail()).state, patient).toBe('undone');
  expect(await detail()).toMatchObject({
    explanation: 'Because of a test.',
    remedy: { fix: [fix], needsBytes: null },
    history: expect.arrayContaining([expect.objectContaining({ to: 'applying', reason: 'too slow' })]),
    changes: [
      { purpose: 'undo', outcome: 'done' },
      { purpose: 'apply', outcome: 'done', statement: fix },
    ],
  });
  const audit = adviceAudit.parse((await ask('/advice/audit?limit=1')).body);
  expect(audit.changes).toMatchObject([{ purpose: 'undo', adviceId: id }]);
  const older = adviceAudit.parse((await ask(`/advice/audit?before=${audit.changes[0]?.id}`)).body);
  expect(older.changes).toMatchObject([{ purpose: 'apply' }]);
});

test('advice is dismissed and taken up again', async () => {
  const id = await idOf('manual');
  const dismissed = await ask(`/advice/${id}/dismiss`, { body: { reason: 'we live with it' } });
  expect(adviceSummary.parse(dismissed.body)).toMatchObject({ state: 'dismissed', actions: ['reopen'] });
  expect(adviceSummary.parse((await ask(`/advice/${id}/reopen`, { body: {} })).body)).toMatchObject({ state: 'found' });
  expect((await ask('/advice/999999/dismiss', { body: {} })).status).toBe(404);
  expect((await ask('/advice/999999')).status).toBe(404);
});

test('asking for a choice of indexes says when there can be none, and applying without one is refused', async () => {
  for (const path of ['/indexes/optimize', '/advice/run']) {
    const { status, body } = await ask(path, { body: path.endsWith('run') ? { kind: 'indexes' } : {} });
    expect(status).toBe(422);
    expect(problem.parse(body), path).toMatchObject({
      code: 'E_UNSUPPORTED',
      title: expect.stringContaining('cannot be chosen'),
    });
  }
  expect((await list()).advisor).toMatchObject({ running: null, lastIndexes: null, failure: null });

  const chooser = advisorWith({ indexAdviser: createIndexAdviser({ backend: 'twin', dataDir: testFolder() }) });
  const app = shop.appWith({ advisors: [chooser] });
  const begun = await ask('/indexes/optimize', { body: { budgetBytes: 1000 }, app });
  expect(begun.status).toBe(202);
  const { applying, advisor: status } = optimizeAnswer.parse(begun.body);
  expect({ applying, running: status.running }).toMatchObject({ applying: [], running: { kind: 'indexes' } });
  await chooser.idle();
  const ended = adviceList.parse((await ask('/advice', { app })).body).advisor;
  expect(ended.lastIndexes?.beganAt).toBe(status.running?.since);
  expect(ended.failure?.message ?? null).toBe(ended.lastIndexes?.error);
  await chooser.stop();
  const nothing = await ask('/indexes/optimize', { body: { apply: true } });
  expect(problem.parse(nothing.body)).toMatchObject({ code: 'E_CONFLICT' });
});
