import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, metrics, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { outcomeOf, statement } from '../../../../test/support/outcomes.ts';
import { type TestDatabase, testDatabase } from '../../../../test/support/postgres.ts';
import { createPool, type CreatePoolOptions, type MeasuredPool } from '../../create-pool.ts';
import { PitcrewError } from '../../../errors.ts';
import { createTelemetry } from '../index.ts';
import { querySummary } from './summary.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, customer text)');
  await database.query("INSERT INTO orders SELECT i, 'c' || i FROM generate_series(1, 10) i");
});

afterAll(() => database[Symbol.asyncDispose]());

afterEach(() => {
  metrics.disable();
  trace.disable();
  context.disable();
});

const open = (options: CreatePoolOptions = {}): MeasuredPool =>
  createPool({ connectionString: database.url, ...options });

/** Providers as an application registers them. */
function registered() {
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] });
  trace.setGlobalTracerProvider(tracerProvider);
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 600_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const store = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (own, fn, thisArg, ...args) => store.run(own, () => fn.call(thisArg as never, ...args)),
    bind: (_own, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  return {
    spans: () => spanExporter.getFinishedSpans(),
    async metrics() {
      metricExporter.reset();
      await reader.forceFlush();
      const all = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
      return new Map(all.flatMap((scope) => scope.metrics).map((metric) => [metric.descriptor.name, metric]));
    },
  };
}

test('spans and durations follow the conventions, where a provider is registered', async () => {
  const sdk = registered();
  await using pool = open({ telemetry: { otel: { database: 'shop' } } });
  await pool.telemetry?.ready;
  const request = trace.getTracer('test').startSpan('GET /orders');
  await context.with(trace.setSpan(context.active(), request), async () => {
    await pool.query("SELECT customer FROM orders WHERE id = $1 AND customer <> 'secret'", [1]);
    await pool.query("INSERT INTO orders VALUES (1, 'hunter2')").catch(() => undefined);
  });
  const [select, insert] = sdk.spans();
  expect(select).toMatchObject({
    name: 'SELECT orders',
    kind: SpanKind.CLIENT,
    parentSpanContext: { spanId: request.spanContext().spanId },
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': 'shop',
      'db.query.summary': 'SELECT orders',
      'db.query.text': 'SELECT customer FROM orders WHERE id = $1 AND customer <> $2',
      'server.address': new URL(database.url).hostname,
      'server.port': Number(new URL(database.url).port),
    },
  });
  expect(insert).toMatchObject({
    name: 'INSERT orders',
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': '23505', 'db.response.status_code': '23505' },
  });
  expect(
    JSON.stringify(sdk.spans().map(({ attributes, events, status }) => ({ attributes, events, status }))),
  ).not.toMatch(/hunter2|secret/);
  const duration = (await sdk.metrics()).get('db.client.operation.duration');
  expect(duration?.descriptor).toMatchObject({
    unit: 's',
    advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
  });
  const points = duration?.dataPoints as DataPoint<Histogram>[];
  const selects = points.find(({ attributes }) => attributes['db.query.summary'] === 'SELECT orders');
  expect(selects?.value.count).toBe(1);
  expect(selects?.value.sum).toBeLessThan(60);
  expect(selects?.attributes).not.toHaveProperty('db.query.text');
  request.end();
});

test('connections are counted by state', async () => {
  const sdk = registered();
  await using pool = open({ max: 1, lanes: 0, connectionTimeoutMillis: 2000 });
  await pool.query('SELECT 1');
  await pool.telemetry?.ready;
  const client = await pool.connect();
  await expect(pool.connect()).rejects.toThrow();
  const read = await sdk.metrics();
  client.release();
  const values = (name: string): [unknown, unknown][] =>
    (read.get(`db.client.connection.${name}`)?.dataPoints ?? []).map(({ attributes, value }) => [
      attributes['db.client.connection.state'],
      value,
    ]);
  expect(values('count')).toEqual([
    ['idle', 0],
    ['used', 1],
  ]);
  expect(values('max')).toEqual([[undefined, 1]]);
  expect(values('pending_requests')).toEqual([[undefined, 0]]);
  expect(values('timeouts')).toEqual([[undefined, 1]]);
  expect(read.get('db.client.connection.wait_time')?.dataPoints[0]?.attributes).toEqual({
    'db.client.connection.pool.name': new URL(database.url).host,
  });
  const used = (await sdk.metrics()).get('db.client.connection.use_time');
  expect(used?.descriptor.unit).toBe('s');
  const [held] = (used?.dataPoints ?? []) as DataPoint<Histogram>[];
  expect(held?.attributes).toEqual({ 'db.client.connection.pool.name': new URL(database.url).host });
  // The one that was held while the other caller waited 2 s in vain.
  expect(held?.value.max).toBeGreaterThan(1.9);
});

test('without a provider, or when it is not wanted, nothing is loaded', async () => {
  await using alone = open();
  await alone.query('SELECT 1');
  const sdk = registered();
  await using unwanted = open({ telemetry: { otel: false } });
  await unwanted.query('SELECT 1');
  await using withoutSpans = open({ telemetry: { otel: { spans: false } } });
  await withoutSpans.telemetry?.ready;
  await withoutSpans.query('SELECT 1');
  expect(sdk.spans()).toEqual([]);
  expect((await sdk.metrics()).get('db.client.operation.duration')?.dataPoints).toMatchObject([
    { attributes: { 'db.namespace': database.name } },
  ]);
});

test('attributes of metrics do not grow with the names of tables', async () => {
  const sdk = registered();
  const telemetry = createTelemetry({ otel: true });
  await telemetry.ready;
  for (let id = 0; id < 1000; id++) telemetry.statementEnded(undefined, outcomeOf(statement(id)));
  telemetry.acquired({
    endpoint: '[::1]:5432',
    role: 'analytics',
    waitedMs: 5,
    error: new PitcrewError('E_POOL_TIMEOUT', 'no connection'),
  });
  const read = await sdk.metrics();
  expect(read.get('db.client.operation.duration')?.dataPoints).toHaveLength(301);
  expect(read.get('db.client.connection.timeouts')?.dataPoints[0]?.attributes).toEqual({
    'db.client.connection.pool.name': '[::1]:5432/analytics',
  });
});

test('summaries name the operation and its tables', () => {
  const table = (name: string, schema?: string) => ({ schema, name });
  const base = statement(1);
  expect(querySummary({ ...base, read: [table('orders'), table('song list', 'x')] })).toBe(
    'SELECT orders "x.song list"',
  );
  expect(
    querySummary({ ...base, kind: 'insert', written: [table('totals')], read: [table('orders'), table('totals')] }),
  ).toBe('INSERT totals SELECT orders');
  expect(querySummary({ ...base, kind: 'transaction', read: [], normalized: 'begin' })).toBe('BEGIN');
  expect(querySummary({ ...base, kind: 'unknown' })).toBeUndefined();
  expect(querySummary(undefined)).toBeUndefined();
  const many = querySummary({ ...base, read: Array.from({ length: 100 }, (_, at) => table(`table_${at}`)) });
  expect(many?.length).toBeLessThanOrEqual(255);
  expect(many).toMatch(/ table_\d+$/);
});
