import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { seedShop, shopSize } from '../../src/ops/demo/seed.ts';
import { storefrontTasks } from '../../src/ops/demo/storefront.ts';
import { startWorkload } from '../../src/ops/demo/workload.ts';
import { startServer as startPostgres, throwawayServer } from '../../src/ops/embedded/index.ts';
import { applicationDetail, repeatedCalls } from '../../src/server/api/applications.ts';
import { cacheStats } from '../../src/server/api/caches.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freshStore, watch } from '../support/monitored.ts';
import { keepingLogger } from '../support/plain-monitor.ts';

const stack = new AsyncDisposableStack();
let url: string;

beforeAll(async () => {
  const folder = stack.use(temporaryFolder());
  const server = await startPostgres({
    dataDir: join(folder.path, 'data'),
    superuser: 'postgres',
    settings: { ...throwawayServer, shared_preload_libraries: 'pg_stat_statements', max_connections: '60' },
  });
  stack.defer(() => server.stop('immediate'));
  const [size, password] = [shopSize(20_000), 'abc'];
  await seedShop(server, 'shop', size, password, () => {});
  const { store } = stack.use(await freshStore());
  const monitor = stack.use(watch({ url: server.url('shop'), store }));
  await monitor.collectNow(['statements']);
  const logger = keepingLogger();
  const config = configDefinition.parse({});
  const app = createApp({ monitors: [monitor], store, config, version: '0', logger });
  const daemon = await startServer({ host: '127.0.0.1', port: 0, token: undefined, app, logger });
  stack.defer(() => daemon.close());
  url = daemon.url;
  const tasks = storefrontTasks.map((task) => ({ ...task, perSecond: 20, steady: true }));
  const workload = startWorkload({
    url: (role) => server.url('shop').replace(/\/\/[^@]*@/, `//${role}:${password}@`),
    size,
    tasks,
    report: { url, databases: { primary: 'watched', replica: 'watched' } },
  });
  await vi.waitFor(() => expect(workload.counts().done).toBeGreaterThan(300), { timeout: 30_000 });
  // The last reports are sent when it stops.
  await workload.stop();
  await monitor.collectNow(['statements']);
});
afterAll(() => stack.disposeAsync());

async function get<Answer>(path: string, schema: { parse(body: unknown): Answer }): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/database${path}`);
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return schema.parse(body);
}

test('the demo’s repeated statement is found, with its line and how often', async () => {
  const found = await vi.waitFor(
    async () => {
      const { repeated } = await get('/queries/repeated', repeatedCalls);
      expect(repeated[0]?.statement).toEqual(expect.any(Number));
      return repeated;
    },
    { timeout: 20_000 },
  );
  expect(found).toMatchObject([{ application: 'storefront', scope: 'GET /orders' }]);
  expect(found[0]?.site).toMatch(/^src\/ops\/demo\/storefront\.ts:\d+$/);
  expect(found[0]?.text).toContain('"order_items"."order_id" = $1');
  expect(found[0]?.most).toBeGreaterThanOrEqual(10);
});

test('its services tell of their requests and timers', async () => {
  const storefront = await get('/applications/storefront', applicationDetail);
  expect(storefront.scopes.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['GET /orders', 'GET /products/:id']),
  );
  expect(storefront.timers.map(({ name }) => name)).toEqual(['render the list of orders']);
  const checkout = await get('/applications/checkout', applicationDetail);
  expect(checkout.timers.map(({ name }) => name)).toEqual(['place an order']);
  expect(checkout.acquires?.acquired).toBeGreaterThan(0);
});

test('its front page comes from a cache, which sales invalidate', async () => {
  const { caches } = await get('/cache/stats?application=storefront', cacheStats);
  expect(caches).toMatchObject([{ name: 'product cards', tiers: [{ name: 'memory' }] }]);
  expect(caches[0]?.hits).toBeGreaterThan(0);
  expect(caches[0]?.groups.map(({ name }) => name).toSorted()).toEqual(['bestsellers', 'navigation', 'products']);
  expect(caches[0]?.invalidations).toMatchObject([{ name: 'key' }]);
});
