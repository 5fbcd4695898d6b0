// One process of an application with a query cache: readers, and writers whose own rows nobody else writes. Told what to do by
// messages; its settings are in TRUTH_SETTINGS.
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { redisTier } from '../../../src/client/cache/index.ts';
import { createPool, type CachingPool, type CreatePoolOptions, runInScope } from '../../../src/index.ts';
import { Pool } from '../../../src/client/pool/index.ts';
import { cachedQueries, QueryCache, type QueryCacheOptions } from '../../../src/client/querycache/index.ts';
import { HopefulFence } from './hopeful-fence.ts';
import type { Served, TruthAnswer, TruthOrder, TruthReport, TruthSettings } from './messages.ts';
import { OwnRows } from './own-rows.ts';
import { popularQuestions, type Question, questions } from './questions.ts';
import { oneOf, randomOf } from './random.ts';
import { writesOf } from './writes.ts';

const settings = JSON.parse(process.env['TRUTH_SETTINGS'] ?? '') as TruthSettings;
const { changes, redis, maxLagMs, maxEntries } = settings;
const random = randomOf(settings.seed);
const cache: QueryCacheOptions = {
  memory: { maxEntries },
  tables: { counters: '10m' },
  changes:
    changes === 'triggers' ? { triggers: 'create', maxLagMs } : { createPublication: 'tables' as const, maxLagMs },
  ...(redis ? { tier: redisTier(redis) } : {}),
};
const connection: CreatePoolOptions = {
  connectionString: settings.url,
  telemetry: false,
  max: 8,
  failoverTimeoutMillis: 20_000,
  connectionTimeoutMillis: 20_000,
  ...(settings.hosts ? { hosts: settings.hosts } : {}),
};
const pool = settings.fenced ? createPool({ ...connection, cache }) : unfenced();
pool.on('error', () => {});
const errors: Record<string, number> = {};
const own = new OwnRows(pool, random, settings, failed);
let reading: Promise<unknown> | undefined;
let writing: Promise<unknown> | undefined;
const going = { reads: false, writes: false };

function unfenced(): CachingPool {
  const keeper = new QueryCache(cache, {}, new HopefulFence());
  const plain = new Pool({ ...connection, keeper });
  return Object.assign(plain, { telemetry: undefined, cached: cachedQueries(plain, keeper) });
}

function failed(error: unknown): void {
  const code = String((error as { code?: unknown }).code ?? (error as Error).message);
  errors[code] = (errors[code] ?? 0) + 1;
}

const asText = { getTypeParser: () => (value: unknown) => value };

/** In the ways that there are to ask. */
async function ask({ text, values }: Question): Promise<void> {
  const list = [...values];
  switch (random(6)) {
    case 0:
      await pool.cached.query(text, list);
      return;
    case 1:
      await runInScope('request', () => pool.query(text, list, { cache: '10m' }));
      return;
    case 2:
      await pool.query({ text, values: list, rowMode: 'array', cache: 200 + random(100_000) });
      return;
    case 3: {
      const control = new AbortController();
      const asked = pool.query({ text, values: list, signal: control.signal, cache: '10m' });
      if (random(20) === 0) control.abort(new Error('left'));
      await asked;
      return;
    }
    default:
      await pool.query(text, list, { cache: '10m' });
  }
}

async function reads(): Promise<void> {
  while (going.reads) {
    await ask(oneOf(random, random(3) ? popularQuestions : questions)).catch(failed);
    await turn();
  }
}

async function writes(): Promise<void> {
  while (going.writes) {
    await writeSome().catch(failed);
    await pause(random(30));
  }
}

async function writeSome(): Promise<void> {
  const all = writesOf(random);
  const [first = ''] = all;
  switch (random(4)) {
    case 0:
      await pool.query(first);
      return;
    case 1: {
      const client = await pool.connect();
      try {
        await client.query(['BEGIN', ...all].join('; '));
        await client.query(random(6) ? 'COMMIT' : 'ROLLBACK');
      } finally {
        client.release();
      }
      return;
    }
    default:
      await pool.transaction(async (client) => {
        for (const text of all) await client.query(text);
        if (random(3) > 0) return;
        await client.query('SAVEPOINT mine');
        await client.query(oneOf(random, writesOf(random)));
        await client.query(random(2) ? 'ROLLBACK TO mine' : 'RELEASE mine');
        if (random(6) === 0) throw new Error('changed my mind');
      });
  }
}

function run(): void {
  going.reads = going.writes = true;
  reading = Promise.all(Array.from({ length: settings.readers }, reads));
  writing = Promise.all([...Array.from({ length: settings.writers }, writes), ...own.loops(() => going.writes)]);
}

async function marker(): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT n FROM markers WHERE id = 1', [], { cache: '10m' });
  return rows[0]?.n ?? Number.NaN;
}

async function keepMarker(): Promise<void> {
  for (;;) {
    const { memoryHits, truth } = pool.cached.stats();
    await marker().catch(failed);
    if (truth === changes && pool.cached.stats().memoryHits > memoryHits) return;
    await pause(5);
  }
}

async function awaitMarker(value: number, withinMs: number): Promise<number | undefined> {
  const until = performance.now() + withinMs;
  for (;;) {
    const given = await marker().catch(failed);
    if (given === value || performance.now() > until) return given ?? undefined;
    await pause(5);
  }
}

/** Everything once; where there is a tier one after the other, so that it is known where each answer came from. */
async function askAll(): Promise<Served> {
  const served: Served = { memory: [], tier: [] };
  const asking = new Set<Promise<void>>();
  const most = redis ? 1 : 50;
  for (const [place, { text, values }] of questions.entries()) {
    const before = pool.cached.stats();
    const asked = pool.query({ text, values: [...values], rowMode: 'array', types: asText as never, cache: '10m' });
    // What is in memory is counted at once.
    const isHit = pool.cached.stats().memoryHits > before.memoryHits;
    const noted = asked
      .then(({ rows }) => {
        const given: [number, string] = [place, JSON.stringify(rows)];
        if (isHit) served.memory.push(given);
        else if (pool.cached.stats().tierHits > before.tierHits) served.tier.push(given);
      })
      .catch(failed)
      .finally(() => asking.delete(noted));
    asking.add(noted);
    while (asking.size >= most) await Promise.race(asking);
  }
  await Promise.all(asking);
  return served;
}

function report(): TruthReport {
  const stats = pool.cached.stats();
  const refused = Object.values(stats.refused).reduce((sum, count) => sum + count, 0);
  const { memoryHits, tierHits, joined, truth, reason, isReader } = stats;
  return {
    // What a tier has given and was refused counts against it too.
    kept: Math.max(0, stats.misses - stats.loadErrors - refused),
    memoryHits,
    tierHits,
    joined,
    epochs: stats.changes?.epochs ?? 0,
    refused: { ...stats.refused },
    isReader,
    truth,
    reason,
    ownReads: own.reads,
    stale: own.stale,
    backwards: own.backwards,
    errors,
  };
}

async function obey(order: TruthOrder): Promise<Omit<TruthAnswer, 'report'>> {
  switch (order.do) {
    case 'run':
      run();
      return {};
    case 'stop writing':
      going.writes = false;
      await writing;
      return {};
    case 'halt':
      going.reads = false;
      await reading;
      return {};
    case 'keep marker':
      await keepMarker();
      return {};
    case 'await marker':
      return { value: await awaitMarker(order.value, order.withinMs) };
    case 'ask all':
      return { served: await askAll() };
    case 'write':
      await pool.query('UPDATE counters SET n = $2 WHERE id = $1', [order.id, order.value]);
      return { token: await pool.writtenToken() };
    case 'see':
      return runInScope('next request', async () => {
        pool.seeAtLeast(order.token);
        const { rows } = await pool.query<{ n: string }>('SELECT n FROM counters WHERE id = $1', [order.id], {
          cache: '10m',
        });
        return { value: Number(rows[0]?.n) };
      });
  }
}

process.on('message', (message: { number: number; order: TruthOrder }) => {
  obey(message.order).then(
    (answer) => process.send?.({ number: message.number, answer: { ...answer, report: report() } }),
    (error: unknown) => process.send?.({ number: message.number, error: String(error) }),
  );
});
process.on('error', () => {});
process.on('disconnect', () => {
  going.reads = going.writes = false;
  // Loads may be under way.
  void pool.end().finally(() => process.exit());
  setTimeout(() => process.exit(), 5000).unref();
});
