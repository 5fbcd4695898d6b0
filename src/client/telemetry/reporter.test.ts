import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { endStatement, statement } from '../../../test/support/outcomes.ts';
import { PitcrewError } from '../../errors.ts';
import { runInScope } from '../scope.ts';
import { createTelemetry, Reporter, type ReporterOptions, type Telemetry } from './index.ts';
import { applicationReport, type ApplicationReport } from './report.ts';

/** What becomes of a report: a status to answer with, or that it is taken and the answer lost. */
type Fate = number | 'lose';

/** A daemon that takes each report once by its number, as the real one; the first meet the given fates. */
async function daemon(...fates: Fate[]) {
  const taken = new Map<number, ApplicationReport>();
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.push(`${request.method} ${request.url}`);
      const fate = fates.shift() ?? 202;
      if (fate === 'lose' || fate < 300) {
        const report = applicationReport.parse(JSON.parse(gunzipSync(Buffer.concat(chunks)).toString('utf8')));
        taken.set(report.sequence, report);
      }
      if (fate === 'lose') request.socket.destroy();
      else response.writeHead(fate).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    reports: () => [...taken.values()],
    calls: () => [...taken.values()].flatMap(({ statements }) => statements).reduce((sum, { calls }) => sum + calls, 0),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function reporterOf(telemetry: Telemetry, options: Partial<ReporterOptions> & { url: string }): Reporter {
  return new Reporter({ application: 'shop', intervalMs: 600_000, ...options }, { telemetry, endpoints: () => [] });
}

const call = (telemetry: Telemetry, times: number): void => {
  for (let i = 0; i < times; i++) endStatement(telemetry, statement(1), { durationMs: 2 });
};

test('a report says what was done since the one before, in a form that the daemon takes', async () => {
  await using server = await daemon();
  const telemetry = createTelemetry({ ignoreCallers: ['test/support/'] });
  const reporter = reporterOf(telemetry, { url: `${server.url}/pitcrew/`, database: 'shop db' });
  runInScope('GET /orders', () => call(telemetry, 12));
  await reporter.flush();
  call(telemetry, 3);
  await reporter.flush();
  await reporter.close();
  expect(server.paths[0]).toBe('POST /pitcrew/api/v1/database/ingest?database=shop+db');
  const [first, second, third] = server.reports();
  expect(first?.statements).toMatchObject([
    {
      fingerprint: statement(1).fingerprint,
      text: statement(1).normalized,
      calls: 12,
      rows: 12,
      totalMs: 24,
      maxMs: 2,
      histogram: [[expect.any(Number), 12]],
      scopes: [{ name: 'GET /orders', calls: 12, requests: 1, most: 12 }],
    },
  ]);
  const site = expect.stringMatching(/reporter\.test\.ts:\d+$/) as string;
  expect(first?.statements[0]?.callSites[0]?.site).toEqual(site);
  expect(first?.repeated).toEqual([
    { scope: 'GET /orders', fingerprint: statement(1).fingerprint, site, requests: 1, most: 12 },
  ]);
  expect(second?.statements).toMatchObject([{ calls: 3, scopes: [] }]);
  expect(second?.repeated).toEqual([]);
  expect(second?.from).toBe(first?.to);
  expect(third?.statements).toEqual([]);
});

test('requests, timers and waits for connections are reported as increases, and the snapshot keeps them', async () => {
  await using server = await daemon(503);
  const telemetry = createTelemetry({ memory: true });
  const reporter = reporterOf(telemetry, { url: server.url });
  const endpoint = { endpoint: 'db-1:5432', role: 'primary' as const };
  const request = (): void => {
    runInScope('GET /orders', () => call(telemetry, 3));
    telemetry.startTimer('checkout').end();
    telemetry.acquired({ ...endpoint, waitedMs: 4, error: undefined });
  };
  request();
  request();
  telemetry.acquired({ ...endpoint, waitedMs: 100, error: new PitcrewError('E_POOL_TIMEOUT', 'no connection') });
  telemetry.acquired({ ...endpoint, waitedMs: 1, error: new Error('refused') });
  telemetry.connectionOpened('db-1:5432', 7, undefined);
  telemetry.connectionOpened('db-1:5432', 7, new Error('refused'));
  // Refused once: nothing of it is lost.
  await reporter.flush();
  await reporter.flush();
  request();
  telemetry.connectionClosed('db-1:5432', 'idle');
  await reporter.flush();
  await reporter.flush();
  await reporter.close();
  const [first, empty, second, ...others] = server.reports();
  expect(first?.scopes).toMatchObject([
    { name: 'GET /orders', count: 2, statements: 6, mostStatements: 3, statementMs: 12 },
  ]);
  expect(first?.timers).toMatchObject([{ name: 'checkout', count: 2 }]);
  const [scope, timer] = [first?.scopes[0], first?.timers[0]];
  for (const told of [scope, timer]) {
    expect(told?.histogram.reduce((sum, [, count]) => sum + count, 0)).toBe(2);
    expect(told?.totalMs).toBeGreaterThan(0);
  }
  expect(first?.poolCounts).toMatchObject({
    acquired: 2,
    acquireTimeouts: 1,
    acquireErrors: 1,
    waitMs: 109,
    waitMaxMs: 100,
    opened: 1,
    openErrors: 1,
    openMs: 7,
    closed: 0,
  });
  expect(empty).toMatchObject({ scopes: [], timers: [], poolCounts: null });
  expect(second?.scopes).toMatchObject([{ name: 'GET /orders', count: 1, statements: 3 }]);
  expect(second?.timers).toMatchObject([{ name: 'checkout', count: 1 }]);
  expect(second?.poolCounts).toMatchObject({ acquired: 1, acquireTimeouts: 0, waitMs: 4, waitMaxMs: 4, closed: 1 });
  for (const later of others) expect(later).toMatchObject({ scopes: [], timers: [], poolCounts: null });
  expect(telemetry.snapshot()).toMatchObject({
    scopes: [{ name: 'GET /orders', scopes: 3, statements: 9 }],
    timers: [{ name: 'checkout', count: 3 }],
    pool: { acquired: 3, acquireTimeouts: 1, acquireErrors: 1, waitMaxMs: 100, opened: 1, openErrors: 1, closed: 1 },
  });
});

test('every call arrives once, whatever becomes of single reports', async () => {
  await using server = await daemon(503, 'lose', 401, 'lose', 500, 429);
  const telemetry = createTelemetry();
  const reporter = reporterOf(telemetry, { url: server.url });
  for (let round = 0; round < 10; round++) {
    call(telemetry, 10);
    await reporter.flush();
  }
  expect(reporter.lastError).toBeUndefined();
  await reporter.close();
  expect(server.calls()).toBe(100);
  expect(server.reports().map(({ sequence }) => sequence)).toEqual(server.reports().map((_, at) => at + 1));
});

test('what the daemon cannot read is given up, all else is kept', async () => {
  await using server = await daemon(422);
  const telemetry = createTelemetry();
  const reporter = reporterOf(telemetry, { url: server.url });
  call(telemetry, 10);
  await reporter.flush();
  expect(reporter.lastError).toContain('422');
  expect(reporter.refused).toBe(1);
  call(telemetry, 5);
  await reporter.flush();
  await reporter.close();
  expect(server.calls()).toBe(5);
});

test('says once that reports are not accepted, and once that they are again', async () => {
  await using server = await daemon(503, 503, 503);
  const warn = vi.fn();
  const reporter = reporterOf(createTelemetry(), { url: server.url, token: 'hunter2', logger: { warn } });
  for (let round = 0; round < 5; round++) await reporter.flush();
  await reporter.close();
  expect(warn.mock.calls.map(([, message]) => message as string)).toEqual([
    'reports are not accepted; trying again',
    'reports are accepted again',
  ]);
  expect(JSON.stringify(warn.mock.calls)).not.toContain('hunter2');
});

test('goes on by itself after failures', async () => {
  await using server = await daemon(503, 503);
  const telemetry = createTelemetry();
  const reporter = reporterOf(telemetry, { url: server.url, intervalMs: 5 });
  call(telemetry, 7);
  await expect.poll(() => server.calls()).toBe(7);
  await reporter.close();
});

test('closing gives up after a while', async () => {
  await using server = await daemon(...Array.from({ length: 1000 }, () => 503));
  const telemetry = createTelemetry();
  const reporter = reporterOf(telemetry, { url: server.url, intervalMs: 5 });
  call(telemetry, 1);
  await reporter.close();
  expect(server.calls()).toBe(0);
  expect(reporter.lastError).toContain('503');
});

test('options that make no sense are refused', () => {
  const telemetry = createTelemetry();
  const make = (options: Partial<ReporterOptions>): Reporter =>
    new Reporter({ url: 'http://127.0.0.1:1', application: 'shop', ...options }, { telemetry, endpoints: () => [] });
  for (const options of [{ url: '127.0.0.1:7432' }, { url: 'ftp://x' }, { intervalMs: 0 }, { application: '' }]) {
    expect(() => make(options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  }
});
