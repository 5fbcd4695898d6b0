import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPool, runInScope } from '../../src/index.ts';
import { applicationDetail, applications } from '../../src/server/api/applications.ts';
import { queryAnalysis, queryDetail } from '../../src/server/api/queries.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { configDefinition } from '../../src/config/definition.ts';
import { freshStore, watch } from '../support/monitored.ts';
import { keepingLogger } from '../support/plain-monitor.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

const stack = new AsyncDisposableStack();
let database: TestDatabase;
let url: string;

beforeAll(async () => {
  database = stack.use(await testDatabase());
  const { store } = stack.use(await freshStore());
  await database.query('CREATE EXTENSION pg_stat_statements');
  await database.query('CREATE TABLE orders (id bigint PRIMARY KEY, customer int)');
  const monitor = stack.use(watch({ url: database.url, store }));
  await monitor.collectNow(['statements']);
  const config = configDefinition.parse({});
  const logger = keepingLogger();
  const app = createApp({ monitors: [monitor], store, config, version: '0', logger });
  const server = await startServer({ host: '127.0.0.1', port: 0, token: undefined, app, logger });
  stack.defer(() => server.close());
  url = server.url;

  const pool = createPool({
    connectionString: database.url,
    report: { url, application: 'orders', database: 'watched', intervalMs: 100 },
  });
  for (let request = 0; request < 3; request += 1) {
    await runInScope('GET /orders', async () => {
      for (let id = 0; id < 12; id += 1) await pool.query('select customer from orders where id = $1', [id]);
    });
  }
  pool.telemetry?.startTimer('checkout').end();
  (await pool.connect()).release();
  await pool.query('select missing from orders').catch(() => undefined);
  await vi.waitFor(
    async () => expect((await get('/applications', applications)).applications[0]?.pools.length).toBe(1),
    { timeout: 20_000 },
  );
  await pool.end();
  await monitor.collectNow(['statements']);
});
afterAll(() => stack.disposeAsync());

async function get<Answer>(path: string, schema: { parse(body: unknown): Answer }): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/database${path}`);
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return schema.parse(body);
}

test('what a pool of the library did is shown with the server’s statement, by line and by request', async () => {
  const statement = await vi.waitFor(
    async () => {
      const { statements } = await get('/queries/analysis?search=customer%20from', queryAnalysis);
      expect(statements[0]?.application?.calls).toBe(36);
      return statements[0];
    },
    { timeout: 20_000 },
  );
  expect(statement).toMatchObject({ calls: 36, application: { errors: 0 } });
  expect(statement?.application?.p50Ms).toBeGreaterThan(0);
  const detail = await get(`/queries/${statement?.id}`, queryDetail);
  expect(detail.callSites).toMatchObject([{ application: 'orders', calls: 36, share: 1 }]);
  expect(detail.callSites[0]?.site).toMatch(/test\/applications\/library\.test\.ts:\d+/);
  expect(detail.scopes).toEqual([
    { application: 'orders', name: 'GET /orders', calls: 36, requests: 3, perRequest: 12, most: 12 },
  ]);
  expect(detail.repeated).toMatchObject([{ scope: 'GET /orders', requests: 3, most: 12 }]);
  const { applications: all } = await get('/applications', applications);
  expect(all).toMatchObject([{ name: 'orders', calls: 37, errors: 1 }]);
});

test('its requests, timers and waits for connections are with the application', async () => {
  const detail = await vi.waitFor(
    async () => {
      const answer = await get('/applications/orders', applicationDetail);
      expect(answer.scopes[0]?.count).toBe(3);
      return answer;
    },
    { timeout: 20_000 },
  );
  expect(detail.scopes).toMatchObject([
    { name: 'GET /orders', statements: 36, statementsPerScope: 12, mostStatements: 12 },
  ]);
  expect(detail.scopes[0]?.databaseShare).toBeGreaterThan(0);
  expect(detail.timers).toMatchObject([{ name: 'checkout', count: 1 }]);
  expect(detail.acquires).toMatchObject({ timeouts: 0, errors: 0 });
  expect(detail.acquires?.acquired).toBeGreaterThanOrEqual(1);
  expect(detail.acquires?.opened).toBeGreaterThanOrEqual(1);
});
