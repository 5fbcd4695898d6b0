import { z } from '@hono/zod-openapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingFor } from '../../test/support/advice-life.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { PlanKeeper } from '../ops/advisor/index.ts';
import { appliedAdvice } from './api/advice.ts';
import { queryPlans } from './api/plans.ts';
import { analyzeAnswer, queryDetail } from './api/queries.ts';
import { tables } from './api/relations.ts';

let shop: WatchedShop;

beforeAll(async () => {
  shop = await watchShop();
});

afterAll(() => shop.close());

async function analyze(body: object) {
  const response = await shop.post('/api/v1/database/queries/analyze', body);
  expect(response.status).toBe(200);
  return analyzeAnswer.parse(await response.json());
}

/** Applies and undoes advice about orders, about another table, and about one more that was planned for a statement. */
async function applyAdvice(queryId: string): Promise<void> {
  const { advice } = shop.store;
  const { targetId } = shop.monitor;
  const about = (name: string) => ({
    ...findingFor(name, { kind: 'create-index', fix: [], undo: [] }),
    subject: { kind: 'table' as const, schema: 'public', name },
  });
  const affected = [{ id: queryId, text: '', callsPerHour: 1, costBefore: 2, costAfter: 1 }];
  const findings = [about('orders'), about('elsewhere'), { ...about('planned'), affected }];
  await advice.save(
    targetId,
    findings.map((finding) => {
      const { key, check, severity } = finding;
      return { type: 'new', key, check, severity, kind: 'create-index', state: 'found', finding } as const;
    }),
    { at: new Date(), by: 'test' },
  );
  for (const { id } of await advice.list({ targetId })) {
    const change = { targetId, id, by: 'test', at: new Date() };
    await advice.change({ ...change, from: ['found'], to: 'applied', appliedAt: change.at });
    await advice.change({ ...change, from: ['applied'], to: 'undone' });
  }
}

test('a statement is planned, its nodes have their shares, and it is rewritten with what the catalog knows', async () => {
  const answer = await analyze({ query: 'SELECT * FROM orders WHERE customer + 1 = 7 AND id::text = $$5$$' });
  expect(answer).toMatchObject({
    executed: false,
    generic: false,
    nodes: [{ id: 0, rows: null, loops: null, ownMs: null }],
  });
  expect(answer.nodes.every(({ share }) => share !== null && share >= 0 && share <= 1)).toBe(true);
  expect(answer.rewrites).toContainEqual(
    expect.objectContaining({
      rule: 'column-arithmetic',
      rewritten: 'SELECT * FROM orders WHERE customer = 6 AND id::text = $$5$$',
      provided: null,
    }),
  );
  expect(answer.rewrites).toContainEqual(
    expect.objectContaining({
      rule: 'select-star',
      rewritten: expect.stringMatching(/^SELECT id, customer, note FROM orders/),
    }),
  );
});

test('a plan that is given is read, and the database not asked', async () => {
  const text = [
    'Seq Scan on elsewhere  (cost=0.00..900.00 rows=2 width=4) (actual time=0.1..90.0 rows=20000 loops=1)',
    '  Filter: (a = 1)',
    '  Rows Removed by Filter: 980000',
    'Execution Time: 91.0 ms',
  ].join('\n');
  expect(await analyze({ plan: text })).toMatchObject({
    query: null,
    executed: true,
    totalCost: 900,
    nodes: [{ id: 0, ownMs: 90, share: 1, rows: 20_000, loops: 1, misestimate: { factor: 10_000, more: true } }],
    findings: [{ rule: 'filtered-scan', nodeId: 0 }, { rule: 'misestimate' }],
    rewrites: [],
  });
  for (const [body, status] of [
    [{ plan: 'no plan' }, 400],
    [{ plan: '- Plan:\n    Node Type: "Seq Scan"' }, 422],
    [{ plan: text, query: 'SELECT 1' }, 400],
    [{}, 400],
  ] as const) {
    const response = await shop.post('/api/v1/database/queries/analyze', body);
    expect(response.status, JSON.stringify(body)).toBe(status);
  }
});

test('plans that were kept are told with their statement', async () => {
  const { monitor, store } = shop;
  const keeper = new PlanKeeper({ monitor, store, logger: { debug() {}, info() {}, warn() {} } });
  await keeper.runNow();
  await keeper.stop();
  const { targetId } = monitor;
  const [statement] = (
    await store.history.statements({
      targetId,
      from: new Date(Date.now() - 600_000),
      to: new Date(),
      orderBy: 'totalExecUs',
      search: 'customer = $1',
      limit: 1,
    })
  ).statements;
  const id = statement?.id ?? 0;
  const before = await shop.get(queryDetail, `/api/v1/database/queries/${id}`);
  expect(before).toMatchObject({ plans: [{ current: true, generic: true }], planChanges: [], slowerSince: null });
  expect(before.plans[0]?.outline.map(({ label }) => label)).toEqual(['Aggregate', 'Seq Scan on orders']);

  const at = new Date();
  const change = await store.keepPlan({
    targetId,
    statementId: id,
    shape: 'another',
    plan: { Plan: { 'Node Type': 'Index Scan', 'Relation Name': 'orders', 'Total Cost': 3 } },
    generic: true,
    totalCost: 3,
    at,
  });
  await store.judgePlanChange({
    id: change?.id ?? 0,
    verdict: 'slower',
    before: { calls: 30, meanUs: 1000 },
    after: { calls: 40, meanUs: 20_000 },
  });
  const after = await shop.get(queryDetail, `/api/v1/database/queries/${id}`);
  expect(after).toMatchObject({
    slowerSince: at.toISOString(),
    plans: [{ shape: 'another', current: true }, { current: false }],
    planChanges: [
      { to: 'another', verdict: 'slower', before: { calls: 30, meanMs: 1 }, after: { calls: 40, meanMs: 20 } },
    ],
  });
  expect(after.planChanges[0]?.sentence).toMatch(
    /^slower since its plan changed at .* UTC: 1\.00 ms before, 20\.0 ms after$/,
  );
  expect(after.appliedAdvice).toEqual([]);
  await applyAdvice(after.statement.queryId);
  const told = async (path: string) =>
    (await shop.get(z.object({ appliedAdvice }), path)).appliedAdvice.map(({ what, title }) => `${what}: ${title}`);
  const ofOrders = ['undone', 'applied'].map((what) => `${what}: Something is to be done about orders`);
  const ofPlanned = ['undone', 'applied'].map((what) => `${what}: Something is to be done about planned`);
  expect((await told(`/api/v1/database/queries/${id}`)).toSorted()).toEqual([...ofOrders, ...ofPlanned].toSorted());
  expect(await told(`/api/v1/database/queries/${id}?from=2h&to=1h`)).toEqual([]);
  const [orders] = (await shop.get(tables, '/api/v1/database/tables?search=public.orders')).tables;
  expect(await told(`/api/v1/database/tables/${orders?.id}`)).toEqual(ofOrders);
  const whole = await shop.get(queryPlans, `/api/v1/database/queries/${id}/plans`);
  expect(whole.plans).toMatchObject([
    { nodes: [{ id: 0, share: 1 }] },
    { nodes: [{ id: 0 }, { id: 1 }], findings: [] },
  ]);
  expect((await shop.app.request('/api/v1/database/queries/999999/plans')).status).toBe(404);
});
