import type { z } from '@hono/zod-openapi';
import { expect } from 'vitest';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { createMonitor, type DatabaseMonitor } from '../../src/ops/monitor/index.ts';
import { openStore, type Store } from '../../src/ops/store/index.ts';
import { type AppContext, createApp } from '../../src/server/index.ts';
import { keepingLogger } from './plain-monitor.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** A database with known statements that has been watched twice, its history, and the API over both. */
export interface WatchedShop {
  watched: TestDatabase;
  historyUrl: string;
  store: Store;
  monitor: DatabaseMonitor;
  config: Config;
  app: ReturnType<typeof createApp>;
  /** The API with something changed. */
  appWith(change: Partial<AppContext>): ReturnType<typeof createApp>;
  /** Asks, and holds the answer against its schema. */
  get<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.output<Schema>>;
  post(path: string, body?: unknown): Promise<Response>;
  close(): Promise<void>;
}

/**
 * Watches a shop of 5000 orders in which, between two samples, one statement ran 30 times, one of another shape once, and
 * one took 0.6 s. Sessions may be ended; statistics may not be reset.
 */
export async function watchShop(): Promise<WatchedShop> {
  const [watched, history] = [await testDatabase(), await testDatabase()];
  const { config } = await loadConfig({ cwd: '/', env: { PITCREW_ACTIONS_SESSIONS: 'true' } });
  await watched.query('CREATE EXTENSION pg_stat_statements');
  await watched.query('CREATE TABLE orders (id bigint PRIMARY KEY, customer int, note text)');
  await watched.query("INSERT INTO orders SELECT n, n % 100, 'note ' || n FROM generate_series(1, 5000) AS n");
  await watched.query('ANALYZE orders');
  await watched.query('SELECT pg_stat_force_next_flush()');
  const store = await openStore({ url: history.url, retention: config.store.retention });
  const { monitor: cadence, actions } = config;
  // Other tests run on the same server: their statements are not the shop's.
  const statements = { scope: { databases: 'own' }, readers: 1 } as const;
  const monitor = createMonitor({ name: 'shop', url: watched.url, config: cadence, statements, actions, store });
  await monitor.collectNow();
  for (let i = 0; i < 30; i++) await watched.query('SELECT count(*) FROM orders WHERE customer = $1', [i]);
  await watched.query('SELECT count(*) FROM orders WHERE customer IN (1, 2, 3)');
  await watched.query('SELECT pg_sleep(0.6)');
  await watched.query('SELECT pg_stat_force_next_flush()');
  await monitor.collectNow();
  await store.flush();

  const logger = keepingLogger();
  const appWith = (change: Partial<AppContext>) =>
    createApp({ monitors: [monitor], store, config, version: '0.1.0', logger, ...change });
  const app = appWith({});
  return {
    watched,
    historyUrl: history.url,
    store,
    monitor,
    config,
    app,
    appWith,
    async get(schema, path) {
      const response = await app.request(path);
      const body: unknown = await response.json();
      expect(response.status, JSON.stringify(body)).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      return schema.parse(body);
    },
    async post(path, body) {
      const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      return app.request(path, { method: 'POST', ...(body === undefined ? {} : json) });
    },
    async close() {
      expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
      await monitor.stop();
      await store.close();
      await watched[Symbol.asyncDispose]();
      await history[Symbol.asyncDispose]();
    },
  };
}
