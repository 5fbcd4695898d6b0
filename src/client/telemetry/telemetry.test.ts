import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import { createPool, type CreatePoolOptions, type MeasuredPool } from '../create-pool.ts';
import { runInScope } from '../scope.ts';
import type { RepeatedStatement, SlowStatement } from './options.ts';
import { applicationReport, type ApplicationReport } from './report.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, customer int)');
  await database.query('INSERT INTO orders SELECT i, i % 10 FROM generate_series(1, 100) i');
});

afterAll(() => database[Symbol.asyncDispose]());

const open = (options: CreatePoolOptions = {}): MeasuredPool =>
  createPool({ connectionString: database.url, ...options });
const byId = 'SELECT * FROM orders WHERE id = $1';

describe('statistics', () => {
  test('count calls, rows, errors and durations per statement, with the lines that call it', async () => {
    await using pool = open();
    for (let i = 1; i <= 30; i++) await pool.query(byId, [i]);
    await pool.query('SELECT * FROM  orders  WHERE id = 7 -- the same one');
    for (let i = 0; i < 3; i++) await pool.query('SELECT 1 / (id - id) FROM orders').catch(() => {});
    await using client = Object.assign(await pool.connect(), {
      [Symbol.asyncDispose]: async () => client.release(),
    });
    await client.query(byId, [1]);
    const { statements } = pool.telemetry?.snapshot() ?? { statements: [] };
    const orders = statements.find(({ text }) => text.includes('WHERE id'));
    expect(orders).toMatchObject({ kind: 'select', calls: 32, rows: 32, errors: 0 });
    expect(orders?.callSites[0]?.site).toMatch(/telemetry\.test\.ts:\d+$/);
    expect(orders?.p50Ms).toBeGreaterThan(0);
    expect(orders?.p99Ms).toBeGreaterThanOrEqual(orders?.p50Ms ?? Infinity);
    expect(statements.find(({ text }) => text.includes('id - id'))).toMatchObject({
      calls: 3,
      errors: 3,
      errorClasses: { '22': 3 },
    });
  });

  test('a bounded number of statements is kept apart', async () => {
    await using pool = open({ telemetry: { maxStatements: 3 } });
    for (let i = 1; i <= 6; i++) await pool.query(`SELECT ${'id, '.repeat(i)} 1 FROM orders`);
    const { statements } = pool.telemetry?.snapshot() ?? { statements: [] };
    expect(statements.length).toBe(4);
    expect(statements.find(({ text }) => text === 'other statements')?.calls).toBe(3);
  });

  test('without telemetry nothing is counted', async () => {
    await using pool = open({ telemetry: false });
    await pool.query(byId, [1]);
    expect(pool.telemetry).toBeUndefined();
  });
});

describe('slow statements', () => {
  test('are told with their line, without values', async () => {
    const slow: SlowStatement[] = [];
    const warn = vi.fn();
    await using pool = open({
      telemetry: { slow: { select: 200 }, onSlow: (entry) => slow.push(entry), logger: { warn } },
    });
    // The very first statement, which waits for the parser.
    await pool.query('SELECT pg_sleep($1), $2 AS secret', [0.2, 'hunter2']);
    expect(slow).toMatchObject([{ kind: 'select', bindings: undefined, rows: 1 }]);
    expect(slow[0]?.durationMs).toBeGreaterThanOrEqual(200);
    expect(slow[0]?.callSite).toMatch(/telemetry\.test\.ts:\d+$/);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('hunter2');
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('with types or values where that is wanted', async () => {
    const seen: unknown[] = [];
    for (const bindings of ['types', 'values'] as const) {
      await using pool = open({ telemetry: { slow: 0, bindings, onSlow: (entry) => seen.push(entry.bindings) } });
      await pool.query('SELECT $1::int AS a, $2::text AS b, $3::text AS c', [1, 'x', null]);
    }
    expect(seen).toEqual([
      ['number', 'string', 'null'],
      ['1', 'x', 'null'],
    ]);
  });

  test('a log of everything is bounded', async () => {
    const slow: SlowStatement[] = [];
    await using pool = open({ telemetry: { slow: 0, onSlow: (entry) => slow.push(entry) } });
    await Promise.all(Array.from({ length: 300 }, (_, i) => pool.query(byId, [i])));
    expect(slow.length).toBeLessThan(100);
  });
});

describe('scopes', () => {
  test('a statement called again and again from one line in one request is found, once', async () => {
    const found: RepeatedStatement[] = [];
    await using pool = open({ telemetry: { onRepeated: (finding) => found.push(finding) } });
    for (let request = 0; request < 3; request++) {
      await runInScope('GET /orders', async () => {
        await pool.query('SELECT id FROM orders');
        for (let i = 0; i < 25; i++) await pool.query(byId, [i]);
      });
    }
    // Not in one request: no repetition.
    for (let i = 0; i < 25; i++) await runInScope('GET /order', () => pool.query(byId, [i]));
    expect(found).toMatchObject([
      { scope: 'GET /orders', callSite: expect.stringMatching(/telemetry\.test\.ts:\d+$/) },
    ]);
    const { repeated, statements } = pool.telemetry?.snapshot() ?? { repeated: [], statements: [] };
    expect(repeated).toMatchObject([{ scope: 'GET /orders', scopes: 3, most: 25 }]);
    expect(statements.find(({ text }) => text.includes('WHERE id'))?.scopes).toEqual([
      { name: 'GET /orders', calls: 75, scopes: 3, most: 25 },
      { name: 'GET /order', calls: 25, scopes: 25, most: 1 },
    ]);
  });
});

test('diagnostics channels tell of statements, waits, connections and warnings', async () => {
  const seen: Record<string, unknown[]> = { statement: [], acquire: [], connection: [], warning: [] };
  const listener = (message: unknown, name: string | symbol): void =>
    void seen[String(name).replace('pitcrew:', '')]?.push(message);
  for (const name of Object.keys(seen)) subscribe(`pitcrew:${name}`, listener);
  try {
    await using pool = open({ lanes: 0, max: 1, connectionTimeoutMillis: 2000 });
    await pool.query(byId, [1]);
    const client = await pool.connect();
    await expect(pool.connect()).rejects.toMatchObject({ code: 'E_POOL_TIMEOUT' });
    client.release();
    await using away = open({ port: 1, host: '127.0.0.1', connectionString: undefined, failoverTimeoutMillis: 0 });
    await expect(away.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  } finally {
    for (const name of Object.keys(seen)) unsubscribe(`pitcrew:${name}`, listener);
  }
  const endpoint = expect.stringMatching(/:\d+$/);
  expect(seen['statement']).toMatchObject([{ rows: 1, endpoint, role: 'primary' }]);
  expect(seen['acquire']).toMatchObject([
    { endpoint, role: 'primary', waitedMs: expect.any(Number), error: undefined },
    { endpoint, error: undefined },
    { endpoint, error: { code: 'E_POOL_TIMEOUT' } },
    { endpoint, error: { code: 'ECONNREFUSED' } },
  ]);
  // Channels are the whole process's: connections of other tests may be closed meanwhile.
  for (const message of [
    { type: 'opened', endpoint, tookMs: expect.any(Number), error: undefined },
    { type: 'failed', endpoint, tookMs: expect.any(Number), error: expect.objectContaining({ code: 'ECONNREFUSED' }) },
    { type: 'closed', endpoint, reason: expect.any(String) },
  ])
    expect(seen['connection']).toContainEqual(message);
  expect(seen['warning']).toMatchObject([{ code: 'exhausted', detail: expect.stringContaining('1 of 1 connections') }]);
});

test('timers measure what the application wants', async () => {
  await using pool = open();
  const { telemetry } = pool;
  const timer = telemetry?.startTimer('checkout');
  telemetry?.startTimer('checkout');
  await pool.query('SELECT 1');
  expect(telemetry?.endTimer('checkout')).toBeGreaterThan(0);
  expect(timer?.end()).toBeGreaterThan(0);
  expect(telemetry?.endTimer('checkout')).toBeUndefined();
  expect(telemetry?.snapshot().timers).toMatchObject([{ name: 'checkout', count: 2 }]);
});

describe('the reporter', () => {
  /** A server that takes reports; the first ones meet the given fates. */
  async function receiver(...fates: ('refuse' | 'lose')[]) {
    const reports: ApplicationReport[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const fate = fates.shift();
        if (fate === 'refuse') {
          response.writeHead(503).end('away');
          return;
        }
        expect(request.headers.authorization).toBe('Bearer secret');
        reports.push(applicationReport.parse(JSON.parse(gunzipSync(Buffer.concat(chunks)).toString('utf8'))));
        // Taken, but the answer is lost.
        if (fate === 'lose') request.socket.destroy();
        else response.writeHead(202).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      reports,
      url,
      [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
    };
  }

  const calls = (reports: ApplicationReport[]): number =>
    [...new Map(reports.map((report) => [report.sequence, report])).values()]
      .flatMap(({ statements }) => statements)
      .filter(({ text }) => text.includes('WHERE id'))
      .reduce((sum, statement) => sum + statement.calls, 0);

  test('sends every call once, whatever becomes of single reports', async () => {
    await using server = await receiver('refuse', 'lose', 'refuse');
    const pool = open({ report: { url: server.url, token: 'secret', application: 'shop', intervalMs: 20 } });
    for (let i = 0; i < 200; i++) await pool.query(byId, [i % 100]);
    await expect.poll(() => calls(server.reports)).toBeGreaterThan(0);
    await pool.end();
    expect(calls(server.reports)).toBe(200);
    expect(server.reports[0]).toMatchObject({ version: 1, application: 'shop', pool: [{ role: 'primary' }] });
  });

  test('a daemon that is away does no harm', async () => {
    const pool = open({ report: { url: 'http://127.0.0.1:1', application: 'shop', intervalMs: 10 } });
    expect((await pool.query(byId, [1])).rowCount).toBe(1);
    await pool.end();
  });
});
