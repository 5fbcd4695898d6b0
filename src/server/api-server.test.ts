import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { keepingLogger, plainMonitor } from '../../test/support/plain-monitor.ts';
import { scratchServer } from '../../test/support/postgres.ts';
import { parsePrometheusText } from '../../test/support/prometheus-text.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { createMonitor } from '../ops/monitor/index.ts';
import { openStore } from '../ops/store/index.ts';
import { resetAnswer } from './api/parameters.ts';
import * as performance from './api/performance.ts';
import * as queries from './api/queries.ts';
import * as relations from './api/relations.ts';
import * as sessions from './api/sessions.ts';
import * as system from './api/system.ts';
import { logMonitors } from './index.ts';
import { logSlowStatements } from './log/monitors.ts';

let shop: WatchedShop;
beforeAll(async () => {
  shop = await watchShop();
});
afterAll(() => shop.close());

const base = '/api/v1/database';

describe('sessions', () => {
  test('the blocking tree, and what can be done about it', async () => {
    const [blocker, waiter] = [new pg.Client(shop.watched.url), new pg.Client(shop.watched.url)];
    await Promise.all([blocker.connect(), waiter.connect()]);
    waiter.on('error', () => {});
    try {
      const pidOf = async (client: pg.Client) =>
        (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
      const [blockerPid, waiterPid] = [await pidOf(blocker), await pidOf(waiter)];
      await blocker.query('BEGIN; LOCK TABLE orders');
      const waiting = expect(waiter.query('SELECT count(*) FROM orders')).rejects.toMatchObject({ code: '57014' });
      const locks = await vi.waitFor(
        async () => {
          await shop.monitor.collectNow(['activity']);
          const answer = await shop.get(sessions.locks, `${base}/locks`);
          const root = answer.roots.find(({ session }) => session.pid === blockerPid);
          expect(root?.waiting.map(({ session }) => session.pid)).toEqual([waiterPid]);
          return answer;
        },
        { timeout: 20_000 },
      );
      expect(locks.blocked).toBeGreaterThanOrEqual(1);
      const list = await shop.get(sessions.sessions, `${base}/sessions`);
      expect(list).toMatchObject({ maxConnections: 120, actionsEnabled: true });
      expect(list.sessions.find(({ pid }) => pid === waiterPid)).toMatchObject({
        waitType: 'Lock',
        blockedBy: [blockerPid],
      });
      const cancelled = await shop.post(`${base}/sessions/${waiterPid}/cancel`);
      expect(sessions.sessionAction.parse(await cancelled.json())).toEqual({ pid: waiterPid, done: true });
      await waiting;
      const ended = await shop.post(`${base}/sessions/${waiterPid}/terminate`);
      expect(sessions.sessionAction.parse(await ended.json())).toEqual({ pid: waiterPid, done: true });
    } finally {
      await blocker.end();
      await waiter.end().catch(() => {});
    }
  });

  test("Pitcrew's own session is left alone, and without the setting nothing is done", async () => {
    const own = shop.monitor.activity()?.sessions.find((session) => session.own);
    expect((await shop.post(`${base}/sessions/${own?.pid}/terminate`)).status).toBe(409);
    const closed = shop.appWith({
      config: {
        ...shop.config,
        actions: { sessions: false, resetStatistics: false, cache: false, advice: false, backups: false },
      },
    });
    const refused = await closed.request(`${base}/sessions/1/cancel`, { method: 'POST' });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ detail: 'The setting actions.sessions is false.' });
  });
});

describe('tables and server', () => {
  test('tables and one table', async () => {
    const list = await shop.get(relations.tables, `${base}/tables?search=ORDERS`);
    expect(list.tables.map(({ schema, name }) => [schema, name])).toEqual([['public', 'orders']]);
    const [orders] = list.tables;
    expect(orders).toMatchObject({ estimatedRows: 5000, kind: 'table' });
    expect(orders?.seqScans).toBe(31);
    const detail = await shop.get(relations.tableDetail, `${base}/tables/${orders?.id}?from=10m&step=1m`);
    expect(detail.indexes.map(({ name }) => name)).toEqual(['orders_pkey']);
    for (const values of Object.values(detail.series)) expect(values).toHaveLength(detail.series.at.length);
    expect((await shop.app.request(`${base}/tables/2000000000`)).status).toBe(404);
  });

  test('how much a table grew since the range began', async () => {
    await shop.watched.query('CREATE TABLE growing AS SELECT n FROM generate_series(1, 1000) AS n');
    const sizeNow = async () => {
      await shop.watched.query('ANALYZE growing');
      await shop.monitor.collectNow(['tables']);
      await shop.store.flush();
      const rows = await shop.watched.query<{ size: string }>("SELECT pg_relation_size('growing') AS size");
      return Number(rows[0]?.size);
    };
    const before = await sizeNow();
    const from = Date.now();
    await shop.watched.query('INSERT INTO growing SELECT n FROM generate_series(1, 50000) AS n');
    const after = await sizeNow();
    const { tables } = await shop.get(relations.tables, `${base}/tables?search=growing&from=${from}&sort=growthBytes`);
    expect(tables).toMatchObject([{ name: 'growing', heapBytes: after, growthBytes: after - before }]);
    const earlier = await shop.get(relations.tables, `${base}/tables?search=growing&from=1h`);
    expect(earlier.tables).toMatchObject([{ growthBytes: null }]);
  });

  test('settings, doctor, databases', async () => {
    const { settings } = await shop.get(system.serverSettings, `${base}/settings`);
    expect(settings.find(({ name }) => name === 'max_connections')).toMatchObject({ value: '120' });
    const doctor = await shop.get(system.doctor, `${base}/doctor`);
    expect(doctor.server?.version).toMatch(/^18/);
    expect(doctor.collectors.map(({ name, state }) => [name, state])).toContainEqual(['statements', 'ok']);
    const list = await shop.get(system.databases, '/api/v1/databases');
    expect(list.databases).toMatchObject([{ name: 'shop', connection: 'watching' }]);
    expect(list.store.state).toBe('ready');
    expect(JSON.stringify([doctor, list])).not.toContain('postgres://');
  });

  test('what Prometheus scrapes is well-formed, and names the watched database', async () => {
    const again = createMonitor({ name: 'same "shop"', url: shop.watched.url, config: shop.config.monitor });
    try {
      await again.collectNow();
      const response = await shop.appWith({ monitors: [shop.monitor, again] }).request('/metrics');
      const scraped = parsePrometheusText(await response.text());
      const up = scraped.filter(({ name }) => name === 'pitcrew_up');
      expect(up.map(({ labels, value }) => [labels['target'], value])).toEqual([
        ['shop', 1],
        ['same "shop"', 1],
      ]);
    } finally {
      await again.stop();
    }
  });

  test('ready', async () => {
    const response = await shop.app.request('/readyz');
    expect(await response.json()).toEqual({ status: 'ready', databases: 1 });
  });
});

describe('logs', () => {
  test('slow statements and changes of health', async () => {
    const [performanceLog, slowLog] = [keepingLogger(), keepingLogger()];
    const options = {
      monitors: [shop.monitor],
      store: shop.store,
      slowMs: 500,
      performance: performanceLog,
      slow: slowLog,
    };
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
    const lost = await openStore({ url: shop.historyUrl, retention: shop.config.store.retention });
    await lost.close();
    const degraded = shop.appWith({ store: lost });
    expect((await degraded.request(`${base}/queries/analysis`)).status).toBe(503);
    const dashboard = performance.dashboard.parse(
      await (await degraded.request(`${base}/performance/dashboard`)).json(),
    );
    expect(dashboard.notices).toMatchObject([{ code: 'E_STORE_UNAVAILABLE' }]);
    expect(dashboard.figures.find(({ id }) => id === 'connections')?.value).toBeGreaterThan(0);
    expect((await degraded.request('/metrics')).status).toBe(200);
  });

  test('with the setting, statistics are reset and history stays', async () => {
    const actions = { sessions: false, resetStatistics: true, cache: false, advice: false, backups: false };
    // Of a server that others share it would take theirs.
    await using server = await scratchServer(18);
    const client = new pg.Client(server.url());
    await client.connect();
    await client.query('CREATE EXTENSION pg_stat_statements');
    await client.end();
    const allowed = createMonitor({ name: 'again', url: server.url(), config: shop.config.monitor, actions });
    try {
      await allowed.collectNow(['slow']);
      const open = shop.appWith({ monitors: [allowed], config: { ...shop.config, actions } });
      const response = await open.request(`${base}/queries/reset`, { method: 'POST' });
      expect(resetAnswer.parse(await response.json())).toEqual({ database: 'again', done: true });
      const kept = await shop.get(
        queries.queryAnalysis,
        `${base}/queries/analysis?databaseName=${shop.watched.name}&search=customer%20%3D`,
      );
      expect(kept.statements.map(({ calls }) => calls)).toEqual([30]);
    } finally {
      await allowed.stop();
    }
  });
});
