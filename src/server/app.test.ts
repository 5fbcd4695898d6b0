import { describe, expect, test } from 'vitest';
import { keepingLogger, plainContext, plainMonitor } from '../../test/support/plain-monitor.ts';
import type { Problem } from './api/common.ts';
import { createApp, createHandler } from './index.ts';

const app = createApp(plainContext({ uiDir: '/nowhere' }));

async function problemOf(response: Response | Promise<Response>): Promise<Problem> {
  const answer = await response;
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return (await answer.json()) as Problem;
}

describe('parameters', () => {
  test.each([
    ['/api/v1/database/queries/analysis?limit=0', 'limit: found "0"; at least 1 is allowed'],
    ['/api/v1/database/queries/analysis?limit=many', 'limit: found "many"; a number is allowed'],
    ['/api/v1/database/queries/analysis?limit=1.5', 'limit: found "1.5"; a whole number is allowed'],
    ['/api/v1/database/queries/analysis?limit=9999', 'limit: found "9999"; at most 500 is allowed'],
    ['/api/v1/database/queries/analysis?limit=1&limit=2', 'limit: found "1" and "2"'],
    ['/api/v1/database/queries/analysis?sort=speed', 'sort: found "speed"; allowed: totalMs, calls'],
    ['/api/v1/database/queries/analysis?user=a%00b', 'a text without NUL characters is allowed'],
    [`/api/v1/database/queries/analysis?search=${'x'.repeat(501)}`, 'at most 500 characters is allowed'],
    ['/api/v1/database/queries/slow?from=yesterday', 'from: found "yesterday"; an ISO 8601 time'],
    ['/api/v1/database/queries/slow?from=monday+1', 'from: found "monday 1"; an ISO 8601 time'],
    ['/api/v1/database/queries/slow?from=5m&to=10m', 'from: found'],
    ['/api/v1/database/queries/7?step=1ms', 'step: found "1ms"; a span of at least one second'],
    ['/api/v1/database/queries/seven', 'id: found "seven"; a whole number is allowed'],
    ['/api/v1/database/queries/99999999999', 'id: found "99999999999"; a whole number'],
    ['/api/v1/database/performance/health?databse=main', 'unknown parameter "databse", did you mean "database"?'],
    ['/api/v1/databases?x=1', 'unknown parameter "x"; none is allowed here'],
    ['/api/v1/database/performance/metrics?format=xml', 'format: found "xml"; allowed: json, prometheus'],
  ])('%s is refused in words', async (path, detail) => {
    // A store is only asked for once the parameters are right.
    const problem = await problemOf(app.request(path));
    expect(problem).toMatchObject({ status: 400, code: 'E_BAD_REQUEST' });
    expect(problem.detail).toContain(detail);
  });

  test('an unknown database names the known ones', async () => {
    const problem = await problemOf(app.request('/api/v1/database/performance/health?database=mian'));
    expect(problem).toMatchObject({
      status: 404,
      code: 'E_NOT_FOUND',
      detail: 'Watched databases: main.',
      hint: 'Did you mean "main"?',
    });
  });

  test('unknown names of metrics are refused with the nearest', async () => {
    const problem = await problemOf(
      app.request('/api/v1/database/performance/metrics?names=wal.bytes,database.comits'),
    );
    expect(problem).toMatchObject({ status: 400, hint: 'Did you mean "database.commits"?' });
    expect(problem.detail).toContain('names: found "database.comits"');
  });
});

describe('extremes', () => {
  test.each([
    ['/api/v1/database/performance/metrics?from=1y&step=1s', 'at least 21600 s is allowed for this range'],
    ['/api/v1/database/queries/7?from=2000-01-01&step=1m', 'points; at least'],
    ['/api/v1/database/queries/analysis?from=1h&from=2h', 'from: found "1h" and "2h"; one text is allowed'],
    ['/api/v1/database/queries/analysis?from=2026-01-02&to=2026-01-01', 'a time before 2026-01-01T00:00:00.000Z'],
  ])('%s would be too much, or makes no sense', async (path, detail) => {
    const problem = await problemOf(app.request(path));
    expect(problem).toMatchObject({ status: 400, code: 'E_BAD_REQUEST' });
    expect(problem.detail).toContain(detail);
  });

  test('figures of a database that cannot be asked any more are not known', async () => {
    const at = new Date();
    const latest = { name: 'sessions.total', labels: {}, kind: 'gauge', value: 7, total: 0, at } as const;
    const monitor = plainMonitor('main', { latest: () => new Map([[latest.name, latest]]) });
    const valueOf = async (change: Partial<ReturnType<typeof monitor.status>>) => {
      const shown = { ...monitor, status: () => ({ ...monitor.status(), ...change }) };
      const response = await createApp(plainContext({ monitors: [shown] })).request(
        '/api/v1/database/performance/dashboard',
      );
      const { figures } = (await response.json()) as { figures: { id: string; value: number | null }[] };
      return figures.find(({ id }) => id === 'connections')?.value;
    };
    expect(await valueOf({})).toBe(7);
    expect(await valueOf({ connection: 'unreachable' })).toBeNull();
  });
});

describe('paths and methods', () => {
  test('a slash at the end is another path, and the right one is named', async () => {
    expect(await problemOf(app.request('/api/v1/database/tables/'))).toMatchObject({
      status: 404,
      hint: 'Did you mean "/api/v1/database/tables"?',
    });
  });

  test('HEAD is GET without a body, OPTIONS names what can be done', async () => {
    const head = await app.request('/api/v1/databases', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'application/json', '']);
    const options = await app.request('/api/v1/databases', { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('an unknown path is a problem document with a hint', async () => {
    expect(await problemOf(app.request('/api/v1/databses'))).toMatchObject({
      status: 404,
      instance: '/api/v1/databses',
      hint: 'Did you mean "/api/v1/databases"?',
    });
    expect(await problemOf(app.request('/api'))).toMatchObject({ status: 404, code: 'E_NOT_FOUND' });
    expect(await problemOf(app.request('/api/v2/x', { method: 'POST' }))).toMatchObject({ status: 404 });
  });

  test('a wrong method is 405 with Allow', async () => {
    const response = await app.request('/api/v1/databases', { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'E_BAD_REQUEST' });
    const analyze = await app.request('/api/v1/database/queries/analyze', { method: 'DELETE' });
    expect(analyze.status).toBe(405);
  });

  test('every answer carries the headers that narrow what a page may do', async () => {
    for (const path of ['/api/v1/databases', '/api/v1/nothing', '/healthz', '/']) {
      const { headers } = await app.request(path);
      expect(headers.get('content-security-policy')).toContain("script-src 'self'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('bodies', () => {
  const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    app.request('/api/v1/database/queries/analyze', { method: 'POST', body, headers });

  test.each([
    ['{"query":', 400],
    ['[]', 400],
    ['{}', 400],
    ['{"query":"SELECT 1","id":1}', 400],
    ['{"query":""}', 400],
    ['{"sql":"SELECT 1"}', 400],
    [JSON.stringify({ query: 'x'.repeat(100_001) }), 400],
    [JSON.stringify({ query: 'x'.repeat(600_000) }), 413],
  ])('body %# is refused with %s', async (body, status) => {
    expect(await problemOf(post(body))).toMatchObject({ status, code: 'E_BAD_REQUEST' });
  });

  test('what is no JSON is 415', async () => {
    expect(await problemOf(post('query=1', { 'content-type': 'text/plain' }))).toMatchObject({ status: 415 });
  });
});

describe('what goes wrong inside', () => {
  test('an unexpected error says nothing to the client and all to the log', async () => {
    const logger = keepingLogger();
    const broken = plainMonitor('main', {
      health: () => {
        throw new Error('secret path /root/x');
      },
    });
    const response = await createApp(plainContext({ monitors: [broken], logger })).request(
      '/api/v1/database/performance/health',
    );
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain('secret path');
    expect(text).not.toContain('.ts:');
    expect(JSON.parse(text)).toMatchObject({ code: 'E_INTERNAL', status: 500 });
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('without a store, history is 503 and the dashboard still answers', async () => {
    for (const path of [
      'queries/analysis',
      'queries/slow',
      'queries/patterns',
      'queries/1',
      'tables',
      'performance/metrics',
    ]) {
      const response = await app.request(`/api/v1/database/${path}`);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('10');
      expect(await problemOf(response)).toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
    }
    const dashboard = await app.request('/api/v1/database/performance/dashboard');
    expect(dashboard.status).toBe(200);
    expect(await dashboard.json()).toMatchObject({
      statements: [],
      health: { score: 97 },
      notices: [{ code: 'E_STORE_UNAVAILABLE' }],
    });
  });
});

describe('probes', () => {
  test('/healthz lives whatever is wrong', async () => {
    const response = await createApp(plainContext({ monitors: [] })).request('/healthz');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok', version: '0.1.0' });
  });

  test('/readyz gives the reasons', async () => {
    const monitor = plainMonitor('main');
    const away = plainMonitor('main', {
      status: () => ({ ...monitor.status(), connection: 'unreachable', message: 'connection refused' }),
    });
    const problem = await problemOf(createApp(plainContext({ monitors: [away] })).request('/readyz'));
    expect(problem.status).toBe(503);
    expect(problem.detail).toBe('no history is kept\nmain is unreachable: connection refused');
  });
});

describe('mounted below a path of another application', () => {
  const handler = createHandler(plainContext({ prefix: '/pitcrew/' }));

  test('answers there and nowhere else, by any host name', async () => {
    const response = await handler(new Request('https://app.example/pitcrew/api/v1/databases'));
    expect(response.status).toBe(200);
    expect((await handler(new Request('https://app.example/api/v1/databases'))).status).toBe(404);
  });

  test('its description names the path', async () => {
    const response = await handler(new Request('https://app.example/pitcrew/api/v1/openapi.json'));
    expect(((await response.json()) as { servers: unknown }).servers).toEqual([{ url: '/pitcrew' }]);
  });
});
