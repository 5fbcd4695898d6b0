import type { z } from '@hono/zod-openapi';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { keepingLogger, plainMonitor } from '../../test/support/plain-monitor.ts';
import { type TestDatabase, testDatabase } from '../../test/support/postgres.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { createMonitor, type DatabaseMonitor } from '../ops/monitor/index.ts';
import { openStore, type Store } from '../ops/store/index.ts';
import * as performance from './api/performance.ts';
import * as queries from './api/queries.ts';
import * as relations from './api/relations.ts';
import * as sessions from './api/sessions.ts';
import * as system from './api/system.ts';
import { resetAnswer } from './api/parameters.ts';
import { createApp, logMonitors } from './index.ts';
import { logSlowStatements } from './log/monitors.ts';

let watched: TestDatabase;
let history: TestDatabase;
let store: Store;
let monitor: DatabaseMonitor;
let config: Config;
const logger = keepingLogger();
let app: ReturnType<typeof createApp>;

const appWith = (change: Partial<Parameters<typeof createApp>[0]> = {}) =>
  createApp({ monitors: [monitor], store, config, version: '0.1.0', logger, ...change });

beforeAll(async () => {
  [watched, history] = [await testDatabase(), await testDatabase()];
  ({ config } = await loadConfig({ cwd: '/', env: { PITCREW_ACTIONS_SESSIONS: 'true' } }));
  await watched.query('CREATE EXTENSION pg_stat_statements');
  await watched.query('CREATE TABLE orders (id bigint PRIMARY KEY, customer int, note text)');
  await watched.query("INSERT INTO orders SELECT n, n % 100, 'note ' || n FROM generate_series(1, 5000) AS n");
  await watched.query('ANALYZE orders');
  await watched.query('SELECT pg_stat_force_next_flush()');
  store = await openStore({ url: history.url, retention: config.store.retention });
  monitor = createMonitor({ name: 'shop', url: watched.url, config: config.monitor, actions: config.actions, store });
  await monitor.collectNow();
  for (let i = 0; i < 30; i++) await watched.query('SELECT count(*) FROM orders WHERE customer = $1', [i]);
  await watched.query('SELECT count(*) FROM orders WHERE customer IN (1, 2, 3)');
  await watched.query('SELECT pg_sleep(0.6)');
  await watched.query('SELECT pg_stat_force_next_flush()');
  await monitor.collectNow();
  await store.flush();
  app = appWith();
});

afterAll(async () => {
  expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  await monitor.stop();
  await store.close();
  await watched[Symbol.asyncDispose]();
  await history[Symbol.asyncDispose]();
});

/** Asks, and holds the answer against its schema. */
async function get<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.output<Schema>> {
  const response = await app.request(path);
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return schema.parse(body);
}

function post(path: string, body?: unknown) {
  return app.request(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}

const base = '/api/v1/database';
const ours = () => `databaseName=${watched.name}`;

async function orderStatement() {
  const { statements } = await get(
    queries.queryAnalysis,
    `${base}/queries/analysis?${ours()}&search=CUSTOMER%20%3D%20%241`,
  );
  const [statement] = statements;
  if (!statement) throw new Error('the statement was not recorded');
  return statement;
}

describe('performance', () => {
  test('health has score, grade and checks', async () => {
    const health = await get(performance.health, `${base}/performance/health`);
    expect(health).toMatchObject({ database: 'shop', score: expect.any(Number) as number });
    expect(health.checks.map(({ id }) => id)).toContain('connections');
  });

  test('the dashboard shows figures, waits and top statements', async () => {
    const dashboard = await get(performance.dashboard, `${base}/performance/dashboard`);
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
    expect(connections).toMatchObject({ limit: 60, status: 'ok' });
    expect(connections?.value).toBeGreaterThan(0);
    const size = dashboard.figures.find(({ id }) => id === 'database-size');
    expect(size?.spark.filter(([, value]) => value !== null)).toHaveLength(1);
    expect(size?.value).toBeLessThan(20_000_000);
    expect(dashboard.statements.length).toBeGreaterThan(0);
    expect(dashboard.statements.length).toBeLessThanOrEqual(10);
  });

  test('figures name checks that exist', async () => {
    const { checks } = monitor.health();
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
    const metrics = await get(
      performance.metrics,
      `${base}/performance/metrics?names=statements.calls,database.*&from=10m&step=10s`,
    );
    expect(metrics.step).toBe(10);
    expect(new Set(metrics.series.map(({ name }) => name.split('.')[0]))).toEqual(new Set(['statements', 'database']));
    for (const series of metrics.series) expect(series.values).toHaveLength(metrics.at.length);
    const size = metrics.series.find(
      ({ name, labels }) => name === 'database.size_bytes' && labels.database === watched.name,
    );
    expect(size).toMatchObject({ kind: 'gauge', unit: 'bytes', labels: { database: watched.name } });
    expect(size?.max?.some((value) => value !== null)).toBe(true);
    const calls = metrics.series.find(({ name }) => name === 'statements.calls');
    expect(calls?.values.some((value) => value !== null && value > 0)).toBe(true);
  });

  test('metrics for Prometheus, by either path', async () => {
    for (const path of ['/metrics', `${base}/performance/metrics?format=prometheus&database=shop`]) {
      const response = await app.request(path);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const text = await response.text();
      expect(text).toContain(
        '# TYPE pitcrew_database_commits_total counter\npitcrew_database_commits_total{target="shop"} ',
      );
      expect(text).toContain(`pitcrew_database_size_bytes{target="shop",database="${watched.name}"} `);
      expect(text).toContain('pitcrew_up{target="shop"} 1\n');
      expect(text).toContain('pitcrew_build_info{version="0.1.0",');
      expect(text).toMatch(/pitcrew_health_score\{target="shop"\} \d+/);
      expect(text).toMatch(/process_resident_memory_bytes \d+/);
      expect(text).not.toMatch(/undefined|null|NaN|\[object/);
      const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const names = samples.map((line) => line.replace(/ [^ ]+$/, ''));
      expect(new Set(names).size).toBe(names.length);
      for (const line of samples) expect(line).toMatch(/^[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? -?[\d.e+-]+$/);
    }
  });
});

describe('queries', () => {
  test('analysis counts what was done', async () => {
    const statement = await orderStatement();
    expect(statement).toMatchObject({
      calls: 30,
      rows: 30,
      database: watched.name,
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
    const page = (rest: string) => get(queries.queryAnalysis, `${base}/queries/analysis?${ours()}&${rest}`);
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
    const found = await get(
      queries.queryAnalysis,
      `${base}/queries/analysis?search=${encodeURIComponent(search.toWellFormed())}`,
    );
    for (const { text } of found.statements) expect(text?.toLowerCase()).toContain(search.toWellFormed().toLowerCase());
  });

  test('slow lists what is above the threshold', async () => {
    const slow = await get(queries.slowQueries, `${base}/queries/slow?${ours()}`);
    expect(slow.thresholdMs).toBe(500);
    expect(slow.statements.map(({ text, slow: isSlow }) => [text, isSlow])).toEqual([['SELECT pg_sleep($1)', true]]);
    const all = await get(queries.slowQueries, `${base}/queries/slow?${ours()}&thresholdMs=0`);
    expect(all.count).toBeGreaterThan(1);
  });

  test('patterns group statements of one shape', async () => {
    const { patterns } = await get(queries.queryPatterns, `${base}/queries/patterns?${ours()}`);
    const sleep = patterns.find(({ pattern }) => pattern.includes('pg_sleep'));
    expect(sleep).toMatchObject({ kind: 'select', calls: 1, trend: { direction: 'unknown' } });
    expect(patterns.find(({ tables }) => tables.includes('orders'))).toBeDefined();
  });

  test('one statement with its course', async () => {
    const { id } = await orderStatement();
    const detail = await get(queries.queryDetail, `${base}/queries/${id}?from=10m&step=10s`);
    expect(detail.statement.calls).toBe(30);
    expect(detail.step).toBe(10);
    expect(detail.totals.sharedHit).toBeGreaterThan(0);
    for (const values of Object.values(detail.series))
      if (values !== null) expect(values).toHaveLength(detail.series.at.length);
    expect(detail.series.rowsPerCall.filter((value) => value !== null)).toEqual([1]);
  });

  test('an unknown statement is 404', async () => {
    const response = await app.request(`${base}/queries/2000000000`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('EXPLAIN of a known statement, with its placeholders', async () => {
    const { id } = await orderStatement();
    const response = await post(`${base}/queries/analyze`, { id });
    const answer = queries.analyzeAnswer.parse(await response.json());
    expect(answer).toMatchObject({ generic: true, query: 'SELECT count(*) FROM orders WHERE customer = $1' });
    expect(answer.text).toContain('Seq Scan on orders');
    expect(answer.totalCost).toBeGreaterThan(0);
  });

  test('EXPLAIN of what cannot be planned says why', async () => {
    const response = await post(`${base}/queries/analyze`, { query: 'SELECT 1 FROM nowhere' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'E_QUERY', sqlState: '42P01' });
    expect((await post(`${base}/queries/analyze`, { query: 'SELEC 1' })).status).toBe(422);
    expect((await post(`${base}/queries/analyze`, { query: 'SELECT 1; DROP TABLE orders' })).status).toBe(422);
    expect((await post(`${base}/queries/analyze`, { id: 2_000_000_000 })).status).toBe(404);
  });

  test('resetting needs its setting', async () => {
    const refused = await post(`${base}/queries/reset`);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ detail: 'The setting actions.resetStatistics is false.' });
  });
});

describe('sessions', () => {
  test('the blocking tree, and what can be done about it', async () => {
    const [blocker, waiter] = [new pg.Client(watched.url), new pg.Client(watched.url)];
    await Promise.all([blocker.connect(), waiter.connect()]);
    waiter.on('error', () => {});
    try {
      const pidOf = async (client: pg.Client) =>
        (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
      const [blockerPid, waiterPid] = [await pidOf(blocker), await pidOf(waiter)];
      await blocker.query('BEGIN; LOCK TABLE orders');
      const waiting = expect(waiter.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '57014' });
      const locks = await vi.waitFor(async () => {
        await monitor.collectNow(['activity']);
        const answer = await get(sessions.locks, `${base}/locks`);
        const root = answer.roots.find(({ session }) => session.pid === blockerPid);
        expect(root?.waiting.map(({ session }) => session.pid)).toEqual([waiterPid]);
        return answer;
      });
      expect(locks.blocked).toBeGreaterThanOrEqual(1);
      const list = await get(sessions.sessions, `${base}/sessions`);
      expect(list).toMatchObject({ maxConnections: 60, actionsEnabled: true });
      expect(list.sessions.find(({ pid }) => pid === waiterPid)).toMatchObject({
        waitType: 'Lock',
        blockedBy: [blockerPid],
      });
      const cancelled = await post(`${base}/sessions/${waiterPid}/cancel`);
      expect(sessions.sessionAction.parse(await cancelled.json())).toEqual({ pid: waiterPid, done: true });
      await waiting;
      const ended = await post(`${base}/sessions/${waiterPid}/terminate`);
      expect(sessions.sessionAction.parse(await ended.json())).toEqual({ pid: waiterPid, done: true });
    } finally {
      await blocker.end();
      await waiter.end().catch(() => {});
    }
  });

  test("Pitcrew's own session is left alone, and without the setting nothing is done", async () => {
    const own = monitor.activity()?.sessions.find((session) => session.own);
    expect((await post(`${base}/sessions/${own?.pid}/terminate`)).status).toBe(409);
    const closed = appWith({ config: { ...config, actions: { sessions: false, resetStatistics: false } } });
    const refused = await closed.request(`${base}/sessions/1/cancel`, { method: 'POST' });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ detail: 'The setting actions.sessions is false.' });
  });
});

describe('tables and server', () => {
  test('tables and one table', async () => {
    const list = await get(relations.tables, `${base}/tables?search=ORDERS`);
    expect(list.tables.map(({ schema, name }) => [schema, name])).toEqual([['public', 'orders']]);
    const [orders] = list.tables;
    expect(orders).toMatchObject({ estimatedRows: 5000, kind: 'table' });
    expect(orders?.seqScans).toBe(31);
    const detail = await get(relations.tableDetail, `${base}/tables/${orders?.id}?from=10m&step=1m`);
    expect(detail.indexes.map(({ name }) => name)).toEqual(['orders_pkey']);
    for (const values of Object.values(detail.series)) expect(values).toHaveLength(detail.series.at.length);
    expect((await app.request(`${base}/tables/2000000000`)).status).toBe(404);
  });

  test('how much a table grew since the range began', async () => {
    await watched.query('CREATE TABLE growing AS SELECT n FROM generate_series(1, 1000) AS n');
    const sizeNow = async () => {
      await watched.query('ANALYZE growing');
      await monitor.collectNow(['tables']);
      await store.flush();
      const rows = await watched.query<{ size: string }>("SELECT pg_relation_size('growing') AS size");
      return Number(rows[0]?.size);
    };
    const before = await sizeNow();
    const from = Date.now();
    await watched.query('INSERT INTO growing SELECT n FROM generate_series(1, 50000) AS n');
    const after = await sizeNow();
    const { tables } = await get(relations.tables, `${base}/tables?search=growing&from=${from}&sort=growthBytes`);
    expect(tables).toMatchObject([{ name: 'growing', heapBytes: after, growthBytes: after - before }]);
    const earlier = await get(relations.tables, `${base}/tables?search=growing&from=1h`);
    expect(earlier.tables).toMatchObject([{ growthBytes: null }]);
  });

  test('settings, doctor, databases', async () => {
    const { settings } = await get(system.serverSettings, `${base}/settings`);
    expect(settings.find(({ name }) => name === 'max_connections')).toMatchObject({ value: '60' });
    const doctor = await get(system.doctor, `${base}/doctor`);
    expect(doctor.server?.version).toMatch(/^18/);
    expect(doctor.collectors.map(({ name, state }) => [name, state])).toContainEqual(['statements', 'ok']);
    const list = await get(system.databases, '/api/v1/databases');
    expect(list.databases).toMatchObject([{ name: 'shop', connection: 'watching' }]);
    expect(list.store.state).toBe('ready');
    expect(JSON.stringify([doctor, list])).not.toContain('postgres://');
  });

  test('ready', async () => {
    const response = await app.request('/readyz');
    expect(await response.json()).toEqual({ status: 'ready', databases: 1 });
  });
});

describe('logs', () => {
  test('slow statements and changes of health', async () => {
    const [performanceLog, slowLog] = [keepingLogger(), keepingLogger()];
    const options = { monitors: [monitor], store, slowMs: 500, performance: performanceLog, slow: slowLog };
    await logSlowStatements(options, { from: new Date(Date.now() - 600_000), to: new Date() });
    expect(slowLog.lines.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({ database: 'shop', calls: 1, statement: 'SELECT pg_sleep($1)' }),
    );
    const plain = plainMonitor('shop');
    const end = logMonitors({ ...options, monitors: [plain] });
    plain.emit({ type: 'health', database: 'shop', score: 84, grade: 'B', status: 'warning' });
    end();
    expect(performanceLog.lines.map(({ fields }) => fields)).toEqual([
      { database: 'shop', score: 84, grade: 'B', status: 'warning' },
    ]);
    expect(plain.listeners()).toBe(0);
  });
});

describe('away', () => {
  test('with the store gone, history is 503 and live data goes on', async () => {
    const lost = await openStore({ url: history.url, retention: config.store.retention });
    await lost.close();
    const degraded = appWith({ store: lost });
    expect((await degraded.request(`${base}/queries/analysis`)).status).toBe(503);
    const dashboard = performance.dashboard.parse(
      await (await degraded.request(`${base}/performance/dashboard`)).json(),
    );
    expect(dashboard.notices).toMatchObject([{ code: 'E_STORE_UNAVAILABLE' }]);
    expect(dashboard.figures.find(({ id }) => id === 'connections')?.value).toBeGreaterThan(0);
    expect((await degraded.request('/metrics')).status).toBe(200);
  });

  test('with the setting, statistics are reset and history stays', async () => {
    const actions = { sessions: false, resetStatistics: true };
    const allowed = createMonitor({ name: 'again', url: watched.url, config: config.monitor, actions });
    try {
      await allowed.collectNow(['slow']);
      const open = appWith({ monitors: [allowed], config: { ...config, actions } });
      const response = await open.request(`${base}/queries/reset`, { method: 'POST' });
      expect(resetAnswer.parse(await response.json())).toEqual({ database: 'again', done: true });
      expect((await orderStatement()).calls).toBe(30);
    } finally {
      await allowed.stop();
    }
  });
});
