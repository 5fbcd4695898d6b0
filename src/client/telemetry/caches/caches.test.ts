import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/folder.ts';
import { createCache, createWarmer, fileTier } from '../../cache/index.ts';
import { type CacheCommand, type CacheFigures, cacheReporting, createTelemetry, Reporter } from '../index.ts';
import { applicationReport, type ApplicationReport } from '../report.ts';

/** A daemon that answers each report with what there is in `answers`, and `{}` when there is nothing more. */
async function daemon(...answers: string[]) {
  const reports: ApplicationReport[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      reports.push(applicationReport.parse(JSON.parse(gunzipSync(Buffer.concat(chunks)).toString('utf8'))));
      response.writeHead(202).end(answers.shift() ?? '{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const telemetry = createTelemetry();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Nothing is sent by the clock.
  const options = { application: 'shop', intervalMs: 600_000, url };
  const reporter = new Reporter(options, { telemetry, endpoints: () => [] });
  return {
    telemetry,
    reporter,
    reports,
    async [Symbol.asyncDispose]() {
      await reporter.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const commands = (...list: object[]): string => JSON.stringify({ accepted: true, commands: list });

test('a cache is reported by what it has counted since the last time, and as it is now', async () => {
  await using folder = temporaryFolder();
  await using server = await daemon();
  const { telemetry, reporter, reports } = server;
  const tier = fileTier({ folder: folder.path });
  await using cache = createCache({ tiers: [tier] });
  const end = telemetry.observeCache(cacheReporting(cache, { name: 'catalogue' }));
  await cache.remember('orders:1', '1m', () => 1, { tags: ['orders'] });
  await cache.settled();
  await cache.get('orders:1');
  await cache.invalidateTags('orders');
  await reporter.flush();
  await reporter.flush();
  await cache.remember('orders:2', '1m', () => 2);
  await cache.settled();
  // What was counted before it ended is told.
  end();
  await reporter.flush();
  await reporter.flush();
  const told = reports.map(({ caches }) => caches);
  expect(told).toMatchObject([
    [
      {
        name: 'catalogue',
        kind: 'values',
        misses: 1,
        staleHits: 0,
        loads: 1,
        loadErrors: 0,
        invalidations: { tag: 1 },
        refused: {},
        bypasses: {},
        groups: [{ group: 'orders', misses: 1 }],
        stream: null,
        warmers: [],
        tiers: [
          { name: 'memory', hits: 1, lookups: 2, misses: 1, lookupMs: 0, entries: 1, isAway: false },
          { name: 'file', hits: 0, lookups: 1, misses: 1, isAway: false },
        ],
      },
    ],
    [{ misses: 0, loads: 0, loadMs: 0, invalidations: {}, groups: [], tiers: [{ hits: 0 }, { lookups: 0 }] }],
    [{ misses: 1, loads: 1, invalidations: {}, groups: [{ group: 'orders', misses: 1 }] }],
    [],
  ]);
  expect(told[0]?.[0]?.tiers[1]?.lookupMs).toBeGreaterThan(0);
});

test('which tier gave an answer is told apart, of single keys, of many, and of those who wait for one lookup', async () => {
  await using near = temporaryFolder();
  await using far = temporaryFolder();
  const tiers = () => [fileTier({ folder: near.path }), fileTier({ folder: far.path })];
  {
    await using filled = createCache({ tiers: tiers() });
    await filled.setMany(['a', 'b', 'c', 'd'].map((key) => [key, key]));
  }
  await using behind = createCache({ memory: false, tiers: tiers().slice(0, 1) });
  await behind.delete('c', 'd');
  await using cache = createCache({ tiers: tiers() });
  const load = (): never => {
    throw new Error('nothing is loaded');
  };
  await Promise.all([cache.remember('a', '1m', load), cache.remember('a', '1m', load), cache.get('b')]);
  expect([...(await cache.getMany(['a', 'c', 'd', 'e'])).keys()].toSorted()).toEqual(['a', 'c', 'd']);
  const { tiers: told } = cacheReporting(cache, { name: 'x' }).figures();
  expect(told).toMatchObject([
    { name: 'memory', hits: 1, misses: 6 },
    { name: 'file', hits: 3, lookups: 5, misses: 3 },
    { name: 'file 2', hits: 2, lookups: 3, misses: 1 },
  ]);
});

test('figures without end, without sense or not to be had do not spoil a report', async () => {
  await using server = await daemon();
  const many = (length: number, name: string) => Array.from({ length }, (_, index) => `${name} ${index}`);
  const figures: CacheFigures = {
    tiers: many(30, 't').map((name) => ({
      name,
      hits: Number.NaN,
      evictions: -1,
      unreadable: 1.5,
      refused: Infinity,
      bytes: Number.NaN,
      isAway: false,
    })),
    misses: 2.4,
    staleHits: 0,
    loads: 0,
    loadErrors: 0,
    loadMs: 0.25,
    invalidations: Object.fromEntries(many(90, 'x'.repeat(60)).map((label, index) => [label, 1 + index])),
    refused: Object.fromEntries(many(90, 'r').map((label) => [label, 1])),
    groups: many(300, 'g').map((group) => ({ group, hits: 1, misses: 0 })),
    stream: { truth: 'stream', state: 's'.repeat(900), reason: 'r'.repeat(900), leader: false },
  };
  const run = async () => ({ ok: true });
  const { telemetry, reporter, reports } = server;
  telemetry.observeCache({ name: 'wild', kind: 'queries', figures: () => figures, run });
  telemetry.observeCache({
    name: 'broken',
    kind: 'values',
    figures: () => {
      throw new Error('no');
    },
    run,
  });
  for (let turn = 0; turn < 2; turn += 1) await reporter.flush();
  expect(reporter.lastError).toBeUndefined();
  const [first, second] = reports.map(({ caches }) => caches);
  expect(first).toMatchObject([{ name: 'wild', misses: 2, loadMs: 0.25 }]);
  expect(first?.[0]?.tiers).toHaveLength(8);
  expect(first?.[0]?.groups).toHaveLength(100);
  expect(first?.[0]?.invalidations).toEqual({ ['x'.repeat(50)]: 1 });
  expect(Object.keys(first?.[0]?.refused ?? {})).toHaveLength(20);
  expect(second).toMatchObject([{ misses: 0, loadMs: 0, invalidations: {}, refused: {}, groups: [] }]);
});

test('a counter that begins anew counts from there', async () => {
  await using server = await daemon();
  let misses = 10;
  const telemetry = server.telemetry;
  const rest = { staleHits: 0, loads: 0, loadErrors: 0, loadMs: 0, invalidations: {}, refused: {}, groups: [] };
  telemetry.observeCache({
    name: 'renewed',
    kind: 'values',
    figures: () => ({ ...rest, tiers: [], misses }),
    run: async () => ({ ok: true }),
  });
  for (const now of [10, 14, 3]) {
    misses = now;
    await server.reporter.flush();
  }
  expect(server.reports.map(({ caches }) => caches[0]?.misses)).toEqual([10, 4, 3]);
});

test('two caches of one name are refused, until the first has ended', async () => {
  const telemetry = createTelemetry();
  const reported = () => cacheReporting(createCache(), { name: 'catalogue' });
  const end = telemetry.observeCache(reported());
  expect(() => telemetry.observeCache(reported())).toThrow(/two caches are reported as "catalogue"/);
  end();
  telemetry.observeCache(reported());
  expect(() => cacheReporting(createCache(), { name: '' })).toThrow(/must have a name/);
});

test('what the answer to a report asks for is done once, and its result is sent at once', async () => {
  const clear = { id: '1', cache: 'catalogue', action: 'clear' };
  const tags = { id: '2', cache: 'sessions', action: 'invalidate', tags: ['a'], patterns: ['b:*'], keys: ['c'] };
  // A daemon that has not got the results yet gives the commands again.
  await using server = await daemon(commands(clear, tags), commands(clear, tags));
  const { telemetry, reporter, reports } = server;
  await using catalogue = createCache();
  await using sessions = createCache();
  telemetry.observeCache(cacheReporting(catalogue, { name: 'catalogue' }));
  telemetry.observeCache(cacheReporting(sessions, { name: 'sessions' }));
  await catalogue.set('x', 1);
  await sessions.set('tagged', 1, { tags: ['a'] });
  for (const key of ['b:1', 'c', 'd']) await sessions.set(key, 1);
  await reporter.flush();
  await expect.poll(() => reports.flatMap(({ commandResults }) => commandResults), { timeout: 10_000 }).toHaveLength(2);
  await reporter.flush();
  expect(catalogue.peek('x')).toBeUndefined();
  expect(['tagged', 'b:1', 'c', 'd'].map((key) => sessions.peek(key))).toEqual([undefined, undefined, undefined, 1]);
  const results = reports.flatMap(({ commandResults }) => commandResults);
  expect(results.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    { id: '1', cache: 'catalogue', ok: true, error: null, detail: null },
    { id: '2', cache: 'sessions', ok: true, error: null, detail: null },
  ]);
  expect(catalogue.stats().invalidations.all).toBe(1);
});

test('a warmer runs by its name, and what cannot be done is told', async () => {
  const warm = (id: string, warmer: string) => ({ id, cache: 'catalogue', action: 'warm', warmer });
  await using server = await daemon(
    commands(warm('1', 'bestsellers'), warm('2', 'unknown'), warm('3', 'failing'), {
      id: '4',
      cache: 'gone',
      action: 'clear',
    }),
  );
  const { telemetry, reporter, reports } = server;
  await using cache = createCache();
  const bestsellers = createWarmer(cache, {
    name: 'bestsellers',
    keys: [1, 2, 3],
    load: (id) => cache.remember(`products:${id}`, '1m', () => id),
  });
  const failing = {
    status: () => ({ ...bestsellers.status(), name: 'failing' }),
    warm: () => Promise.reject(new Error('no')),
  };
  telemetry.observeCache(cacheReporting(cache, { name: 'catalogue' }), { warmers: [bestsellers, failing] });
  await reporter.flush();
  expect(reports[0]?.caches[0]?.warmers).toEqual(['bestsellers', 'failing']);
  await expect.poll(() => reports.flatMap(({ commandResults }) => commandResults), { timeout: 10_000 }).toHaveLength(4);
  expect(cache.peek('products:3')).toBe(3);
  const results = reports.flatMap(({ commandResults }) => commandResults);
  expect(results.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
    { ok: true, detail: '3 loaded' },
    { ok: false, error: 'this process has no such warmer' },
    { ok: false, error: 'no' },
    { ok: false, error: 'this process reports no such cache' },
  ]);
});

test('answers that make no sense, as of an older daemon, are passed over', async () => {
  const wild = [null, 7, { id: 1 }, { id: 'a', cache: 'catalogue', action: 'drop' }, { id: 'b', action: 'clear' }];
  const answers = ['', 'ok', '[]', 'null', '{"commands":"clear"}', JSON.stringify({ commands: wild })];
  await using server = await daemon(...answers);
  const seen: CacheCommand[] = [];
  await using cache = createCache();
  server.telemetry.observeCache({
    ...cacheReporting(cache, { name: 'catalogue' }),
    async run(command) {
      seen.push(command);
      return { ok: true };
    },
  });
  for (const _ of answers) await server.reporter.flush();
  await server.reporter.flush();
  expect(server.reporter.lastError).toBeUndefined();
  expect(server.reports.flatMap(({ commandResults }) => commandResults)).toEqual([]);
  expect(seen).toEqual([]);
});
