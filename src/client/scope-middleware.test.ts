import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { currentScope, type RequestScope } from './scope.ts';
import { scopeHook, scopeMiddleware } from './scope-middleware.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The scopes in which handlers found themselves after waiting for something. */
async function seenScope(seen: RequestScope[]): Promise<string> {
  await tick();
  const scope = currentScope();
  if (scope) seen.push(scope);
  return `${scope?.name} ${scope?.ended}`;
}

test('Express: the scope bears the name of the route, mounted routers included', async () => {
  const seen: RequestScope[] = [];
  const app = express();
  const router = express.Router();
  router.get('/:order/lines', async (_, response) => void response.send(await seenScope(seen)));
  app.use(scopeMiddleware());
  app.use('/orders', router);
  app.get('/', async (_, response) => void response.send(await seenScope(seen)));
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answers = await Promise.all(
    ['/orders/abc/lines?x=1', '/'].map(async (path) => (await fetch(url + path)).text()),
  );
  expect(answers).toEqual(['GET /orders/:order/lines false', 'GET / false']);
  await expect.poll(() => seen.every(({ ended }) => ended)).toBe(true);
  expect(seen.map(({ name }) => name).toSorted()).toEqual(['GET /', 'GET /orders/:order/lines']);
});

test('Fastify: the same by its hook', async () => {
  const seen: RequestScope[] = [];
  const app = fastify();
  app.addHook('onRequest', scopeHook());
  app.get('/orders/:order', async () => await seenScope(seen));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  expect(await (await fetch(`${url}/orders/abc`)).text()).toBe('GET /orders/:order false');
  await expect.poll(() => seen.map(({ name, ended }) => [name, ended])).toEqual([['GET /orders/:order', true]]);
});
