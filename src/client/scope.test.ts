import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { currentScope, RequestScope, runInScope } from './scope.ts';
import { requestName, scopeHook, scopeMiddleware, withScope } from './scope-middleware.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a scope goes along with what is awaited, and ends with its result', async () => {
  expect(currentScope()).toBeUndefined();
  const scope = await runInScope('job', async (own) => {
    await tick();
    expect(currentScope()).toBe(own);
    expect(own.ended).toBe(false);
    return own;
  });
  expect(scope.ended).toBe(true);
  expect(currentScope()).toBeUndefined();
  const failed: RequestScope[] = [];
  await expect(
    runInScope('job', async (own) => {
      failed.push(own);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(() =>
    runInScope('job', (own) => {
      failed.push(own);
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(failed.map(({ ended }) => ended)).toEqual([true, true]);
});

test('scopes at once do not meet', async () => {
  const names = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      runInScope(name, async () => {
        await tick();
        return currentScope()?.name;
      }),
    ),
  );
  expect(names).toEqual(['a', 'b', 'c']);
});

test('inner scopes know the request around them, but none that is over', async () => {
  let later: Promise<RequestScope> | undefined;
  const outer = await runInScope('request', async (request) => {
    runInScope('resolver', (resolver) => {
      expect(resolver.outer).toBe(request);
      expect(runInScope('inmost', ({ root }) => root)).toBe(request);
    });
    later = tick()
      .then(tick)
      .then(() => runInScope('afterwards', (scope) => scope));
    return request;
  });
  expect(outer.ended).toBe(true);
  expect((await later)?.outer).toBeUndefined();
});

test('a thenable that is not a promise is not run by asking it', () => {
  let asked = 0;
  // oxlint-disable-next-line unicorn/no-thenable -- as query builders are made
  runInScope('job', () => ({ then: () => void (asked += 1) }));
  expect(asked).toBe(0);
});

test('what is kept belongs to one scope', () => {
  const key = {};
  runInScope('a', (scope) => {
    scope.keep(key, 1);
    expect(scope.kept(key)).toBe(1);
    expect(runInScope('b', (inner) => inner.kept(key))).toBeUndefined();
  });
});

test('names of requests are few', () => {
  const named = (url: string): string => requestName({ method: 'GET', url });
  expect(named('/orders/17?page=2')).toBe('GET /orders/:id');
  expect(named('/orders/0b5d6f6e-6c1a-4f55-9d5c-6a4d1c1b3f11/lines/3')).toBe('GET /orders/:id/lines/:id');
  expect(named('/files/V1StGXR8_Z5jdHi6B-myT')).toBe('GET /files/:id');
  expect(named('https://shop.example/orders/17')).toBe('GET /orders/:id');
  expect(named('/')).toBe('GET /');
  expect(requestName({ method: 'PUT', url: '/x/1', baseUrl: '/api', route: { path: '/orders/:order' } })).toBe(
    'PUT /api/orders/:order',
  );
  expect(requestName({ method: 'GET', url: '/x/1', routeOptions: { url: '/x/:y' } })).toBe('GET /x/:y');
});

test('a request is a scope until its response is closed, by middleware, hook and wrapper', async () => {
  const seen: (RequestScope | undefined)[] = [];
  const middleware = scopeMiddleware();
  const hook = scopeHook();
  const server = createServer((request, response) => {
    const answer = (): void => {
      seen.push(currentScope());
      response.end('done');
    };
    if (request.url === '/hook') hook(request, { raw: response }, answer);
    else middleware(request, response, answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const path of ['/orders/1', '/hook']) await (await fetch(url + path)).text();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  const handler = withScope(async (_: Request, more: string) => {
    await tick();
    seen.push(currentScope());
    return new Response(more);
  });
  expect(await (await handler(new Request('http://localhost/next/5'), 'more')).text()).toBe('more');
  expect(seen.map((scope) => [scope?.name, scope?.ended])).toEqual([
    ['GET /orders/:id', true],
    ['GET /hook', true],
    ['GET /next/:id', true],
  ]);
});
