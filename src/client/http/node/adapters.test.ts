import { once } from 'node:events';
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import express from 'express';
import session from 'express-session';
import fastify from 'fastify';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Cache, createCache } from '../../cache/index.ts';
import { currentScope } from '../../scope.ts';
import { honoCache } from '../hono-cache.ts';
import type { ResponseCacheOptions } from '../options.ts';
import { responseCache } from '../response-cache.ts';
import { expressCache, fastifyCache } from './adapters.ts';

function memoryCache(): Cache {
  const cache = createCache();
  onTestFinished(() => cache.close());
  return cache;
}

async function listening(server: Server): Promise<string> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of Node's with the cache in front of a listener. */
async function plainServer(options: ResponseCacheOptions<IncomingMessage>, listener: RequestListener) {
  const cached = expressCache(memoryCache(), options);
  const server = createServer((request, response) => cached(request, response, () => void listener(request, response)));
  return { url: await listening(server), cached };
}

const statusOf = (response: Response): string => response.headers.get('cache-status') ?? '';
const text = async (url: string, init?: RequestInit): Promise<string> => (await fetch(url, init)).text();

/** What all servers do alike: the same shop on each of them. */
interface Shop {
  url: string;
  invalidateRoute(pattern: string): Promise<void>;
}
interface Seen {
  count: number;
  scopes: (string | undefined)[];
}
const page = 'a page of the shop '.repeat(100);

function see(seen: Seen): string {
  seen.count += 1;
  seen.scopes.push(currentScope()?.name);
  return `${seen.count} ${page}`;
}

const shops: Record<string, (seen: Seen) => Promise<Shop>> = {
  async express(seen) {
    const app = express();
    const cached = expressCache(memoryCache(), { staleIfError: '1m' });
    app.use(cached);
    app.get('/pages/:id', async (_, response) => {
      const body = see(seen);
      await turn();
      response.set('cache-control', 'max-age=60').type('html').send(body);
    });
    app.get('/brief', (_, response) => {
      response.set('cache-control', 'max-age=1, stale-while-revalidate=60').send(String((seen.count += 1)));
    });
    app.put('/pages/:id', (_, response) => void response.json({ ok: true }));
    app.get('/fails', () => {
      throw new Error(`${(seen.count += 1)}`);
    });
    return { url: await listening(app.listen(0, '127.0.0.1')), ...cached };
  },
  async fastify(seen) {
    const app = fastify();
    const cached = fastifyCache(memoryCache());
    app.addHook('onRequest', cached);
    app.get('/pages/:id', async (_, reply) => {
      const body = see(seen);
      await turn();
      return reply.header('cache-control', 'max-age=60').type('text/html').send(body);
    });
    app.get('/brief', async (_, reply) => {
      void reply.header('cache-control', 'max-age=1, stale-while-revalidate=60');
      return String((seen.count += 1));
    });
    app.put('/pages/:id', async () => ({ ok: true }));
    app.get('/fails', async () => {
      throw new Error(`${(seen.count += 1)}`);
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    return { url, ...cached };
  },
  async hono(seen) {
    const app = new Hono();
    const cached = honoCache(memoryCache());
    app.use(cached);
    app.get('/pages/:id', async (context) => {
      const body = see(seen);
      await turn();
      return context.html(body, 200, { 'cache-control': 'max-age=60' });
    });
    app.put('/pages/:id', (context) => context.json({ ok: true }));
    app.get('/fails', () => {
      throw new Error(`${(seen.count += 1)}`);
    });
    app.onError((_, context) => context.text('failed', 500));
    return { url: await honoServer(app.fetch), ...cached };
  },
  async 'hono, around its fetch'(seen) {
    const app = new Hono();
    app.get('/pages/:id', async (context) => {
      const body = see(seen);
      await turn();
      return context.html(body, 200, { 'cache-control': 'max-age=60' });
    });
    app.get('/brief', (context) => {
      return context.text(String((seen.count += 1)), 200, { 'cache-control': 'max-age=1, stale-while-revalidate=60' });
    });
    app.put('/pages/:id', (context) => context.json({ ok: true }));
    app.get('/fails', () => {
      throw new Error(`${(seen.count += 1)}`);
    });
    app.onError((_, context) => context.text('failed', 500));
    const cached = responseCache(memoryCache());
    const handle = cached((request: Request) => app.fetch(request));
    return { url: await honoServer(handle), ...cached };
  },
};

async function honoServer(handle: (request: Request) => Response | Promise<Response>): Promise<string> {
  const server = serve({ fetch: (request) => handle(request), port: 0, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  return listening(server);
}

test.each(Object.keys(shops))('%s: one load, tags, 304, encodings, HEAD, changes, errors, scopes', async (name) => {
  const seen: Seen = { count: 0, scopes: [] };
  const { url, invalidateRoute } = await (shops[name] as (typeof shops)[string])(seen);
  const at = `${url}/pages/17`;
  const plain = { headers: { 'accept-encoding': 'identity' } };
  const [one, two] = await Promise.all([fetch(at, plain), fetch(at, plain)]);
  expect([await one.text(), await two.text(), seen.count]).toEqual([`1 ${page}`, `1 ${page}`, 1]);
  const hit = await fetch(at, { headers: { 'accept-encoding': 'br' } });
  expect([await hit.text(), hit.headers.get('content-encoding')]).toEqual([`1 ${page}`, 'br']);
  expect(hit.headers.get('content-type')).toMatch(/^text\/html/);
  expect(statusOf(hit)).toContain('hit');
  expect(hit.headers.get('vary')).toBe('Accept-Encoding');
  // `fetch` itself would demand what is fresh.
  const anyAge = { 'cache-control': 'max-age=100' };
  const unchanged = await fetch(at, { headers: { 'if-none-match': one.headers.get('etag') ?? '', ...anyAge } });
  expect([unchanged.status, await unchanged.text(), unchanged.headers.get('content-type')]).toEqual([304, '', null]);
  const head = await fetch(at, { method: 'HEAD', ...plain });
  expect(head.headers.get('content-length')).toBe(String(`1 ${page}`.length));
  expect(seen.count).toBe(1);

  const changed = await fetch(at, { method: 'PUT' });
  expect([await changed.json(), statusOf(changed)]).toEqual([{ ok: true }, 'pitcrew; fwd=method']);
  expect(await text(at)).toBe(`2 ${page}`);
  await invalidateRoute('/pages/:id');
  expect(await text(at)).toBe(`3 ${page}`);
  expect(await text(at, { headers: { cookie: 'a=b' } })).toBe(`4 ${page}`);
  expect(await text(at)).toBe(`3 ${page}`);
  expect(new Set(seen.scopes)).toEqual(new Set(['GET /pages/:id']));

  const failing = [await fetch(`${url}/fails`), await fetch(`${url}/fails`)];
  expect(failing.map(({ status }) => status)).toEqual([500, 500]);
  expect(seen.count).toBe(6);
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
});

test.each(['express', 'fastify', 'hono, around its fetch'])(
  '%s: what is stale is served while a new one is made',
  async (name) => {
    const seen: Seen = { count: 0, scopes: [] };
    const { url } = await (shops[name] as (typeof shops)[string])(seen);
    expect(await text(`${url}/brief`)).toBe('1');
    const ttl = async (): Promise<number> => {
      const answer = await fetch(`${url}/brief`);
      expect(await answer.text()).toBe('1');
      return Number(/ttl=(-?\d+)/.exec(statusOf(answer))?.[1]);
    };
    // Whole seconds: once none is left it may be stale, and the next answer a new one.
    await expect.poll(ttl).toBeLessThanOrEqual(0);
    await expect.poll(() => text(`${url}/brief`)).toBe('2');
  },
);

test('handlers find a response of which they can ask everything', async () => {
  const found: unknown[] = [];
  const { url } = await plainServer({ ttl: '1m' }, (_, response) => {
    response.setHeader('X-One', '1').appendHeader('x-two', ['2', '3']);
    found.push(
      response.headersSent,
      response.hasHeader('x-one'),
      response.getHeader('x-two'),
      response.getHeaderNames(),
    );
    response.writeHead(203, 'So they say', { 'x-three': '4' });
    found.push(response.headersSent, response.writableEnded);
    response.write('aGVs', 'base64', () => found.push('written'));
    response.end('lo', () => found.push('finished'));
    found.push(response.writableEnded);
  });
  const [miss, hit] = [await fetch(url), await fetch(url)];
  for (const answer of [miss, hit]) {
    expect([answer.status, answer.statusText, await answer.text()]).toEqual([203, 'So they say', 'hello']);
    expect(['x-one', 'x-two', 'x-three'].map((name) => answer.headers.get(name))).toEqual(['1', '2, 3', '4']);
  }
  expect(statusOf(hit)).toContain('hit');
  await expect.poll(() => found.length).toBe(9);
  expect(found).toEqual([false, true, ['2', '3'], ['x-one', 'x-two'], true, false, true, 'written', 'finished']);
});

test.each([
  ['an object', { 'x-a': '1', 'x-b': ['2', '3'] }],
  ['pairs', ['x-a', '1', 'x-b', '2', 'x-b', '3']],
] as const)('writeHead with headers as %s', async (_, headers) => {
  const { url } = await plainServer({ ttl: '1m' }, (_request, response) => {
    response.writeHead(200, headers as unknown as string[]).end('x');
  });
  await fetch(url);
  const hit = await fetch(url);
  expect([hit.headers.get('x-a'), hit.headers.get('x-b'), statusOf(hit).includes('hit')]).toEqual(['1', '2, 3', true]);
});

test('streams are passed on as they come, with their back pressure, and events for ever', async () => {
  const rest = Promise.withResolvers<void>();
  let written = 0;
  const { url } = await plainServer({ ttl: '1m', maxBodyBytes: 100_000 }, async (request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      await rest.promise;
      response.end('data: 2\n\n');
      return;
    }
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const chunks = function* () {
      for (let at = 0; at < 800; at += 1) {
        written += chunk.length;
        yield chunk;
      }
    };
    await pipeline(Readable.from(chunks()), response).catch(() => {});
  });
  const events = await fetch(`${url}/events`);
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: 1\n\n');
  rest.resolve();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: 2\n\n');

  const large = await new Promise<IncomingMessage>((resolve) => get(`${url}/large`, resolve));
  large.pause();
  let before = -1;
  // What a client does not read is not written for ever.
  await expect
    .poll(
      () => {
        const same = written === before;
        before = written;
        return same;
      },
      { interval: 100 },
    )
    .toBe(true);
  expect(written).toBeLessThan(800 * 64 * 1024);
  let size = 0;
  for await (const chunk of large) size += (chunk as Buffer).length;
  expect(size).toBe(800 * 64 * 1024);
});

test('a client that goes away leaves nothing half, and holds up nobody', async () => {
  let count = 0;
  const { url } = await plainServer({ ttl: '1m', patience: 5 }, async (_, response) => {
    const mine = (count += 1);
    response.write('first ');
    if (mine === 1) await once(response, 'close');
    response.end('last');
  });
  const leaving = new AbortController();
  const answer = await fetch(url, { signal: leaving.signal });
  expect(Buffer.from((await answer.body?.getReader().read())?.value ?? []).toString()).toBe('first ');
  const waiting = text(url);
  leaving.abort();
  expect(await waiting).toBe('first last');
  expect(await text(url)).toBe('first last');
});

test('a response that is broken off is broken off for its client, and not kept', async () => {
  let count = 0;
  const { url } = await plainServer({ ttl: '1m', patience: 5 }, async (_, response) => {
    count += 1;
    response.write('some of it');
    await turn();
    response.destroy(new Error('the source is gone'));
  });
  await expect(text(url)).rejects.toThrow();
  await expect(text(url)).rejects.toThrow();
  expect(count).toBe(2);
});

test('trailers reach the client, and what has them is not kept', async () => {
  let count = 0;
  const { url } = await plainServer({ ttl: '1m' }, (_, response) => {
    count += 1;
    response.writeHead(200, { trailer: 'x-checksum' });
    response.write('body');
    response.addTrailers({ 'x-checksum': `${count}` });
    response.end();
  });
  const trailers = async (): Promise<unknown> => {
    const answer = await new Promise<IncomingMessage>((resolve) => get(url, resolve));
    for await (const chunk of answer) expect(String(chunk)).toBe('body');
    return answer.trailers;
  };
  expect([await trailers(), await trailers()]).toEqual([{ 'x-checksum': '1' }, { 'x-checksum': '2' }]);
});

test('ranges are the handler’s, early hints the client’s', async () => {
  const { url } = await plainServer({ ttl: '1m' }, (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    if (request.headers.range) response.writeHead(206, { 'content-range': 'bytes 0-1/4' }).end('ab');
    else response.end('abcd');
  });
  expect(await text(url)).toBe('abcd');
  const part = await fetch(url, { headers: { range: 'bytes=0-1' } });
  expect([part.status, await part.text()]).toEqual([206, 'ab']);
  expect(await text(url)).toBe('abcd');
});

test('what changes something voids before its client hears of it, and also when it is broken off', async () => {
  let state = 0;
  const { url } = await plainServer({ ttl: '1m' }, (request, response) => {
    if (request.method === 'GET') {
      response.end(String(state));
      return;
    }
    state += 1;
    if (request.url === '/thing?broken') response.destroy();
    else response.writeHead(200).end('changed', () => {});
  });
  const at = `${url}/thing`;
  expect([await text(at), await text(at, { method: 'POST' }), await text(at)]).toEqual(['0', 'changed', '1']);
  await expect(fetch(`${at}?broken`, { method: 'POST' })).rejects.toThrow();
  await expect.poll(() => text(at)).toBe('2');
});

test('what a URL takes for the same, and a handler may not, is not taken for it', async () => {
  const { url } = await plainServer({ ttl: '1m' }, (request, response) => {
    response.end(`${request.headers.host} ${request.url}`);
  });
  const { port } = new URL(url);
  const raw = async (target: string, host: string): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer.split('\r\n\r\n')[1] ?? '';
  };
  const ways: [target: string, host: string][] = [
    ['/x/../orders', 'shop'],
    ['/x\\..\\orders', 'shop'],
    ['/%2e/orders', 'shop'],
    ['/orders', 'shop#'],
    ['/orders', 'shop?'],
    ['/', 'shop/orders?'],
    ['/orders', 'shop'],
    ['/orders', 'shop:81'],
  ];
  for (const [target, host] of [...ways, ...ways]) expect(await raw(target, host)).toContain(`${host} ${target}`);
});

test('requests of which no URL can be made are the handler’s', async () => {
  const { url } = await plainServer({ ttl: '1m' }, (_, response) => response.end('here'));
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('GET / HTTP/1.1\r\nHost: a b:c\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1.1 200 OK[\s\S]*here/);
});

test('Express: sessions before and after the cache set their cookies, and such responses are not kept', async () => {
  for (const isBefore of [true, false]) {
    const app = express();
    const sessions = session({ secret: 'x', resave: false, saveUninitialized: true });
    const cached = expressCache(memoryCache(), { ttl: '1m', public: true });
    app.use(...(isBefore ? [sessions, cached] : [cached, sessions]));
    let count = 0;
    app.get('/', (_, response) => void response.json((count += 1)));
    const url = await listening(app.listen(0, '127.0.0.1'));
    const answers = [await fetch(url), await fetch(url)];
    const cookies = answers.map(({ headers }) => headers.getSetCookie().length);
    // A session before the cache goes with what is kept, each client has its own; one after it is part of the response.
    expect(cookies).toEqual([1, 1]);
    expect(new Set(answers.map(({ headers }) => headers.get('set-cookie'))).size).toBe(2);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual(isBefore ? [1, 1] : [1, 2]);
  }
});

test('Express: identities of the application, routers, and `res.sendStatus`, `redirect` and `next(error)`', async () => {
  interface Signed extends express.Request {
    user?: string;
  }
  const app = express();
  app.use((request: Signed, _, next) => {
    const user = request.get('authorization');
    if (user) request.user = user;
    next();
  });
  const cached = expressCache<Signed>(memoryCache(), { ttl: '1m', identity: ({ user }) => user });
  const router = express.Router();
  const mine = vi.fn<(request: Signed, response: ServerResponse) => void>(
    (request, response) => void response.end(request.user),
  );
  router.get('/mine', mine);
  router.get('/none', (_, response) => void response.sendStatus(404));
  router.get('/moved', (_, response) => response.redirect(301, '/api/mine'));
  router.get('/wrong', (_, __, next) => next(new Error('wrong')));
  app.use('/api', cached, router);
  app.use((error: Error, _: express.Request, response: express.Response, next: express.NextFunction) => {
    if (response.headersSent) next(error);
    else response.status(503).send(error.message);
  });
  const url = await listening(app.listen(0, '127.0.0.1'));
  const as = (user: string) => ({ headers: { authorization: user } });
  const answers: string[] = [];
  for (const user of ['ann', 'bob', 'ann', 'bob']) answers.push(await text(`${url}/api/mine`, as(user)));
  expect([answers, mine.mock.calls.length]).toEqual([['ann', 'bob', 'ann', 'bob'], 2]);
  for (const [path, status, kept] of [
    ['none', 404, true],
    ['moved', 301, true],
    ['wrong', 503, false],
  ] as const) {
    await fetch(`${url}/api/${path}`, { redirect: 'manual' });
    const second = await fetch(`${url}/api/${path}`, { redirect: 'manual' });
    expect([second.status, statusOf(second).includes('hit')]).toEqual([status, kept]);
  }
});

test('Express: headers of middleware before the cache are those of each request', async () => {
  const app = express();
  let id = 0;
  app.use((_, response, next) => {
    response.set({ 'x-request-id': String((id += 1)), 'x-changed': 'before', 'x-removed': 'before', vary: 'Origin' });
    next();
  });
  app.use(expressCache(memoryCache(), { ttl: '1m' }));
  app.get('/', (_, response) => {
    response.set('x-changed', 'by the handler').removeHeader('x-removed');
    response.type('text').send('x'.repeat(2000));
  });
  const url = await listening(app.listen(0, '127.0.0.1'));
  const answers = [await fetch(url), await fetch(url)];
  const seen = answers.map(({ headers }) => ['x-request-id', 'x-changed', 'vary'].map((name) => headers.get(name)));
  expect(seen).toEqual([
    ['1', 'by the handler', 'Origin, Accept-Encoding'],
    ['2', 'by the handler', 'Origin, Accept-Encoding'],
  ]);
  expect(answers.map((answer) => statusOf(answer).slice(0, 12))).toEqual(['pitcrew; fwd', 'pitcrew; hit']);
  const other = await fetch(url, { headers: { origin: 'http://elsewhere.example' } });
  expect(statusOf(other)).toBe('pitcrew; fwd=vary-miss; stored');
});

test('Fastify: streams, and mistakes in an identity are errors of the request', async () => {
  const app = fastify();
  app.addHook(
    'onRequest',
    fastifyCache(memoryCache(), {
      ttl: '1m',
      identity: ({ originalUrl }) => {
        if (originalUrl === '/odd') throw new Error('who?');
        return undefined;
      },
    }),
  );
  let count = 0;
  app.get('/stream', (_, reply) => {
    count += 1;
    void reply.send(Readable.from(['one ', 'two']));
  });
  app.get('/odd', async () => 'odd');
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  expect([await text(`${url}/stream`), await text(`${url}/stream`), count]).toEqual(['one two', 'one two', 1]);
  expect((await fetch(`${url}/odd`)).status).toBe(500);
  const injected = [await app.inject('/stream'), await app.inject('/stream')];
  expect([injected.map(({ body }) => body), count]).toEqual([['one two', 'one two'], 2]);
});
