import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCacheControl } from './cache-control.ts';
import { entityTag, isNotModified, weakened } from './conditions.ts';
import { encode, isCompressible, negotiate } from './encoding.ts';
import { judge } from './freshness.ts';
import { keyOf, pathPattern, routePattern } from './key.ts';
import { settingsOf } from './options.ts';
import { matchesGlob } from '../cache/fences/glob.ts';

const offered = ['br', 'zstd', 'gzip'] as const;

test.each([
  [null, undefined],
  ['', undefined],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['gzip, br', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['*;q=0.1, br;q=0', 'zstd'],
  ['identity, gzip;q=0.5', undefined],
  ['gzip;q=0.5, identity;q=0.2', 'gzip'],
  ['GZIP ; Q=0.8', 'gzip'],
  ['br;q=nonsense', undefined],
  ['deflate', undefined],
])('Accept-Encoding "%s" is answered with %s', (header, encoding) => {
  expect(negotiate(header, offered)).toBe(encoding);
});

test.each([
  ['text/html; charset=utf-8', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['image/svg+xml', true],
  ['image/png', false],
  ['application/zip', false],
  ['text/event-stream', false],
  [null, false],
])('content of type %s may be encoded: %s', (type, may) => {
  expect(isCompressible(type)).toBe(may);
});

test('what does not get smaller is not encoded', async () => {
  const noise = crypto.getRandomValues(new Uint8Array(2000));
  expect(await Promise.all(offered.map((encoding) => encode(noise, encoding)))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test.each([
  ['max-age=60, private', { 'max-age': '60', private: '' }],
  ['MAX-AGE="60" , no-cache="set-cookie, x"', { 'max-age': '60', 'no-cache': 'set-cookie, x' }],
  ['max-age=1, max-age=2', { 'max-age': '1' }],
  ['a="unended, no-store', { a: '', unended: '', 'no-store': '' }],
])('Cache-Control "%s"', (header, directives) => {
  expect(Object.fromEntries(parseCacheControl(header))).toEqual(directives);
});

function shelf(headers: Record<string, string>, options = {}, isPersonal = false) {
  const settings = settingsOf<undefined>({ staleWhileRevalidate: '5s', ...options });
  const verdict = judge(settings, undefined, isPersonal, new Response('', { headers }));
  return 'isLasting' in verdict ? undefined : [verdict.freshMs / 1000, verdict.staleWhileMs / 1000];
}

test.each([
  [{}, {}, undefined],
  [{}, { ttl: '1m' }, [60, 5]],
  [{ 'cache-control': 'max-age=10' }, { ttl: '1m' }, [10, 5]],
  [{ 'cache-control': 'max-age=10, s-maxage=20' }, {}, [20, 5]],
  [{ 'cache-control': 'max-age=10, must-revalidate' }, {}, [10, 0]],
  [{ 'cache-control': 'max-age=10, stale-while-revalidate=30' }, {}, [10, 30]],
  [{ 'cache-control': 'max-age=10', age: '4' }, {}, [6, 5]],
  [{ 'cache-control': 'max-age=10', age: '10' }, {}, undefined],
  [{ 'cache-control': 'max-age=soon' }, { ttl: '1m' }, undefined],
  [{ 'cache-control': 'no-store' }, { ttl: '1m' }, undefined],
  [{ 'cache-control': 'no-cache' }, { ttl: '1m' }, undefined],
  [{ 'cache-control': 'private, max-age=10' }, {}, undefined],
  [{ 'set-cookie': 'a=b' }, { ttl: '1m' }, undefined],
  [{ 'set-cookie': 'a=b' }, { ttl: '1m', stripSetCookie: true }, [60, 5]],
  [{ vary: 'Accept, *' }, { ttl: '1m' }, undefined],
  [{ 'content-type': 'text/event-stream' }, { ttl: '1m' }, undefined],
  [{ 'content-length': '1000001' }, { ttl: '1m' }, undefined],
  [{ expires: '0' }, { ttl: '1m' }, undefined],
  [{ expires: 'Sat, 01 Jan 2022 00:01:00 GMT', date: 'Sat, 01 Jan 2022 00:00:00 GMT' }, { ttl: '1m' }, undefined],
])('a response with %j, and options %j, is fresh and stale for %j s', (headers, options, expected) => {
  expect(shelf(headers, options)).toEqual(expected);
});

test('what is private is kept for the one whose it is, and s-maxage is not for private caches', () => {
  expect(shelf({ 'cache-control': 'private, max-age=10, s-maxage=20' }, {}, true)).toEqual([10, 5]);
});

test('Expires counts from the Date of the response', () => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const at = (ms: number): string => new Date(now + ms).toUTCString();
  const [freshS] = shelf({ date: at(0), expires: at(90_000) }) ?? [];
  expect(freshS).toBeGreaterThan(80);
  expect(freshS).toBeLessThanOrEqual(90);
});

test.each([
  [{ 'if-none-match': '"a"' }, '"a"', null, true],
  [{ 'if-none-match': '"x", W/"a"' }, '"a"', null, true],
  [{ 'if-none-match': '"a"' }, 'W/"a"', null, true],
  [{ 'if-none-match': '"a,b"' }, '"a,b"', null, true],
  [{ 'if-none-match': '*' }, null, null, true],
  [
    { 'if-none-match': '"b"', 'if-modified-since': 'Sat, 01 Jan 2022 00:00:00 GMT' },
    '"a"',
    'Sat, 01 Jan 2022 00:00:00 GMT',
    false,
  ],
  [{ 'if-modified-since': 'Sat, 01 Jan 2022 00:00:00 GMT' }, '"a"', 'Sat, 01 Jan 2022 00:00:00 GMT', true],
  [{ 'if-modified-since': 'Sat, 01 Jan 2022 00:00:00 GMT' }, '"a"', 'Sat, 01 Jan 2022 00:00:01 GMT', false],
  [{ 'if-modified-since': 'yesterday' }, '"a"', 'Sat, 01 Jan 2022 00:00:01 GMT', false],
  [{}, '"a"', 'Sat, 01 Jan 2022 00:00:01 GMT', false],
])('%j for a response with %s and %s is not modified: %s', (headers, etag, lastModified, expected) => {
  expect(isNotModified(new Headers(headers as Record<string, string>), etag, lastModified)).toBe(expected);
});

test('the tag of an encoded body is weak, and still found by that of the plain one', () => {
  const tag = entityTag(Buffer.from('hello'));
  expect(tag).toMatch(/^"[\w-]{27}"$/);
  expect(weakened(tag)).toBe(`W/${tag}`);
  expect(isNotModified(new Headers({ 'if-none-match': tag }), weakened(tag), null)).toBe(true);
});

const key = (url: string, query?: string[], who = 'anonymous'): string => keyOf(new URL(url), query, who) ?? '';

test('the order of parameters makes no difference, that of values of one does', () => {
  expect(key('http://a/x?a=1&b=2')).toBe(key('http://a/x?b=2&a=1'));
  expect(key('http://a/x?a=1&a=2')).not.toBe(key('http://a/x?a=2&a=1'));
});

test('only parameters that are named make a difference, where some are', () => {
  expect(key('http://a/x?page=2&utm_source=mail', ['page'])).toBe(key('http://a/x?page=2', ['page']));
  expect(key('http://a/x?page=2', ['page'])).not.toBe(key('http://a/x?page=3', ['page']));
});

test.each([
  ['http://a/x?a=%ff', 'http://a/x?a=%fe'],
  ['http://a/x?a=1&%61=2', 'http://a/x?%61=2&a=1'],
  ['http://a/x?a=1&a[]=2', 'http://a/x?a[]=2&a=1'],
  ['http://a/x', 'https://a/x'],
  ['http://a/x', 'http://b/x'],
  ['http://a/x', 'http://a:81/x'],
  ['http://a/x', 'http://a/X'],
  ['http://a/x', 'http://a/x/'],
  ['http://a/a%2Fb', 'http://a/a/b'],
  ['http://a/x?a=1', 'http://a/x?a='],
])('%s and %s are kept apart', (one, other) => {
  expect(key(one)).not.toBe(key(other));
});

test.each([
  [
    '/orders/:id',
    { id: 42 },
    ['/orders/42', '/orders/42/lines', '/ORDERS/42'],
    ['/orders/421', '/orders', '/order/42'],
  ],
  ['/orders/:id', {}, ['/orders/42', '/orders/7/lines'], ['/orders', '/']],
  ['/orders/[id]', { id: 'a b' }, ['/orders/a%20b'], ['/orders/a']],
  ['/orders', {}, ['/orders', '/orders/42', '/orders/'], ['/orders2', '/']],
  ['/orders/:id/lines', {}, ['/orders/1/lines'], ['/orders/1', '/orders/lines']],
  ['/tags/:tag', { tag: 'a:*' }, ['/tags/a:*', '/tags/a%3A%2A'], ['/tags/a:b']],
  ['/files/*', {}, ['/files/a/b', '/files'], ['/file']],
  ['/shop{/:id}', {}, ['/shop', '/shop/1'], ['/other']],
  ['/', {}, ['/', '/?a=1'], ['/x', '/x/@/y']],
  ['/*', {}, ['/', '/x', '/x/y'], []],
])('the route %s with %j is that of %j, and not of %j', (pattern, params, mine, others) => {
  const keys = routePattern(pattern, params);
  const isMatched = (path: string): boolean => matchesGlob(keys, key(`http://a${path}`));
  expect(mine.filter((path) => !isMatched(path))).toEqual([]);
  expect(others.filter(isMatched)).toEqual([]);
});

test('any path is within its own pattern, and its key is of no other path', () => {
  const step = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
  const path = fc
    .array(step, { maxLength: 4 })
    .map((steps) => new URL(`http://a/${steps.map(encodeURIComponent).join('/')}`));
  const safe = path.filter(({ pathname }) => pathname.length > 0);
  fc.assert(
    fc.property(safe, safe, (one, other) => {
      expect(matchesGlob(pathPattern(one.pathname), key(one.href))).toBe(true);
      expect(key(one.href) === key(other.href)).toBe(one.href === other.href);
    }),
  );
});

test.each([
  [{ statuses: [206] }, 'responses of status 206 cannot be kept'],
  [{ encodings: ['deflate' as 'gzip'] }, 'there is no encoding "deflate"'],
  [{ ttl: 'soon' }, 'ttl must be a span of time'],
  [{ public: true, identity: () => 'x' }, 'public and identity contradict each other'],
])('options %j are refused: %s', (options, message) => {
  expect(() => settingsOf(options)).toThrow(message);
});
