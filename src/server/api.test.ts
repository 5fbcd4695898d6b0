import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import * as performance from './api/performance.ts';
import * as queries from './api/queries.ts';

let shop: WatchedShop;
beforeAll(async () => {
  shop = await watchShop();
});
afterAll(() => shop.close());

const base = '/api/v1/database';
const ours = () => `databaseName=${shop.watched.name}`;

async function orderStatement() {
  const { statements } = await shop.get(
    queries.queryAnalysis,
    `${base}/queries/analysis?${ours()}&search=CUSTOMER%20%3D%20%241`,
  );
  const [statement] = statements;
  if (!statement) throw new Error('the statement was not recorded');
  return statement;
}

describe('performance', () => {
  test('health has score, grade and checks', async () => {
    const health = await shop.get(performance.health, `${base}/performance/health`);
    expect(health).toMatchObject({ database: 'shop', score: expect.any(Number) as number });
    expect(health.checks.map(({ id }) => id)).toContain('connections');
  });

  test('the dashboard shows figures, waits and top statements', async () => {
    const dashboard = await shop.get(performance.dashboard, `${base}/performance/dashboard`);
    expect(dashboard.notices).toEqual([]);
    expect(dashboard.verdicts.length).toBeGreaterThan(0);
    expect(dashboard.figures.map(({ id }) => id)).toEqual([
      'statements',
      'mean-time',
      'slow-share',
      'transactions',
      'rollback-share',
      'connections',
      'buffer-hits',
      'database-size',
      'wal',
      'temp-files',
      'replication-lag',
      'own-cost',
    ]);
    const connections = dashboard.figures.find(({ id }) => id === 'connections');
    expect(connections).toMatchObject({ limit: 120, status: 'ok' });
    expect(connections?.value).toBeGreaterThan(0);
    const size = dashboard.figures.find(({ id }) => id === 'database-size');
    const sizes = (size?.spark ?? []).flatMap(([, value]) => value ?? []);
    expect(sizes.length).toBeGreaterThanOrEqual(1);
    // Of the watched database alone, not of all on its server.
    for (const each of [...sizes, size?.value]) expect(each).toBeLessThan(20_000_000);
    expect(dashboard.statements.length).toBeGreaterThan(0);
    expect(dashboard.statements.length).toBeLessThanOrEqual(10);
  });

  test('after a start, charts show what there is instead of an empty hour', async () => {
    const { from, to, step, activity } = await shop.get(performance.dashboard, `${base}/performance/dashboard`);
    expect(step).toBe(10);
    expect(Date.parse(to) - Date.parse(from)).toBeLessThan(6 * 60_000);
    expect(activity.waits.at.length).toBeGreaterThanOrEqual(30);
    const { statements } = await shop.get(queries.queryAnalysis, `${base}/queries/analysis`);
    expect(statements[0]?.spark.length).toBeGreaterThanOrEqual(30);
    const asked = Date.now() - 60_000;
    const short = await shop.get(performance.dashboard, `${base}/performance/dashboard?from=${asked}`);
    expect(Date.parse(short.from)).toBeLessThanOrEqual(asked);
  });

  test('statements can be filtered by every user and database, whatever is listed', async () => {
    const { facets } = await shop.get(queries.queryAnalysis, `${base}/queries/analysis?limit=1&search=nothing-like-it`);
    const [row] = (await shop.get(queries.queryAnalysis, `${base}/queries/analysis?limit=1`)).statements;
    expect(facets.users).toContain(row?.user);
    expect(facets.databases).toContain(row?.database);
    const slow = await shop.get(queries.slowQueries, `${base}/queries/slow?from=30d&to=29d`);
    expect(slow.facets).toEqual({ users: [], databases: [] });
  });

  test('figures name checks that exist', async () => {
    const { checks } = shop.monitor.health();
    const ids = new Set(checks.map(({ id }) => id));
    for (const id of [
      'statement-statistics',
      'mean-statement-time',
      'slow-statements',
      'rollbacks',
      'connections',
      'cache-hits',
      'disk',
      'checkpoints',
      'temporary-files',
      'replication-lag',
    ]) {
      expect(ids).toContain(id);
    }
  });

  test('metrics as history: chosen names, one time axis', async () => {
    const metrics = await shop.get(
      performance.metrics,
      `${base}/performance/metrics?names=statements.calls,database.*&from=10m&step=10s`,
    );
    expect(metrics.step).toBe(10);
    expect(new Set(metrics.series.map(({ name }) => name.split('.')[0]))).toEqual(new Set(['statements', 'database']));
    for (const series of metrics.series) expect(series.values).toHaveLength(metrics.at.length);
    const size = metrics.series.find(
      ({ name, labels }) => name === 'database.size_bytes' && labels.database === shop.watched.name,
    );
    expect(size).toMatchObject({ kind: 'gauge', unit: 'bytes', labels: { database: shop.watched.name } });
    expect(size?.max?.some((value) => value !== null)).toBe(true);
    const calls = metrics.series.find(({ name }) => name === 'statements.calls');
    expect(calls?.values.some((value) => value !== null && value > 0)).toBe(true);
  });

  test('metrics for Prometheus, by either path', async () => {
    for (const path of ['/metrics', `${base}/performance/metrics?format=prometheus&database=shop`]) {
      const response = await shop.app.request(path);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const text = await response.text();
      expect(text).toContain(
        '# TYPE pitcrew_database_commits_total counter\npitcrew_database_commits_total{target="shop"} ',
      );
      expect(text).toContain(`pitcrew_database_size_bytes{target="shop",database="${shop.watched.name}"} `);
      expect(text).toContain('pitcrew_up{target="shop"} 1\n');
      expect(text).toContain('pitcrew_build_info{version="0.1.0",');
      expect(text).toMatch(/pitcrew_health_score\{target="shop"\} \d+/);
      expect(text).toMatch(/process_resident_memory_bytes \d+/);
      expect(text).not.toMatch(/undefined|null|NaN|\[object/);
      const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const names = samples.map((line) => line.replace(/ [^ ]+$/, ''));
      expect(new Set(names).size).toBe(names.length);
      for (const line of samples) expect(line).toMatch(/^[a-z_][a-z0-9_]*(\{([a-z_]+="[^"]*",?)+\})? -?[\d.e+-]+$/);
    }
  });
});

describe('queries', () => {
  test('analysis counts what was done', async () => {
    const statement = await orderStatement();
    expect(statement).toMatchObject({
      calls: 30,
      rows: 30,
      database: shop.watched.name,
      own: false,
      slow: false,
      toplevel: true,
    });
    expect(statement.totalMs).toBeCloseTo(30 * (statement.meanMs ?? 0), 3);
    expect(statement.share).toBeGreaterThan(0);
    expect(statement.share).toBeLessThanOrEqual(1);
    expect(statement.spark.some(([, value]) => value !== null && value > 0)).toBe(true);
    expect(statement.spark.length).toBeLessThanOrEqual(60);
  });

  test('sorting, paging and filters', async () => {
    const page = (rest: string) => shop.get(queries.queryAnalysis, `${base}/queries/analysis?${ours()}&${rest}`);
    const all = await page('sort=calls&order=asc&limit=500');
    expect(all.statements.map(({ calls }) => calls)).toEqual(
      all.statements.map(({ calls }) => calls).toSorted((a, b) => a - b),
    );
    const second = await page('sort=calls&order=asc&limit=1&offset=1');
    expect(second.statements[0]?.id).toBe(all.statements[1]?.id);
    expect(second.count).toBe(all.count);
    expect((await page('user=nobody')).statements).toEqual([]);
    expect((await page('own=include&limit=500')).count).toBeGreaterThan(all.count);
    expect(all.ownCost.calls).toBeGreaterThan(0);
    expect(all.totals.slowCalls).toBe(1);
  });

  test.each([
    '%',
    '_',
    '\\',
    "'; DROP SCHEMA pitcrew CASCADE; --",
    '\uD800',
    '$1',
    '[',
    '(?=',
    '\u0001',
    '%'.repeat(500),
  ])('a search for %j is only a search', async (search) => {
    const found = await shop.get(
      queries.queryAnalysis,
      `${base}/queries/analysis?search=${encodeURIComponent(search.toWellFormed())}`,
    );
    for (const { text } of found.statements) expect(text?.toLowerCase()).toContain(search.toWellFormed().toLowerCase());
  });

  test('slow lists what is above the threshold', async () => {
    const slow = await shop.get(queries.slowQueries, `${base}/queries/slow?${ours()}`);
    expect(slow.thresholdMs).toBe(500);
    expect(slow.statements.map(({ text, slow: isSlow }) => [text, isSlow])).toEqual([['SELECT pg_sleep($1)', true]]);
    const all = await shop.get(queries.slowQueries, `${base}/queries/slow?${ours()}&thresholdMs=0`);
    expect(all.count).toBeGreaterThan(1);
  });

  test('patterns group statements of one shape', async () => {
    const { patterns } = await shop.get(queries.queryPatterns, `${base}/queries/patterns?${ours()}`);
    const sleep = patterns.find(({ pattern }) => pattern.includes('pg_sleep'));
    expect(sleep).toMatchObject({ kind: 'select', calls: 1, trend: { direction: 'unknown' } });
    expect(patterns.find(({ tables }) => tables.includes('orders'))).toBeDefined();
  });

  test('one statement with its course', async () => {
    const { id } = await orderStatement();
    const detail = await shop.get(queries.queryDetail, `${base}/queries/${id}?from=10m&step=10s`);
    expect(detail.statement.calls).toBe(30);
    expect(detail.step).toBe(10);
    expect(detail.totals.sharedHit).toBeGreaterThan(0);
    for (const values of Object.values(detail.series))
      if (values !== null) expect(values).toHaveLength(detail.series.at.length);
    expect(detail.series.rowsPerCall.filter((value) => value !== null)).toEqual([1]);
  });

  test('an unknown statement is 404', async () => {
    const response = await shop.app.request(`${base}/queries/2000000000`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('EXPLAIN of a known statement, with its placeholders', async () => {
    const { id } = await orderStatement();
    const response = await shop.post(`${base}/queries/analyze`, { id });
    const answer = queries.analyzeAnswer.parse(await response.json());
    expect(answer).toMatchObject({ generic: true, query: 'SELECT count(*) FROM orders WHERE customer = $1' });
    expect(answer.text).toContain('Seq Scan on orders');
    expect(answer.totalCost).toBeGreaterThan(0);
  });

  test('EXPLAIN of what cannot be planned says why', async () => {
    const response = await shop.post(`${base}/queries/analyze`, { query: 'SELECT 1 FROM nowhere' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'E_QUERY', sqlState: '42P01' });
    expect((await shop.post(`${base}/queries/analyze`, { query: 'SELEC 1' })).status).toBe(422);
    expect((await shop.post(`${base}/queries/analyze`, { query: 'SELECT 1; DROP TABLE orders' })).status).toBe(422);
    expect((await shop.post(`${base}/queries/analyze`, { id: 2_000_000_000 })).status).toBe(404);
  });

  test('resetting needs its setting', async () => {
    const refused = await shop.post(`${base}/queries/reset`);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ detail: 'The setting actions.resetStatistics is false.' });
  });
});
