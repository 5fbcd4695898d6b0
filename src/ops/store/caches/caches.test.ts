import { expect, test } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { received, reportStore } from '../../../../test/support/report-store.ts';
import { applicationReport, reportedCache, reportedTier } from '../../../../test/support/reports.ts';
import { seededRandom } from '../../../../test/support/store.ts';
import { limits, otherName } from '../applications/limits.ts';
import type { ReceivedReport } from '../applications/types.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2026, 2, 1, 5, 7, 30);
const aDay = { targetId: 1, from: new Date(start - 24 * hour), to: new Date(start + 24 * hour) };

test.each([1, 2])(
  'figures of caches are equal on every level, whenever and however often they come (seed %i)',
  async (seed) => {
    await using database = await testDatabase();
    await using store = await reportStore(database);
    const random = seededRandom(seed);
    const sent: ReceivedReport[] = [];
    const sum = { hits: 0, misses: 0, memory: 0, evictions: 0, tags: 0, orders: 0, refused: 0 };
    let now = start;
    for (let round = 1; round <= 40; round++) {
      const [memory, redis, misses, tags, evictions] = [random(1000), random(50), random(20), random(4), random(9)];
      const cache = reportedCache('catalogue', {
        tiers: [reportedTier('memory', { hits: memory, evictions }), reportedTier('redis', { hits: redis })],
        misses,
        invalidations: { tag: tags, all: 1 },
        refused: { invalidated: tags },
        groups: [{ group: 'orders', hits: memory, misses }],
      });
      const other = reportedCache('sessions');
      const report = applicationReport(
        { sequence: round, caches: [cache, other] },
        new Date(now - (random(3) === 0 ? random(15 * minute) : 0)),
      );
      sum.hits += memory + redis;
      sum.memory += memory;
      sum.misses += misses;
      sum.evictions += evictions;
      sum.tags += tags;
      sum.refused += tags;
      sum.orders += memory;
      const one = received(report, new Date(report.to), new Date(now));
      sent.push(one);
      await store.write(one, ...sent.slice(random(sent.length)));
      if (random(3) === 0) await store.rollUp(now);
      now += random(4 * minute);
    }
    await store.rollUp(now + 2 * hour);

    const [catalogue, sessions] = await store.history.caches(aDay);
    expect([catalogue?.name, sessions?.name]).toEqual(['catalogue', 'sessions']);
    const part = (kind: string, name: string) =>
      catalogue?.parts.find((each) => each.kind === kind && each.name === name);
    const { hits, misses, evictions, memory, tags, refused, orders } = sum;
    expect(part('whole', '')).toMatchObject({ hits, misses, evictions, refused, staleHits: 80, loadUs: 1_600_000 });
    expect(part('tier', 'memory')).toMatchObject({ hits: memory, evictions });
    expect(part('tier', 'redis')).toMatchObject({ hits: hits - memory, lookups: 800, lookupUs: 160_000 });
    expect(part('group', 'orders')).toMatchObject({ hits: orders, misses });
    expect(part('invalidation', 'tag')).toMatchObject({ count: tags });
    expect(part('invalidation', 'all')).toMatchObject({ count: 40 });
    expect(part('refused', 'invalidated')).toMatchObject({ count: refused });
    expect(sessions?.parts.find(({ kind }) => kind === 'whole')).toMatchObject({ hits: 40 * 90, misses: 40 * 8 });
    for (const level of ['raw', 'minute', 'quarter_hour', 'hour']) {
      const { rows } = await store.client.query(`
        SELECT sum(rows.hits) AS hits, sum(rows.misses) AS misses
        FROM   pitcrew.cache_${level} AS rows
        JOIN   pitcrew.cache_part AS part ON part.id = cache_part_id
        JOIN   pitcrew.cache ON cache.id = cache_id
        WHERE  cache.name = 'catalogue' AND part.kind = 'whole'`);
      expect(rows, level).toEqual([{ hits, misses }]);
    }
    for (const step of [10, 60, 900, 3600]) {
      const course = await store.history.cacheSeries({ ...aDay, step, application: 'shop', cache: 'catalogue' });
      expect(course.points.filter(({ kind }) => kind === 'group')).toEqual([]);
      const whole = course.points.filter(({ kind }) => kind === 'whole');
      expect(whole.reduce((all, each) => all + each.hits, 0)).toBe(hits);
      const caused = course.points.filter(({ kind, name }) => kind === 'invalidation' && name === 'tag');
      expect(caused.reduce((all, each) => all + each.count, 0)).toBe(tags);
    }
    const totals = await store.history.cacheTotals({ targetId: 1, now: new Date(now) });
    const total = totals.find(({ cache, kind }) => cache === 'catalogue' && kind === 'whole');
    expect(total).toMatchObject({ hits, misses, evictions });
    expect(totals.map(({ kind }) => String(kind))).not.toContain('group');
  },
);

test('caches stand as their live processes last told, and their sizes have a course', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const at = (seconds: number): Date => new Date(start + seconds * 1000);
  const report = (instance: string, sequence: number, when: Date, bytes: number): ReceivedReport => {
    const tiers = [reportedTier('memory', { bytes }), reportedTier('redis', { bytes: 5000, isAway: bytes > 100 })];
    const stream = { truth: 'stream', state: 'streaming', reason: null, lagMs: bytes, leader: true } as const;
    const caches = [reportedCache('catalogue', { tiers, stream })];
    return received(applicationReport({ instance, sequence, caches }, when));
  };
  await store.write(report('a', 1, at(0), 100));
  await store.write(report('b', 1, at(5), 50));
  await store.write(report('a', 2, at(10), 110));
  // What came late is not how it stands.
  await store.write(report('a', 3, at(20), 120), report('b', 2, at(20), 60));
  const now = await store.history.cachesNow({ targetId: 1, now: at(25) });
  expect(now).toMatchObject([
    {
      application: 'shop',
      name: 'catalogue',
      instances: [
        { instance: 'a', tiers: [{ name: 'memory', bytes: 120 }, { isAway: true }] },
        { instance: 'b', tiers: [{ bytes: 60 }, { name: 'redis', isAway: false }], stream: { lagMs: 60 } },
      ],
    },
  ]);
  await store.write(report('b', 3, at(60), 70));
  expect(await store.history.cachesNow({ targetId: 1, now: at(61) })).toMatchObject([
    { instances: [{ instance: 'b' }] },
  ]);
  const { series } = await store.history.series({ ...aDay, names: ['cache.*'], step: 3600 });
  const last = (name: string, tier?: string) =>
    series.find((each) => each.name === name && each.labels['tier'] === tier)?.points.find(({ max }) => max !== null);
  // Memory is each process's own; what they share is as large as each says.
  expect(last('cache.bytes', 'memory')).toMatchObject({ min: 70, max: 180 });
  expect(last('cache.bytes', 'redis')).toMatchObject({ min: 5000, max: 5000 });
  expect(last('cache.stream_lag_seconds')).toMatchObject({ max: 0.12 });
});

test('names without end do not fill the store, and nothing of them is lost', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const now = new Date();
  const many = Array.from({ length: limits.caches + 5 }, (_, index) => reportedCache(`cache of tenant ${index}`));
  await store.write(received(applicationReport({ caches: many }, now)));
  for (let round = 0; round * 100 <= limits.cacheParts; round++) {
    const groups = Array.from({ length: 100 }, (_, index) => ({
      group: `g${100 * round + index}`,
      hits: 1,
      misses: 0,
    }));
    const caches = [reportedCache('cache of tenant 0', { groups })];
    await store.write(received(applicationReport({ sequence: 2 + round, caches }, now)));
  }
  const range = { targetId: 1, from: new Date(now.getTime() - hour), to: new Date(now.getTime() + minute) };
  const caches = await store.history.caches(range);
  expect(caches).toHaveLength(limits.caches + 1);
  const rest = caches.find(({ name }) => name === otherName);
  expect(rest?.parts.find(({ kind }) => kind === 'whole')?.hits).toBe(5 * 90);
  const { rows } = await store.client.query(`
    SELECT count(*)::integer AS names, sum(rows.hits) AS hits
    FROM   pitcrew.cache_raw AS rows
    JOIN   pitcrew.cache_part AS part ON part.id = cache_part_id
    WHERE  part.kind = 'group' AND part.name <> 'orders'`);
  expect(rows).toEqual([{ names: limits.cacheParts, hits: 300 }]);
});

test('a command is given to each process that it concerns until that has told the result, and no longer', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const at = (seconds: number): Date => new Date(start + seconds * 1000);
  let sequence = 0;
  const report = async (instance: string, seconds: number, change: object = {}): Promise<void> => {
    sequence += 1;
    const caches = [reportedCache('catalogue', { warmers: ['bestsellers'] }), reportedCache('sessions')];
    await store.write(received(applicationReport({ instance, sequence, caches, ...change }, at(seconds))));
  };
  const pending = (instance: string, seconds: number) =>
    store.pendingCacheCommands({ targetId: 1, application: 'shop', instance, now: at(seconds) });
  const told = (id: string, ok: boolean) => ({
    commandResults: [{ id, cache: 'catalogue', ok, error: ok ? null : 'no luck', detail: null }],
  });
  await report('a', 0);
  await report('b', 5);
  await report('worker', 5, { application: 'worker' });
  const base = { targetId: 1, askedBy: 'a test', now: at(10) };
  const id = await store.askCaches({
    ...base,
    application: 'shop',
    cache: 'catalogue',
    action: 'clear',
    arguments: {},
  });
  const keys = ['orders:1', 'say "hi"'];
  const both = await store.askCaches({ ...base, application: 'shop', action: 'invalidate', arguments: { keys } });
  expect(await pending('a', 11)).toEqual([
    ...(id < both ? [{ id, cache: 'catalogue', action: 'clear' }] : []),
    { id: both, cache: 'catalogue', action: 'invalidate', keys },
    { id: both, cache: 'sessions', action: 'invalidate', keys },
    ...(id < both ? [] : [{ id, cache: 'catalogue', action: 'clear' }]),
  ]);
  expect(await pending('worker', 11)).toEqual([]);
  // Only a cache of queries knows tables, and only where there is such a warmer it can run.
  await store.askCaches({ ...base, action: 'invalidate', arguments: { tables: ['orders'] } });
  const warm = await store.askCaches({ ...base, action: 'warm', arguments: { warmer: 'bestsellers' } });
  expect((await pending('b', 11)).filter(({ action }) => action === 'warm')).toEqual([
    { id: warm, cache: 'catalogue', action: 'warm', warmer: 'bestsellers' },
  ]);
  expect(await pending('b', 11)).toHaveLength(4);

  const steps = async (seconds: number) =>
    (await store.history.cacheCommand({ targetId: 1, id, now: at(seconds) }))?.steps.map(({ instance, state }) => [
      instance,
      state,
    ]);
  expect(await steps(12)).toEqual([
    ['a', 'waiting'],
    ['b', 'waiting'],
  ]);
  await report('a', 20, told(id, true));
  await report('a', 21, told(id, false));
  await report('b', 22, told(id, false));
  // One that began after it has nothing to clear.
  await report('c', 40, { from: at(35).toISOString() });
  expect(await pending('c', 41)).toEqual([]);
  expect(await pending('a', 41)).not.toContainEqual(expect.objectContaining({ id }));
  expect(await store.history.cacheCommand({ targetId: 1, id, now: at(41) })).toMatchObject({
    action: 'clear',
    askedBy: 'a test',
    askedAt: at(10),
    expiresAt: at(610),
    steps: [
      { instance: 'a', state: 'done', at: at(20), error: null },
      { instance: 'b', state: 'failed', at: at(22), error: 'no luck' },
    ],
  });
  const left = await store.history.cacheCommand({ targetId: 1, id: both, now: at(300) });
  expect(left?.steps.map(({ state }) => state)).toEqual(['silent', 'silent', 'silent', 'silent']);
  expect(await pending('a', 611)).toEqual([]);
  expect(await store.history.cacheCommand({ targetId: 2, id, now: at(12) })).toBeUndefined();
});

test('what is seen no more is forgotten', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  await store.write(received(applicationReport({ caches: [reportedCache('catalogue')] }, new Date(start))));
  await store.askCaches({ targetId: 1, action: 'clear', arguments: {}, askedBy: 'a test', now: new Date(start) });
  await store.forget(start + 1000 * 24 * hour);
  for (const table of ['cache', 'cache_part', 'cache_instance', 'cache_command']) {
    expect((await store.client.query(`SELECT FROM pitcrew.${table}`)).rows, table).toEqual([]);
  }
});
