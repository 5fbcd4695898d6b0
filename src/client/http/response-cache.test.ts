import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Cache, createCache } from '../cache/index.ts';
import { currentScope } from '../scope.ts';
import type { ResponseCacheOptions } from './options.ts';
import { responseCache } from './response-cache.ts';

function memoryCache(): Cache {
  const cache = createCache();
  onTestFinished(() => cache.close());
  return cache;
}

type Handler = (request: Request) => Response | Promise<Response>;

/** A cached handler that counts, and what it answers. */
function cachedBy(options: ResponseCacheOptions, handler: Handler, cache = memoryCache()) {
  const calls: Request[] = [];
  const cached = responseCache(cache, options);
  const handle = cached((request) => {
    calls.push(request);
    return handler(request);
  });
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    handle(new Request(new URL(path, 'http://shop.example'), { method, headers }));
  return { ask, calls, cached };
}

const counted = (headers: Record<string, string> = {}): Handler => {
  let count = 0;
  return () => new Response(`${(count += 1)}`, { headers });
};
const forAMinute = { 'cache-control': 'max-age=60' };
const text = async (response: Promise<Response>): Promise<string> => (await response).text();
const statusOf = (response: Response): string => response.headers.get('cache-status') ?? '';

test('the second request for the same is answered without the handler', async () => {
  const { ask, calls } = cachedBy({}, counted(forAMinute));
  const first = await ask('/products?b=1&a=2');
  expect([await first.text(), statusOf(first)]).toEqual(['1', 'pitcrew; fwd=uri-miss; stored']);
  const second = await ask('/products?a=2&b=1');
  expect([await second.text(), second.headers.get('age')]).toEqual(['1', '0']);
  expect(statusOf(second)).toMatch(/^pitcrew; hit; ttl=(59|60)$/);
  expect(await text(ask('/products?a=3'))).toBe('2');
  expect(calls).toHaveLength(2);
});

test('what does not say how long it is fresh is not kept, unless an option says so', async () => {
  const plain = cachedBy({}, counted());
  expect([await text(plain.ask('/')), await text(plain.ask('/'))]).toEqual(['1', '2']);
  const withTtl = cachedBy({ ttl: '1m' }, counted());
  expect([await text(withTtl.ask('/')), await text(withTtl.ask('/'))]).toEqual(['1', '1']);
  const byRequest = cachedBy({ ttl: ({ url }) => (url.endsWith('/kept') ? '1m' : undefined) }, counted());
  const answers = ['/kept', '/kept', '/not', '/not'];
  expect(await Promise.all([text(byRequest.ask('/kept')), text(byRequest.ask('/kept'))])).toEqual(['1', '1']);
  expect([await text(byRequest.ask('/not')), await text(byRequest.ask('/not'))], String(answers)).toEqual(['2', '3']);
});

test('a thousand requests at once ask the handler once', async () => {
  const gate = Promise.withResolvers<void>();
  const { ask, calls } = cachedBy({ ttl: '1m' }, async () => {
    await gate.promise;
    return new Response('one');
  });
  const asked = Array.from({ length: 1000 }, () => text(ask('/hot')));
  await vi.waitFor(() => expect(calls).toHaveLength(1), { timeout: 20_000 });
  gate.resolve();
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['one']));
  expect(calls).toHaveLength(1);
});

test('those who wait for what turns out not to be kept have a response of their own', async () => {
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const { ask } = cachedBy({ ttl: '1m' }, async () => {
    const mine = (count += 1);
    await gate.promise;
    return new Response(String(mine), { headers: { 'set-cookie': `session=${mine}` } });
  });
  const asked = [ask('/'), ask('/'), ask('/')];
  await vi.waitFor(() => expect(count).toBe(1), { timeout: 20_000 });
  gate.resolve();
  const cookies = (await Promise.all(asked)).map(({ headers }) => headers.get('set-cookie'));
  expect(cookies.toSorted()).toEqual(['session=1', 'session=2', 'session=3']);
});

test('cookies are left out of what is kept, where that is wanted', async () => {
  const { ask } = cachedBy({ ttl: '1m', stripSetCookie: true }, counted({ 'set-cookie': 'a=b' }));
  await ask('/');
  const second = await ask('/');
  expect([await second.text(), second.headers.get('set-cookie')]).toEqual(['1', null]);
});

test.each(['authorization', 'cookie', 'x-api-key', 'x-user'])(
  'with %s nothing is kept, unless it is told whose',
  async (name) => {
    const options = { ttl: '1m', credentials: ['X-User'] };
    const plain = cachedBy(options, counted());
    expect([await text(plain.ask('/', { [name]: 'a' })), await text(plain.ask('/', { [name]: 'a' }))]).toEqual([
      '1',
      '2',
    ]);
    const personal = cachedBy({ ...options, identity: ({ headers }) => headers.get(name) ?? undefined }, counted());
    const users = ['a', 'b', 'a', 'b', undefined, undefined];
    const answers: string[] = [];
    for (const user of users) answers.push(await text(personal.ask('/', user ? { [name]: user } : {})));
    expect(answers).toEqual(['1', '2', '1', '2', '3', '3']);
    const open = cachedBy({ ...options, public: true }, counted());
    expect([await text(open.ask('/', { [name]: 'a' })), await text(open.ask('/', { [name]: 'b' }))]).toEqual([
      '1',
      '1',
    ]);
  },
);

test('responses that vary are kept one by one, and told apart by the headers they name', async () => {
  const { ask, calls } = cachedBy({}, ({ headers }) => {
    const language = headers.get('accept-language') ?? 'none';
    return new Response(language, { headers: { ...forAMinute, vary: 'Accept-Language' } });
  });
  for (const language of ['en', 'fr', 'en', 'fr', 'de', 'en']) {
    expect(await text(ask('/', { 'accept-language': language, 'x-other': String(Math.random()) }))).toBe(language);
  }
  expect(await text(ask('/'))).toBe('none');
  expect(calls).toHaveLength(4);
});

test('requests of several languages that come at once each have theirs', async () => {
  const { ask } = cachedBy({}, async ({ headers }) => {
    await new Promise((resolve) => setImmediate(resolve));
    return new Response(headers.get('accept-language'), { headers: { ...forAMinute, vary: 'accept-language' } });
  });
  const languages = ['en', 'fr', 'de', 'en', 'fr', 'de'];
  const answers = await Promise.all(languages.map((language) => text(ask('/', { 'accept-language': language }))));
  expect(answers).toEqual(languages);
});

test('HEAD is answered by what GET has left, and leaves nothing itself', async () => {
  const { ask, calls } = cachedBy({ ttl: '1m' }, ({ method }) => new Response(method === 'HEAD' ? null : 'body'));
  await ask('/', {}, 'HEAD');
  await ask('/');
  const head = await ask('/', {}, 'HEAD');
  expect([await head.text(), head.headers.get('content-length'), calls.length]).toEqual(['', '4', 2]);
});

test('ranges and preconditions are left to the handler', async () => {
  const { ask } = cachedBy({ ttl: '1m' }, counted());
  await ask('/');
  for (const name of ['range', 'if-match', 'if-unmodified-since', 'if-range']) {
    expect(statusOf(await ask('/', { [name]: 'x' }))).toBe('pitcrew; fwd=bypass');
  }
  expect(await text(ask('/'))).toBe('1');
});

test('what a request demands of caches is done', async () => {
  const { ask, calls } = cachedBy({ ttl: '1m' }, counted());
  expect((await ask('/', { 'cache-control': 'only-if-cached' })).status).toBe(504);
  expect(await text(ask('/', { 'cache-control': 'no-store' }))).toBe('1');
  expect(await text(ask('/'))).toBe('2');
  expect(await text(ask('/', { 'cache-control': 'only-if-cached' }))).toBe('2');
  expect(await text(ask('/', { 'cache-control': 'no-cache' }))).toBe('3');
  expect(await text(ask('/'))).toBe('3');
  expect(await text(ask('/', { pragma: 'no-cache' }))).toBe('4');
  expect(await text(ask('/', { 'cache-control': 'max-age=30' }))).toBe('4');
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect(await text(ask('/', { 'cache-control': 'max-age=0' }))).toBe('5');
  expect(calls).toHaveLength(5);
});

test('requests demand nothing where they are not obeyed', async () => {
  const { ask } = cachedBy({ ttl: '1m', obeyRequests: false }, counted());
  expect([await text(ask('/')), await text(ask('/', { 'cache-control': 'no-cache' }))]).toEqual(['1', '1']);
});

test('a tag is made, and conditions are answered with 304', async () => {
  const { ask, calls } = cachedBy({ ttl: '1m' }, ({ headers }) => {
    return new Response(`${headers.has('if-none-match')}`, {
      headers: { 'last-modified': 'Sat, 01 Jan 2022 00:00:00 GMT' },
    });
  });
  const first = await ask('/', { 'if-none-match': '"old"' });
  const etag = first.headers.get('etag') ?? '';
  expect([first.status, await first.text()]).toEqual([200, 'false']);
  const second = await ask('/', { 'if-none-match': etag });
  expect([second.status, second.headers.get('etag'), second.headers.get('content-length')]).toEqual([304, etag, null]);
  expect((await ask('/', { 'if-modified-since': 'Sat, 01 Jan 2022 00:00:00 GMT' })).status).toBe(304);
  expect((await ask('/', { 'if-modified-since': 'Fri, 31 Dec 2021 00:00:00 GMT' })).status).toBe(200);
  expect(calls).toHaveLength(1);
});

test.each([
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
] as const)('bodies are encoded as %s, once', async (encoding, decode) => {
  const cache = memoryCache();
  const body = 'hello '.repeat(1000);
  const headers = { 'content-type': 'text/plain' };
  const { ask } = cachedBy({ ttl: '1m' }, () => new Response(body, { headers }), cache);
  const plain = await ask('/');
  expect([await plain.text(), plain.headers.get('vary')]).toEqual([body, 'Accept-Encoding']);
  const [encoded, again] = [
    await ask('/', { 'accept-encoding': encoding }),
    await ask('/', { 'accept-encoding': encoding }),
  ];
  expect(decode(await encoded.bytes()).toString()).toBe(body);
  expect(encoded.headers.get('content-encoding')).toBe(encoding);
  expect(encoded.headers.get('etag')).toBe(`W/${plain.headers.get('etag')}`);
  expect(again.headers.get('content-length')).toBe(String((await again.bytes()).length));
  expect(cache.stats().loads).toBe(2);
  const unchanged = await ask('/', { 'accept-encoding': encoding, 'if-none-match': encoded.headers.get('etag') ?? '' });
  expect([unchanged.status, unchanged.headers.get('vary')]).toEqual([304, 'Accept-Encoding']);
});

test.each([
  ['small', 'x', { 'content-type': 'text/plain' }],
  ['already encoded', 'x'.repeat(5000), { 'content-type': 'text/plain', 'content-encoding': 'br' }],
  ['an image', 'x'.repeat(5000), { 'content-type': 'image/png' }],
  ['not to be transformed', 'x'.repeat(5000), { 'content-type': 'text/plain', 'cache-control': 'no-transform' }],
])('what is %s is left as it is', async (_, body, headers) => {
  const { ask } = cachedBy({ ttl: '1m' }, () => new Response(body, { headers }));
  await ask('/');
  const answer = await ask('/', { 'accept-encoding': 'gzip' });
  expect([await answer.text(), answer.headers.get('vary')]).toEqual([body, null]);
});

/** Lets a second of freshness pass. */
const stale = (ask: (path: string) => Promise<Response>) =>
  expect.poll(async () => Number(/ttl=(-?\d+)/.exec(statusOf(await ask('/')))?.[1] ?? 0));

test('what is stale is served while a new one is made', async () => {
  const headers = { 'cache-control': 'max-age=1, stale-while-revalidate=60' };
  let gate = Promise.resolve();
  let count = 0;
  const scopes: (string | undefined)[] = [];
  const { ask } = cachedBy({ scopeName: () => 'the shop' }, async () => {
    count += 1;
    scopes.push(currentScope()?.name);
    await gate;
    return new Response(String(count), { headers });
  });
  await ask('/');
  const renewing = Promise.withResolvers<void>();
  gate = renewing.promise;
  await stale(ask).toBeLessThan(0);
  expect(await text(ask('/'))).toBe('1');
  expect(count).toBe(2);
  renewing.resolve();
  await expect.poll(() => text(ask('/'))).toBe('2');
  expect(scopes.slice(0, 2)).toEqual(['the shop', 'the shop']);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('the database is away');
    },
  ],
  ['answers with 503', () => new Response('away', { status: 503 })],
] as const)('what is stale is served when the handler %s, and only as long as it may', async (_, fails) => {
  let isAway = false;
  const { ask } = cachedBy({ staleIfError: '1m' }, () =>
    isAway ? fails() : new Response('kept', { headers: { 'cache-control': 'max-age=1' } }),
  );
  await ask('/');
  isAway = true;
  await expect.poll(async () => statusOf(await ask('/'))).toContain('stale-if-error');
  expect(await text(ask('/'))).toBe('kept');
  isAway = false;
  expect(statusOf(await ask('/'))).toBe('pitcrew; fwd=stale; stored');
});

test('a response that is not to be kept takes the place of the one that was', async () => {
  let cacheControl = 'max-age=60';
  const { ask } = cachedBy({}, () => new Response(cacheControl, { headers: { 'cache-control': cacheControl } }));
  await ask('/');
  cacheControl = 'no-store';
  expect(await text(ask('/', { 'cache-control': 'no-cache' }))).toBe('no-store');
  expect(await text(ask('/'))).toBe('no-store');
});

test('errors of the handler reach whoever asked, and are not kept', async () => {
  let count = 0;
  const { ask } = cachedBy({ ttl: '1m' }, () => {
    count += 1;
    if (count === 1) throw new Error('first');
    return new Response('second', { status: count === 2 ? 500 : 200 });
  });
  await expect(ask('/')).rejects.toThrow('first');
  expect((await ask('/')).status).toBe(500);
  expect((await ask('/')).status).toBe(200);
  expect(statusOf(await ask('/'))).toContain('hit');
});

test('a mistake in an option keeps nobody from the response', async () => {
  const warned = vi.fn<(warning: Error) => void>();
  process.once('warning', warned);
  const { ask } = cachedBy(
    {
      ttl: '1m',
      tags: () => {
        throw new Error('no such tag');
      },
    },
    counted(),
  );
  expect([await text(ask('/')), await text(ask('/'))]).toEqual(['1', '2']);
  await vi.waitFor(() => expect(warned).toHaveBeenCalled(), { timeout: 20_000 });
});

test('a body is passed on as it comes when it takes its time, and kept when it is whole', async () => {
  const rest = Promise.withResolvers<void>();
  let count = 0;
  const { ask } = cachedBy({ ttl: '1m', patience: 5 }, () => {
    count += 1;
    return new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from('first '));
          await rest.promise;
          controller.enqueue(Buffer.from('last'));
          controller.close();
        },
      }),
    );
  });
  const answer = await ask('/');
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first ');
  rest.resolve();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('last');
  expect((await reader.read()).done).toBe(true);
  expect(await text(ask('/'))).toBe('first last');
  expect(count).toBe(1);
});

test('bodies that are too large, fail or are given up are passed on, and not kept', async () => {
  const chunk = Buffer.alloc(1000, 'x');
  let count = 0;
  const body = (chunks: number, fails = false) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (chunks > 0) controller.enqueue(chunk);
        else if (fails) controller.error(new Error('broken off'));
        else controller.close();
        chunks -= 1;
      },
    });
  const { ask } = cachedBy({ ttl: '1m', maxBodyBytes: 5000 }, ({ url }) => {
    count += 1;
    if (url.endsWith('/large')) return new Response(body(100));
    return new Response(body(url.endsWith('/broken') ? 3 : Infinity, true));
  });
  expect([(await text(ask('/large'))).length, (await text(ask('/large'))).length]).toEqual([100_000, 100_000]);
  await expect(text(ask('/broken'))).rejects.toThrow('broken off');
  await expect(text(ask('/broken'))).rejects.toThrow('broken off');
  await (await ask('/endless')).body?.cancel();
  await (await ask('/endless')).body?.cancel();
  expect(count).toBe(6);
});

test('a request that changes something voids what is kept for its path and below, when it comes to a good end', async () => {
  let status = 400;
  const handler = counted();
  const { ask } = cachedBy(
    { ttl: '1m', invalidates: () => ['list'], tags: ({ url }) => (url.endsWith('/list') ? ['list'] : []) },
    (request) => (request.method === 'GET' ? handler(request) : new Response(null, { status })),
  );
  const paths = ['/orders/1', '/orders/1/lines?x=1', '/orders/2', '/list'];
  const seen = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const path of paths) answers.push(await text(ask(path)));
    return answers;
  };
  expect(await seen()).toEqual(['1', '2', '3', '4']);
  await ask('/orders/1', {}, 'PUT');
  expect(await seen()).toEqual(['1', '2', '3', '4']);
  status = 204;
  await ask('/orders/1', {}, 'PUT');
  expect(await seen()).toEqual(['5', '6', '3', '7']);
});

test('where it cannot be told what a change concerns, all is voided', async () => {
  const warned = vi.fn<(warning: Error) => void>();
  process.once('warning', warned);
  const options: ResponseCacheOptions = {
    ttl: '1m',
    invalidates: () => {
      throw new Error('no such thing');
    },
  };
  const { ask } = cachedBy(options, counted());
  await ask('/other');
  expect((await ask('/thing', {}, 'POST')).status).toBe(200);
  expect(await text(ask('/other'))).toBe('3');
  await vi.waitFor(() => expect(warned).toHaveBeenCalled(), { timeout: 20_000 });
});

test('what was asked for before a change is not kept after it', async () => {
  const gate = Promise.withResolvers<void>();
  let state = 'old';
  const { ask, calls } = cachedBy({ ttl: '1m' }, async ({ method }) => {
    if (method === 'PUT') return new Response((state = 'new'));
    const read = state;
    if (read === 'old') await gate.promise;
    return new Response(read);
  });
  const early = text(ask('/thing'));
  await vi.waitFor(() => expect(calls).toHaveLength(1), { timeout: 20_000 });
  await ask('/thing', {}, 'PUT');
  expect(await text(ask('/thing'))).toBe('new');
  gate.resolve();
  expect(await early).toBe('old');
  expect(await text(ask('/thing'))).toBe('new');
});

test('routes and tags are voided', async () => {
  const { ask, cached } = cachedBy({ ttl: '1m' }, counted({ 'cache-tag': 'all, some' }));
  await ask('/orders/1?x=1');
  await cached.invalidateRoute('/orders/:id', { id: 1 });
  expect(await text(ask('/orders/1?x=1'))).toBe('2');
  await cached.invalidateRoute('/orders/:id');
  expect(await text(ask('/orders/1?x=1'))).toBe('3');
  await cached.invalidateTags('some');
  expect(await text(ask('/orders/1?x=1'))).toBe('4');
  await cached.invalidateRoute('/customers/:id');
  expect(await text(ask('/orders/1?x=1'))).toBe('4');
  await cached.clear();
  expect(await text(ask('/orders/1?x=1'))).toBe('5');
});

test('a cached handler inside a cached handler does not wait for itself', async () => {
  const cached = responseCache(memoryCache(), { ttl: '1m' });
  const handle = cached(cached(() => Response.json(1)));
  expect(await text(handle(new Request('http://a/')))).toBe('1');
});

test('redirects, whose headers cannot be changed, pass too', async () => {
  const { ask } = cachedBy({}, () => Response.redirect('http://shop.example/new', 302));
  const answer = await ask('/');
  expect([answer.status, answer.headers.get('location'), statusOf(answer)]).toEqual([
    302,
    'http://shop.example/new',
    'pitcrew; fwd=uri-miss',
  ]);
});

test('whatever users ask for, they see what the handler made for them, their language and no earlier state', async () => {
  const asking = fc.record({
    kind: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'PUT', 'revalidate'),
    user: fc.constantFrom(undefined, 'ann', 'bob', 'eve'),
    path: fc.constantFrom('/a', '/a/b', '/c'),
    language: fc.constantFrom('en', 'fr'),
    answers: fc.constantFrom('max-age=60', 'private, max-age=60', 'no-store', 'max-age=60, stale-while-revalidate=60'),
    vary: fc.boolean(),
    waits: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(asking, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), async (rounds) => {
      const versions = new Map<string, number>();
      const cache = createCache();
      const cached = responseCache(cache, { identity: ({ headers }) => headers.get('authorization') ?? undefined });
      const handle = cached(async (request: Request) => {
        const { pathname } = new URL(request.url);
        if (request.method === 'PUT') {
          versions.set(pathname, (versions.get(pathname) ?? 0) + 1);
          return new Response(null, { status: 204 });
        }
        const language = request.headers.get('x-vary') ? (request.headers.get('accept-language') ?? '') : '';
        const made = [
          request.headers.get('authorization') ?? 'nobody',
          pathname,
          language,
          versions.get(pathname) ?? 0,
        ];
        if (request.headers.has('x-waits')) await new Promise((resolve) => setImmediate(resolve));
        const headers: Record<string, string> = { 'cache-control': request.headers.get('x-answers') ?? '' };
        headers['vary'] = request.headers.get('x-vary') ? 'x-vary, accept-language' : 'x-vary';
        return new Response(made.join('|'), { headers });
      });
      // Those of one round at once, one round after the other.
      for (const round of rounds) {
        const before = new Map(versions);
        await Promise.all(
          round.map(async ({ kind, user, path, language, answers, vary, waits }) => {
            const headers: Record<string, string> = { 'accept-language': language, 'x-answers': answers };
            if (user) headers['authorization'] = user;
            if (vary) headers['x-vary'] = '1';
            if (waits) headers['x-waits'] = '1';
            if (kind === 'revalidate') headers['cache-control'] = 'no-cache';
            const method = kind === 'revalidate' ? 'GET' : kind;
            const response = await handle(new Request(`http://shop.example${path}`, { method, headers }));
            if (method !== 'GET') return;
            const [who, where, tongue, version] = (await response.text()).split('|');
            expect([who, where, tongue]).toEqual([user ?? 'nobody', path, vary ? language : '']);
            expect(Number(version)).toBeGreaterThanOrEqual(before.get(path) ?? 0);
          }),
        );
      }
      await cache.close();
    }),
    { numRuns: 150 },
  );
});
