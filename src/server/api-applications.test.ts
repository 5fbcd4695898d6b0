import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parsePrometheusText } from '../../test/support/prometheus-text.ts';
import {
  applicationReport,
  reportedEndpoint,
  reportedPoolCounts,
  reportedScope,
  reportedStatement,
  type ReportedStatement,
  reportedTimer,
} from '../../test/support/reports.ts';
import { type WatchedShop, watchShop } from '../../test/support/watched-shop.ts';
import { describe as describeStatement, loadParser } from '../sql/index.ts';
import * as applications from './api/applications.ts';
import * as performance from './api/performance.ts';
import * as queries from './api/queries.ts';

let shop: WatchedShop;
let fingerprint: string;

beforeAll(async () => {
  await loadParser();
  // As the application writes it: the server's text has another layout and a number for the parameter.
  fingerprint = describeStatement('select count(*) from "orders" where customer = $1').fingerprint;
  shop = await watchShop();
});
afterAll(() => shop.close());

const base = '/api/v1/database';
let sequence = 0;

/** Sends a report of an application of its own, as the library does. */
function send(
  report: Partial<ReturnType<typeof applicationReport>>,
  { to = new Date(), path = `${base}/ingest` }: { to?: Date; path?: string } = {},
): Promise<Response> {
  sequence += 1;
  return sendBody(gzipSync(JSON.stringify(applicationReport({ sequence, ...report }, to))), 'gzip', path);
}

async function sendBody(body: Uint8Array | string, encoding?: string, path = `${base}/ingest`): Promise<Response> {
  return shop.app.request(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: {
      'content-type': 'application/json',
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    },
  });
}

async function accepted(response: Promise<Response>) {
  const answer = await response;
  const body: unknown = await answer.json();
  expect(answer.status, JSON.stringify(body)).toBe(202);
  return applications.ingestAnswer.parse(body);
}

const list = (path = '') => shop.get(applications.applicationStatements, `${base}/queries/application${path}`);

describe('a report', () => {
  test('is in the store when it is answered, and counted once however often it comes', async () => {
    const report = applicationReport({
      application: 'once',
      instance: 'x',
      statements: [reportedStatement('0a', [1, 2, 300])],
    });
    for (let turn = 0; turn < 3; turn += 1) {
      const body = JSON.stringify(report);
      const answer = await accepted(turn === 0 ? sendBody(body) : sendBody(gzipSync(body), 'gzip'));
      expect(answer).toEqual({ accepted: true, at: report.to, stored: true, note: null, commands: [] });
    }
    const { statements } = await list('?application=once');
    expect(statements).toMatchObject([
      { fingerprint: '0a', calls: 3, totalMs: 303, maxMs: 300, meanMs: 101, statements: [], applications: ['once'] },
    ]);
    expect(statements[0]?.p50Ms).toBeCloseTo(2, 0);
    expect(statements[0]?.p99Ms).toBeGreaterThan(285);
    expect(statements[0]?.p99Ms).toBeLessThanOrEqual(300);
  });

  test('of a clock that is off is counted when it arrives, and says so', async () => {
    const hour = 3_600_000;
    for (const off of [3 * hour, -3 * hour]) {
      const before = Date.now();
      const answer = await accepted(
        send(
          { application: `off by ${off}`, statements: [reportedStatement('0b', [1])] },
          { to: new Date(before + off) },
        ),
      );
      expect(answer.note).toContain(off > 0 ? 'in the future' : 'more than 15 minutes ago');
      expect(Date.parse(answer.at)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(answer.at)).toBeLessThanOrEqual(Date.now());
      expect(await list(`?application=${encodeURIComponent(`off by ${off}`)}`)).toMatchObject({ count: 1 });
    }
    // One that was late by minutes only is where it belongs.
    const to = new Date(Date.now() - 5 * 60_000);
    expect(await accepted(send({ application: 'late' }, { to }))).toMatchObject({ at: to.toISOString(), note: null });
  });

  test('with values of parameters keeps them for planning, and shows them nowhere', async () => {
    const statement = reportedStatement('0f', [1], { parameters: [{ '1': 'secret' }] });
    await accepted(send({ application: 'open', samplesParameters: true, statements: [statement] }));
    const told = { targetId: shop.monitor.targetId, fingerprints: ['0f'] };
    expect(await shop.store.history.parameterSamples(told)).toMatchObject([{ samples: [{ '1': 'secret' }] }]);
    for (const path of [
      `${base}/queries/application`,
      `${base}/queries/application/0f`,
      `${base}/applications`,
      `${base}/applications/open`,
      '/metrics',
    ]) {
      const response = await shop.app.request(path);
      expect(response.status, path).toBe(200);
      expect(await response.text()).not.toContain('secret');
    }
    // Of a library that does not know of them.
    const { parameters: _, ...older } = reportedStatement('0f', [1]);
    const { samplesParameters: __, ...report } = applicationReport({
      application: 'older',
      statements: [older as never],
    });
    await accepted(sendBody(JSON.stringify(report)));
    expect(await shop.store.history.parameterSamples(told)).toHaveLength(1);
  });

  test('for a database that is not watched, or without a store, is refused', async () => {
    const unknown = await send({}, { path: `${base}/ingest?database=nothing` });
    expect(unknown.status).toBe(404);
    const bare = shop.appWith({ store: undefined });
    const body = {
      method: 'POST',
      body: JSON.stringify(applicationReport()),
      headers: { 'content-type': 'application/json' },
    };
    expect((await bare.request(`${base}/ingest`, body)).status).toBe(503);
    const token = 'a-token-of-some-length';
    const guarded = shop.appWith({ config: { ...shop.config, server: { ...shop.config.server, token } } });
    expect((await guarded.request(`${base}/ingest`, body)).status).toBe(401);
    const withToken = { ...body, headers: { ...body.headers, authorization: `Bearer ${token}` } };
    expect((await guarded.request(`${base}/ingest`, withToken)).status).toBe(202);
  });
});

describe('what is no report', () => {
  const problemOf = async (response: Promise<Response> | Response, status: number) => {
    const answer = await response;
    const body = (await answer.json()) as { detail?: string; title: string };
    expect(answer.status, JSON.stringify(body).slice(0, 500)).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.stringify(body).length).toBeLessThan(4000);
    return body;
  };

  test('is refused with the path of what is wrong', async () => {
    const wrong = { ...reportedStatement('0c', [1]), calls: -1 };
    expect((await problemOf(send({ statements: [reportedStatement('0c', [1]), wrong] }), 400)).detail).toBe(
      'statements.1.calls: at least 0 is allowed',
    );
    const many = await problemOf(send({ statements: Array.from({ length: 500 }, () => wrong) }), 400);
    expect(many.detail).toContain('and 490 more');
    for (const body of ['', '[]', 'null', '{"version":2}', '{"version":1', '[['.repeat(200_000), '"'.repeat(5)]) {
      await problemOf(sendBody(gzipSync(body), 'gzip'), 400);
    }
    await problemOf(sendBody('{}', 'gzip'), 400);
    await problemOf(sendBody(gzipSync('{}').subarray(0, 10), 'gzip'), 400);
    await problemOf(sendBody(brotliCompressSync('{}'), 'br'), 415);
  });

  test.each<[string, ReportedStatement['parameters'], string]>([
    ['numbers that are none', [{ a: 'secret' }], 'statements.0.parameters.0.a'],
    ['numbers from 0', [{ '0': 'secret' }], 'statements.0.parameters.0.0'],
    ['long values', [{ '1': 'secret'.repeat(1000) }], 'statements.0.parameters.0.1'],
    ['values that are no text', [{ '1': 7 as never }], 'statements.0.parameters.0.1'],
    [
      'too many values',
      [Object.fromEntries(Array.from({ length: 51 }, (_, at) => [at + 1, 'secret']))],
      'statements.0.parameters.0: at most 50 values',
    ],
    ['too many calls', Array.from({ length: 11 }, () => ({ '1': 'secret' })), 'statements.0.parameters'],
  ])('values of parameters: %s are refused, and not repeated', async (_what, parameters, detail) => {
    const refused = await problemOf(send({ statements: [reportedStatement('0e', [1], { parameters })] }), 400);
    expect(refused.detail).toContain(detail);
    expect(JSON.stringify(refused)).not.toContain('secret');
  });

  test('is not inflated beyond the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024, 32), { level: 9 });
    expect(bomb.length).toBeLessThan(600_000);
    const before = process.memoryUsage().rss;
    await problemOf(sendBody(bomb, 'gzip'), 413);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
    await problemOf(sendBody(' '.repeat(2 * 1024 * 1024 + 1)), 413);
  });

  test('odd texts and numbers are kept as far as they can be, and spoil nothing', async () => {
    const name = 'NUL \0 half \ud800 "quotes" \\ <b>';
    const statement = reportedStatement('0d', [1], {
      text: `${name}'; DROP TABLE pitcrew.application; --`,
      rows: Number.MAX_SAFE_INTEGER,
      totalMs: Number.MAX_VALUE,
      histogram: [
        [1000, Number.MAX_SAFE_INTEGER],
        [1000, 5],
        [3, 1],
      ],
      callSites: [{ site: name, calls: Number.MAX_SAFE_INTEGER }],
      scopes: [{ name, calls: 1, requests: 0, most: 1 }],
    });
    const pool = [reportedEndpoint({ endpoint: name, open: Number.MAX_SAFE_INTEGER })];
    const report = { application: name, instance: name, sequence: Number.MAX_SAFE_INTEGER, pool };
    expect((await accepted(send({ ...report, statements: [statement, statement] }))).stored).toBe(true);
    expect((await accepted(send({ ...report, sequence: 1, statements: [statement] }))).stored).toBe(true);
    const { statements } = await list('?search=DROP');
    // What is so far behind is taken for a repetition.
    expect(statements).toMatchObject([{ calls: 2, totalMs: 2e12 }]);
    const { applications: all } = await shop.get(applications.applications, `${base}/applications`);
    const odd = all.find((each) => each.name.startsWith('NUL'));
    expect(odd?.pools).toMatchObject([{ open: Number.MAX_SAFE_INTEGER }]);
    const detail = await shop.get(
      applications.applicationDetail,
      `${base}/applications/${encodeURIComponent(odd?.name ?? '')}`,
    );
    expect(detail.application.name).toBe(odd?.name);
    expect((await shop.app.request(`${base}/applications/none`)).status).toBe(404);
    const scraped = parsePrometheusText(await (await shop.app.request('/metrics')).text());
    expect(scraped.some(({ labels }) => labels['application'] === odd?.name)).toBe(true);
  });
});

describe('joined with the statements of the server', () => {
  test('latencies, errors, waiting and callers are with the statement', async () => {
    const repeated = { scope: 'GET /orders', fingerprint, site: 'src/orders.ts:42', requests: 3, most: 51 };
    const slow = reportedStatement(
      fingerprint,
      [...Array.from({ length: 95 }, () => 4), ...Array.from({ length: 5 }, () => 90)],
      {
        text: 'SELECT count(*) FROM orders WHERE customer = $1',
        errors: 2,
        waitMs: 50,
        callSites: [
          { site: 'src/orders.ts:42', calls: 30 },
          { site: 'src/report.ts:7', calls: 10 },
        ],
        scopes: [{ name: 'GET /orders', calls: 100, requests: 4, most: 51 }],
      },
    );
    await accepted(send({ application: 'web', instance: 'join', statements: [slow], repeated: [repeated] }));
    const analysis = () => shop.get(queries.queryAnalysis, `${base}/queries/analysis?search=customer%20%3D`);
    const statement = await vi.waitFor(
      async () => {
        const [found] = (await analysis()).statements;
        expect(found?.application).not.toBe(null);
        return found;
      },
      { timeout: 20_000 },
    );
    expect(statement?.application).toMatchObject({ calls: 100, errors: 2, meanMs: 8.3, maxMs: 90, waitMs: 0.5 });
    expect(statement?.application?.p50Ms).toBeCloseTo(4, 0);
    expect(statement?.application?.p99Ms).toBeGreaterThan(85);
    const detail = await shop.get(queries.queryDetail, `${base}/queries/${statement?.id}`);
    expect(detail.statement.application).toMatchObject({ calls: 100 });
    expect(detail.applications).toEqual(['web']);
    expect(detail.callSites).toEqual([
      { application: 'web', site: 'src/orders.ts:42', calls: 75, share: 0.75 },
      { application: 'web', site: 'src/report.ts:7', calls: 25, share: 0.25 },
    ]);
    expect(detail.scopes).toEqual([
      { application: 'web', name: 'GET /orders', calls: 100, requests: 4, perRequest: 25, most: 51 },
    ]);
    const message = 'GET /orders calls this up to 51 times per request from src/orders.ts:42';
    expect(detail.repeated).toMatchObject([{ message, statement: statement?.id }]);
    for (const name of ['applicationMs', 'p50Ms', 'p95Ms', 'p99Ms', 'waitMs'] as const) {
      expect(detail.series[name]).toHaveLength(detail.series.at.length);
      expect(detail.series[name]?.filter((value) => value !== null)).toHaveLength(1);
    }
    const found = await shop.get(applications.repeatedCalls, `${base}/queries/repeated`);
    expect(found.repeated).toMatchObject([{ application: 'web', message, statement: statement?.id, most: 51 }]);
    const dashboard = await shop.get(performance.dashboard, `${base}/performance/dashboard`);
    expect(dashboard.statements.some(({ application }) => application?.calls === 100)).toBe(true);
    expect(await list('?application=web')).toMatchObject({ statements: [{ statements: [statement?.id] }] });
  });

  test('a statement that no application reports says so', async () => {
    const { statements } = await shop.get(queries.queryAnalysis, `${base}/queries/analysis?search=pg_sleep`);
    expect(statements[0]?.application).toBe(null);
    const detail = await shop.get(queries.queryDetail, `${base}/queries/${statements[0]?.id}`);
    expect(detail).toMatchObject({
      applications: [],
      callSites: [],
      scopes: [],
      series: { p95Ms: null, waitMs: null },
    });
  });

  test('statements that only applications know are listed, and have a page of their own', async () => {
    await accepted(
      send({
        application: 'worker',
        instance: 'w',
        statements: [reportedStatement('0e', [5], { text: 'COMMIT AND CHAIN' })],
      }),
    );
    const unmatched = await list('?unmatched=true&search=and+chain');
    expect(unmatched).toMatchObject({ count: 1, statements: [{ fingerprint: '0e', statements: [] }] });
    const detail = await shop.get(applications.applicationStatementDetail, `${base}/queries/application/0e`);
    expect(detail).toMatchObject({
      statement: { text: 'COMMIT AND CHAIN', calls: 1, applications: ['worker'] },
      callSites: [{ site: 'src/orders.ts:42', share: 1 }],
    });
    expect(detail.series.p95Ms.filter((value) => value !== null)).toHaveLength(1);
    expect((await shop.app.request(`${base}/queries/application/ffff`)).status).toBe(404);
    expect((await shop.app.request(`${base}/queries/application/xyz`)).status).toBe(400);
  });
});

describe('applications', () => {
  test('with their pools, now and over time, and for Prometheus', async () => {
    const statements = [reportedStatement('0f', [0.2, 1, 10, 100], { errors: 1, waitMs: 8 })];
    const pool = [reportedEndpoint(), reportedEndpoint({ endpoint: '10.0.0.2:5432', role: 'replica', open: 3 })];
    await accepted(send({ application: 'pools', instance: 'a', statements, pool }));
    await accepted(send({ application: 'pools', instance: 'b', statements, pool }));
    const { applications: all } = await shop.get(applications.applications, `${base}/applications`);
    const found = all.find(({ name }) => name === 'pools');
    expect(found).toMatchObject({
      calls: 8,
      errors: 2,
      waitMs: 2,
      instances: 2,
      pools: [
        { endpoint: '10.0.0.1:5432', role: 'primary', instances: 2, open: 16, idle: 6, waiting: 4, lanes: 4, max: 40 },
        { endpoint: '10.0.0.2:5432', role: 'replica', open: 6 },
      ],
    });
    const detail = await shop.get(applications.applicationDetail, `${base}/applications/pools`);
    expect(detail.pools.map(({ endpoint }) => endpoint).toSorted()).toEqual(['10.0.0.1:5432', '10.0.0.2:5432']);
    for (const { open } of detail.pools) expect(open).toHaveLength(detail.series.at.length);
    const metrics = await shop.get(performance.metrics, `${base}/performance/metrics?names=application.*`);
    expect(metrics.series.some(({ labels }) => labels['application'] === 'pools')).toBe(true);

    const scraped = parsePrometheusText(await (await shop.app.request('/metrics')).text());
    const own = scraped.filter(({ labels }) => labels['application'] === 'pools');
    const value = (name: string, labels: Record<string, string> = {}) =>
      own.find((each) => each.name === name && Object.entries(labels).every(([key, text]) => each.labels[key] === text))
        ?.value;
    expect(value('pitcrew_application_pool_open', { role: 'primary' })).toBe(16);
    expect(value('pitcrew_application_instances')).toBe(2);
    expect(value('pitcrew_application_errors_total')).toBe(2);
    expect(value('pitcrew_application_call_seconds_count')).toBe(8);
    expect(value('pitcrew_application_call_seconds_bucket', { le: '0.000256' })).toBe(2);
    expect(value('pitcrew_application_call_seconds_bucket', { le: '0.016384' })).toBe(6);
    expect(value('pitcrew_application_call_seconds_bucket', { le: '+Inf' })).toBe(8);
    expect(value('pitcrew_application_call_seconds_sum')).toBeCloseTo(0.2224, 6);
  });

  test('with their requests, timers and waits for connections', async () => {
    const report = {
      application: 'requests',
      instance: 'a',
      scopes: [
        reportedScope('GET /orders', [10, 20, 300], { statements: 60, mostStatements: 51 }),
        reportedScope('nightly cleanup', [40], { heapGrowths: 1, heapGrowth: 4096, mostHeapGrowth: 4096 }),
        reportedScope('GET /parallel', [10], { statementMs: 35 }),
      ],
      timers: [reportedTimer('checkout', [5, 15])],
      poolCounts: reportedPoolCounts([0, 0, 8], { acquireTimeouts: 1, closed: 2 }),
    };
    await accepted(send(report));
    await accepted(send(report));
    const path = `${base}/applications/requests?step=10s`;
    const detail = await shop.get(applications.applicationDetail, path);
    const [orders, cleanup, parallel] = detail.scopes;
    expect(orders).toMatchObject({ name: 'GET /orders', count: 6, totalMs: 660, maxMs: 300, statements: 120 });
    expect(orders).toMatchObject({ statementsPerScope: 20, mostStatements: 51, databaseShare: 0.5 });
    expect(orders?.p50Ms).toBeCloseTo(20, 0);
    expect(orders?.meanHeapGrowthBytes).toBeNull();
    expect(cleanup).toMatchObject({ name: 'nightly cleanup', meanHeapGrowthBytes: 4096, mostHeapGrowthBytes: 4096 });
    expect(parallel).toMatchObject({ databaseMs: 70, databaseShare: 1 });
    expect(detail.timers).toMatchObject([{ name: 'checkout', count: 4, totalMs: 40, maxMs: 15 }]);
    expect(detail.acquires).toMatchObject({ count: 8, acquired: 6, timeouts: 2, errors: 0, opened: 2, closed: 4 });
    const timeouts = detail.acquires?.series.timeoutsPerSecond ?? [];
    expect(timeouts).toHaveLength(detail.series.at.length);
    expect(timeouts.reduce<number>((sum, each) => sum + (each ?? 0), 0) * detail.step).toBeCloseTo(2, 6);

    const scraped = parsePrometheusText(await (await shop.app.request('/metrics')).text());
    const value = (name: string, labels: Record<string, string> = {}) =>
      scraped.find(
        (each) =>
          each.name === `pitcrew_application_${name}` &&
          Object.entries({ application: 'requests', ...labels }).every(([key, text]) => each.labels[key] === text),
      )?.value;
    expect(value('request_seconds_count')).toBe(10);
    expect(value('request_statements_total')).toBe(128);
    expect(value('timer_seconds_count', { timer: 'checkout' })).toBe(4);
    expect(value('timer_seconds_bucket', { timer: 'checkout', le: '0.008192' })).toBe(2);
    expect(value('acquire_timeouts_total')).toBe(2);
    expect(value('connections_opened_total')).toBe(2);
    // Requests have no label of their name, of which there may be many.
    expect(scraped.some(({ labels }) => Object.values(labels).includes('GET /orders'))).toBe(false);
  });

  test('whose library is older have what it tells', async () => {
    const {
      scopes: _,
      timers: __,
      poolCounts: ___,
      ...older
    } = applicationReport({
      application: 'older',
      statements: [reportedStatement('0f', [1])],
    });
    await accepted(sendBody(JSON.stringify(older)));
    const detail = await shop.get(applications.applicationDetail, `${base}/applications/older`);
    expect(detail).toMatchObject({ application: { calls: 1 }, scopes: [], timers: [], acquires: null });
  });
});
