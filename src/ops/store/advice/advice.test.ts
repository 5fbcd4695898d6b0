import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshStore, type TestStore } from '../../../../test/support/monitored.ts';
import type { AdviceChange, AdvicePageQuery, ChangeIntent } from './types.ts';

let fresh: TestStore;
let targetId: number;
beforeAll(async () => {
  fresh = await freshStore();
  targetId = await fresh.store.target('shop');
});
afterAll(() => fresh[Symbol.asyncDispose]());

const at = (minutes: number) => new Date(Date.UTC(2026, 2, 1, 12, minutes));

const found = (key: string, change: Partial<AdviceChange & { type: 'new' }> = {}): AdviceChange => ({
  type: 'new',
  key,
  check: 'unused-index',
  kind: 'drop-index',
  severity: 'warning',
  state: 'found',
  finding: { key, title: 'unused \0 index' },
  ...change,
});

test('findings become advice, whose states change one after the other, with who, when and why', async () => {
  const { advice } = fresh.store;
  await advice.save(targetId, [found('a'), found('b', { severity: 'critical' })], { at: at(0), by: 'pitcrew' });
  // Another daemon that finds the same changes nothing.
  await advice.save(targetId, [found('a', { severity: 'info' })], { at: at(1), by: 'other' });
  const [b, a] = await advice.list({ targetId });
  expect([b?.key, a?.key]).toEqual(['b', 'a']);
  expect(a).toMatchObject({
    check: 'unused-index',
    kind: 'drop-index',
    severity: 'warning',
    state: 'found',
    stateSince: at(0),
    firstSeen: at(0),
    lastSeen: at(0),
    finding: { key: 'a', title: 'unused  index' },
    declinedFinding: null,
    measurement: null,
  });
  const id = a?.id ?? 0;
  const dismissal = { targetId, id, to: 'dismissed', by: 'ann', reason: 'needed in May', at: at(2) } as const;
  expect(await advice.change({ ...dismissal, from: ['planned'] })).toBeUndefined();
  const dismissed = await advice.change({ ...dismissal, from: ['found'], declined: true });
  expect(dismissed).toMatchObject({ state: 'dismissed', stateSince: at(2), declinedFinding: { key: 'a' } });
  // A run that began while it was `found` still.
  const late = { type: 'seen', id, state: 'found', kind: '', severity: 'info', finding: { key: 'late' } } as const;
  await advice.save(targetId, [late, { type: 'gone', id, state: 'found', to: 'resolved', reason: '' }], {
    at: at(3),
    by: 'pitcrew',
  });
  expect(await advice.get(targetId, id)).toEqual(dismissed);
  await advice.save(targetId, [{ ...late, state: 'dismissed', to: 'found', reason: 'it grew' }], {
    at: at(4),
    by: 'pitcrew',
  });
  expect(await advice.get(targetId, id)).toMatchObject({ state: 'found', lastSeen: at(4), finding: { key: 'late' } });
  expect(await advice.events(id)).toEqual([
    { at: at(0), from: null, to: 'found', by: 'pitcrew', reason: null },
    { at: at(2), from: 'found', to: 'dismissed', by: 'ann', reason: 'needed in May' },
    { at: at(4), from: 'dismissed', to: 'found', by: 'pitcrew', reason: 'it grew' },
  ]);
  expect(await advice.list({ targetId, states: ['dismissed'] })).toEqual([]);
  expect(await advice.get(targetId + 1, id)).toBeUndefined();
});

test('advice is paged, searched and sorted, and counted by every property apart', async () => {
  await using paged = await freshStore();
  const { store, database } = paged;
  const shop = await store.target('shop');
  const about = (name: string, change: Partial<AdviceChange & { type: 'new' }>, gain: object | null = null) =>
    found(name, {
      finding: { title: `About ${name}`, subject: { kind: 'table', schema: 'public', name }, gain },
      ...change,
    });
  await store.advice.save(
    shop,
    [
      about('orders', { severity: 'critical' }, { msPerHour: 5 }),
      about('order_items', { kind: 'create-index' }, { msPerHour: 70 }),
      about('customers', { kind: 'create-index', check: 'missing-index' }, { bytes: 1000 }),
      about('carts', { state: 'dismissed' }),
    ],
    { at: at(0), by: 'pitcrew' },
  );
  await database.query("UPDATE pitcrew.advice SET state = 'resolved' WHERE key = 'carts'");
  await store.advice.save(await store.target('other'), [about('orders', {})], { at: at(0), by: 'pitcrew' });
  const asked = { targetId: shop, orderBy: 'severity', descending: true, limit: 2, offset: 0 } as const;
  const keys = async (change: Partial<AdvicePageQuery>) =>
    (await store.advice.page({ ...asked, ...change })).advice.map(({ key }) => key);

  expect(await keys({})).toEqual(['orders', 'order_items']);
  expect(await keys({ offset: 2 })).toEqual(['customers']);
  expect(await keys({ orderBy: 'gain', limit: 9 })).toEqual(['order_items', 'orders', 'customers']);
  expect(await keys({ orderBy: 'gain', descending: false, limit: 9 })).toEqual(['orders', 'order_items', 'customers']);
  expect(await keys({ search: 'PUBLIC.order_' })).toEqual(['order_items']);
  expect(await keys({ states: ['resolved'] })).toEqual(['carts']);
  expect(await store.advice.page({ ...asked, search: 'order', severity: 'warning' })).toMatchObject({
    count: 1,
    counts: { found: 3, resolved: 1 },
    facets: {
      states: { found: 1 },
      severities: { critical: 1, warning: 1 },
      kinds: { 'create-index': 1 },
      checks: { 'unused-index': 1 },
    },
  });
  const tables = [{ schema: 'public', name: 'orders' }];
  expect(await store.advice.list({ targetId: shop, tables })).toMatchObject([{ key: 'orders' }]);
  expect(await store.advice.list({ targetId: shop, kinds: ['create-index'] })).toHaveLength(2);
  expect(await store.advice.known(shop)).toHaveLength(4);
});

test('of two who want to apply the same advice, one does', async () => {
  const { advice } = fresh.store;
  await advice.save(targetId, [found('contended')], { at: at(0), by: 'pitcrew' });
  const id = (await advice.list({ targetId })).find(({ key }) => key === 'contended')?.id ?? 0;
  const take = (by: string) =>
    advice.change({ targetId, id, from: ['found'], to: 'applying', by, at: at(1), applyBeganAt: at(1) });
  const taken = await Promise.all(['one', 'two', 'three'].map(take));
  expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
  await advice.setProgress(id, { phase: 'building index' });
  await advice.setMeasurement(id, { verdict: 'unknown' });
  expect(await advice.get(targetId, id)).toMatchObject({
    applyBeganAt: at(1),
    progress: { phase: 'building index' },
    measurement: { verdict: 'unknown' },
  });
  const ended = await advice.change({ targetId, id, from: ['applying'], to: 'failed', by: 'pitcrew', at: at(2) });
  expect(ended?.progress).toBeNull();
});

test('the log of changes is written before a statement runs, and stays open until its outcome is known', async () => {
  const { advice } = fresh.store;
  const intent: ChangeIntent = {
    targetId,
    adviceId: 7,
    subject: 'missing-index:public.orders',
    purpose: 'apply',
    position: 0,
    statement: 'CREATE INDEX CONCURRENTLY orders_note_idx ON public.orders (note)',
    askedBy: 'ann',
    at: at(0),
    serverPid: 4711,
    sessionBegan: at(0),
    before: { exists: false },
  };
  const first = await advice.beginChange(intent);
  const second = await advice.beginChange({ ...intent, adviceId: null, purpose: 'maintenance', at: at(1) });
  expect(await advice.changes({ targetId, open: true, limit: 10 })).toMatchObject([
    { id: second, adviceId: null, purpose: 'maintenance', outcome: 'unknown', endedAt: null },
    { id: first, adviceId: 7, statement: intent.statement, before: { exists: false }, sessionBegan: at(0) },
  ]);
  await advice.endChange(first, { outcome: 'failed', at: at(2), durationMs: 120_000, error: 'no', sqlState: '55P03' });
  // What is written down is not changed any more.
  await advice.endChange(first, { outcome: 'done', at: at(3), durationMs: 1 });
  expect(await advice.changes({ targetId, adviceId: 7, limit: 10 })).toMatchObject([
    { outcome: 'failed', endedAt: at(2), durationMs: 120_000, error: 'no', sqlState: '55P03' },
  ]);
  expect(await advice.changes({ targetId, before: second, limit: 10 })).toHaveLength(1);
  expect(await advice.changes({ targetId, since: at(1), limit: 10 })).toHaveLength(1);
});

test('the last runs are remembered by kind', async () => {
  const { advice } = fresh.store;
  const begin = (minutes: number) => advice.beginRun({ targetId, kind: 'checks', askedBy: 'pitcrew', at: at(minutes) });
  await advice.endRun(await begin(0), { at: at(1), report: { found: 3 } });
  await advice.endRun(await begin(2), { at: at(3), error: 'away' });
  expect(await advice.lastRun({ targetId, kind: 'checks', finished: true })).toMatchObject({ report: { found: 3 } });
  expect(await advice.lastRun({ targetId, kind: 'checks', finished: false })).toMatchObject({ error: 'away' });
  expect(await advice.lastRun({ targetId, kind: 'indexes', finished: false })).toBeUndefined();
  for (let minutes = 4; minutes < 60; minutes++) await begin(minutes);
  const [count] = await fresh.database.query('SELECT count(*)::int AS runs FROM pitcrew.advice_run');
  expect(count).toEqual({ runs: 50 });
});
