import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parsePrometheusText } from '../../test/support/prometheus-text.ts';
import { applicationReport, reportedCache, reportedTier } from '../../test/support/reports.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { ingestAnswer } from './api/applications.ts';
import { cacheCommand, cacheStats } from './api/caches.ts';
import { problem } from './api/common.ts';
import type { createApp } from './app.ts';

let shop: WatchedShop;
/** With the setting that lets caches be cleared. */
let open: ReturnType<typeof createApp>;

const base = '/api/v1/database';
let sequence = 0;

/** A report of a process; gives what it is to do. */
async function report(instance: string, change: Partial<ReturnType<typeof applicationReport>>, to = new Date()) {
  sequence += 1;
  const body = JSON.stringify(applicationReport({ instance, sequence, ...change }, to));
  const response = await shop.app.request(`${base}/ingest`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  expect(response.status).toBe(202);
  const answer = ingestAnswer.parse(await response.json());
  expect(answer.stored).toBe(true);
  return answer.commands;
}

const queries = reportedCache('results', {
  kind: 'queries',
  bypasses: { 'in a transaction': 4 },
  stream: { truth: 'stream', state: 'streaming', reason: null, lagMs: 12, leader: true },
});

beforeAll(async () => {
  shop = await watchShop();
  open = shop.appWith({ config: { ...shop.config, actions: { ...shop.config.actions, cache: true } } });
  const catalogue = reportedCache('catalogue', { warmers: ['bestsellers'] });
  const from = new Date(Date.now() - 30_000);
  await report('a', { caches: [catalogue, queries] }, from);
  await report('a', { caches: [catalogue, queries] });
  await report('b', {
    caches: [
      { ...catalogue, tiers: [reportedTier('memory', { bytes: 1000 }), reportedTier('redis', { isAway: true })] },
    ],
  });
  await report('w', { application: 'worker', caches: [reportedCache('sessions')] });
});
afterAll(() => shop.close());

async function ask(path: string, body?: unknown, app = open) {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await app.request(`${base}/cache/${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : json),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

async function refused(path: string, body?: unknown, app = open) {
  const answer = await ask(path, body, app);
  return { ...problem.parse(answer.body), status: answer.status };
}

async function asked(path: string, body?: unknown) {
  const answer = await ask(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return cacheCommand.parse(answer.body);
}

const progress = async (id: string) => shop.get(cacheCommand, `${base}/cache/commands/${id}`);

describe('cache/stats', () => {
  test('gives every cache with what it counted in the range, and how it stands in its live processes', async () => {
    const { caches, course, step, actionsEnabled } = await shop.get(cacheStats, `${base}/cache/stats`);
    expect({ course, step, actionsEnabled }).toEqual({ course: null, step: null, actionsEnabled: false });
    expect(caches.map(({ application, name, kind }) => [application, name, kind])).toEqual([
      ['shop', 'catalogue', 'values'],
      ['shop', 'results', 'queries'],
      ['worker', 'sessions', 'values'],
    ]);
    const [catalogue, results] = caches;
    // Two reports of one process, one of another, whose tiers gave nothing.
    expect(catalogue).toMatchObject({
      processes: 2,
      hits: 180,
      staleHits: 6,
      misses: 24,
      requests: 210,
      hitRatio: 186 / 210,
      loads: 24,
      loadErrors: 3,
      meanLoadMs: 5,
      warmers: ['bestsellers'],
      invalidations: [{ name: 'tag', count: 9 }],
      refused: [{ name: 'invalidated', count: 3 }],
      bypasses: [],
      groups: [{ name: 'orders', hits: 210, misses: 15, hitRatio: 210 / 225 }],
      streams: [],
      tiers: [
        { name: 'memory', hits: 160, share: 160 / 210, entries: 200, bytes: 51_000, away: 0 },
        { name: 'redis', hits: 20, hitRatio: 20 / 50, meanMs: 0.2, entries: 100, bytes: 50_000, away: 1 },
      ],
    });
    expect(results).toMatchObject({
      bypasses: [{ name: 'in a transaction', count: 8 }],
      streams: [{ instance: 'a', truth: 'stream', lagMs: 12, leader: true }],
    });
  });

  test('gives the course of one cache', async () => {
    const path = `${base}/cache/stats?application=shop&cache=results&from=5m&step=10s`;
    const { caches, course, step } = await shop.get(cacheStats, path);
    expect(caches.map(({ name }) => name)).toEqual(['results']);
    expect(step).toBe(10);
    const sum = (column: readonly (number | null)[]): number =>
      10 * column.reduce<number>((all, one) => all + (one ?? 0), 0);
    if (!course) throw new Error('there is no course');
    expect(sum(course.requestsPerSecond)).toBeCloseTo(200);
    expect(course.hitRatio.filter((ratio) => ratio !== null)).toEqual([0.92, 0.92]);
    expect(course.tiers.map(({ name, hitsPerSecond }) => [name, sum(hitsPerSecond)])).toEqual([
      ['memory', 160],
      ['redis', 20],
    ]);
    expect(course.tiers[0]?.bytes.filter((bytes) => bytes !== null)).toContain(50_000);
    expect(course.lagMs.filter((lag) => lag !== null)).toContain(12);
    expect(course.bypasses.map(({ name, perSecond }) => [name, sum(perSecond)])).toEqual([['in a transaction', 8]]);
  });

  test('narrows to an application or a name, and says which there are when there is none', async () => {
    const names = async (query: string) =>
      (await shop.get(cacheStats, `${base}/cache/stats?${query}`)).caches.map(({ name }) => name);
    expect(await names('application=worker')).toEqual(['sessions']);
    expect(await names('cache=catalogue')).toEqual(['catalogue']);
    const response = await shop.app.request(`${base}/cache/stats?application=worker&cache=catalogue`);
    expect(response.status).toBe(404);
    expect(problem.parse(await response.json())).toMatchObject({
      code: 'E_NOT_FOUND',
      detail: 'worker/catalogue was not reported in this range for "shop".',
      hint: 'Reported: shop/catalogue, shop/results, worker/sessions.',
    });
  });
});

test('is on /metrics, by application, cache and tier', async () => {
  const scraped = parsePrometheusText(await (await shop.app.request('/metrics')).text());
  const value = (name: string, labels: object) =>
    scraped.find(
      (series) =>
        series.name === name && Object.entries(labels).every(([label, text]) => series.labels[label] === text),
    )?.value;
  const catalogue = { target: 'shop', application: 'shop', cache: 'catalogue' };
  expect(value('pitcrew_cache_hits_total', { ...catalogue, tier: 'memory' })).toBe(160);
  expect(value('pitcrew_cache_hits_total', { ...catalogue, tier: 'redis' })).toBe(20);
  expect(value('pitcrew_cache_misses_total', catalogue)).toBe(24);
  expect(value('pitcrew_cache_load_seconds_total', catalogue)).toBeCloseTo(0.12);
  expect(value('pitcrew_cache_invalidations_total', { ...catalogue, cause: 'tag' })).toBe(9);
  expect(value('pitcrew_cache_refused_total', { ...catalogue, reason: 'invalidated' })).toBe(3);
  expect(value('pitcrew_cache_bytes', { ...catalogue, tier: 'memory' })).toBe(51_000);
  expect(value('pitcrew_cache_tier_away', { ...catalogue, tier: 'redis' })).toBe(1);
  expect(value('pitcrew_cache_stream_lag_seconds', { ...catalogue, cache: 'results' })).toBe(0.012);
});

describe('clear, invalidate and warm', () => {
  test('are done by each process that they concern, and it is told how far they are', async () => {
    const body = { application: 'shop', cache: 'catalogue', tags: ['orders'], keys: ['a'] };
    const command = await asked('invalidate', body);
    expect(command).toMatchObject({ action: 'invalidate', finished: false, done: 0, failed: 0, waiting: 2, silent: 0 });
    const { id } = command;
    expect(await report('w', { application: 'worker', caches: [reportedCache('sessions')] })).toEqual([]);
    const caches = [reportedCache('catalogue')];
    expect(await report('a', { caches })).toEqual([
      { id, cache: 'catalogue', action: 'invalidate', tags: ['orders'], keys: ['a'] },
    ]);
    const result = { id, cache: 'catalogue', ok: true, error: null, detail: 'done' };
    expect(await report('a', { caches, commandResults: [result] })).toEqual([]);
    expect(await progress(id)).toMatchObject({ finished: false, done: 1, waiting: 1 });
    const failure = { ...result, ok: false, error: 'redis is away', detail: null };
    await report('b', { caches, commandResults: [failure] });
    expect(await progress(id)).toMatchObject({
      finished: true,
      done: 1,
      failed: 1,
      waiting: 0,
      processes: [
        { instance: 'b', state: 'failed', error: 'redis is away' },
        { instance: 'a', state: 'done', detail: 'done' },
      ],
    });
  });

  test('concern all caches where nothing is said of which, with or without a body', async () => {
    for (const body of [undefined, {}]) {
      const { waiting, application, cache } = await asked('clear', body);
      expect({ waiting, application, cache }).toEqual({ waiting: 4, application: null, cache: null });
    }
    expect(await asked('invalidate', { tables: ['orders'] })).toMatchObject({
      waiting: 1,
      processes: [{ cache: 'results', instance: 'a' }],
    });
  });

  test('are refused while the setting does not allow them', async () => {
    for (const [path, body] of [
      ['clear'],
      ['invalidate', { keys: ['a'] }],
      ['warm', { warmer: 'bestsellers' }],
    ] as const) {
      expect(await refused(path, body, shop.app)).toMatchObject({
        status: 403,
        code: 'E_FORBIDDEN',
        detail: 'The setting actions.cache is false.',
      });
    }
  });

  test('are refused where nobody would do them, with what there is', async () => {
    expect(await refused('clear', { cache: 'catalog' })).toMatchObject({
      status: 404,
      title: 'no live process reports such a cache',
      hint: 'Reported now: shop/catalogue, shop/results, worker/sessions.',
    });
    expect(await refused('invalidate', { application: 'worker', tables: ['orders'] })).toMatchObject({
      status: 400,
      title: 'no cache that fits knows tables',
    });
    expect(await refused('warm', { warmer: 'x' })).toMatchObject({
      status: 404,
      title: 'no live process has a warmer called "x"',
    });
    const response = await shop.app.request(`${base}/cache/commands/00000000-0000-4000-8000-000000000000`);
    expect(response.status).toBe(404);
  });

  test.each([
    ['invalidate', { cache: 'catalogue' }, 'at least one of keys, tags, patterns and tables'],
    ['invalidate', { keys: [] }, 'at least one of keys, tags, patterns and tables'],
    ['invalidate', { keys: ['a\u0000b'] }, 'keys.0: a text without NUL characters is allowed'],
    ['invalidate', { keys: ['\ud800'] }, 'keys.0: a text without halves of surrogate pairs is allowed'],
    ['invalidate', { keys: [''] }, 'keys.0: at least 1 characters is allowed'],
    ['invalidate', { keys: 'a' }, 'keys: an array is allowed'],
    ['invalidate', { tag: ['a'] }, 'unknown parameter "tag"'],
    ['clear', { keys: ['a'] }, 'unknown parameter "keys"'],
    ['warm', {}, 'warmer: one text is allowed'],
  ])('%s with %j is refused with what would be right', async (path, body, detail) => {
    const answer = await refused(path, body);
    expect(answer).toMatchObject({ status: 400, code: 'E_BAD_REQUEST' });
    expect(answer.detail).toContain(detail);
  });
});
