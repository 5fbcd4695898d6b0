import pg from 'pg';
import { expect, test } from 'vitest';
import type { Store } from '../../src/ops/store/index.ts';
import { type ScratchServer, scratchServer, testedMajors } from '../support/postgres.ts';
import { freshStore, watch } from '../support/monitored.ts';

interface Totals {
  calls: number;
  rows: number;
  totalExecUs: number;
  sharedHit: number;
}

/** Statements of the workload, as the server counts them: the truth. Times rounded as the history rounds them. */
async function truth(client: pg.Client): Promise<Map<string, Totals>> {
  const { rows } = await client.query<Record<keyof Totals | 'queryId', string>>(`
    SELECT queryid                        AS "queryId",
           calls                          AS "calls",
           rows                           AS "rows",
           total_exec_time                AS "totalExecUs",
           shared_blks_hit                AS "sharedHit"
      FROM pg_stat_statements
     WHERE query LIKE '%workload%' AND query NOT LIKE '%pg_stat_statements%'`);
  return new Map(
    rows.map(({ queryId, calls, rows: count, totalExecUs, sharedHit }) => [
      queryId,
      {
        calls: Number(calls),
        rows: Number(count),
        totalExecUs: Math.round(Number(totalExecUs) * 1000),
        sharedHit: Number(sharedHit),
      },
    ]),
  );
}

/** The same as the history adds it up. */
async function history(store: Store, targetId: number): Promise<Map<string, Totals>> {
  await store.flush();
  const { statements } = await store.history.statements({
    targetId,
    from: new Date(Date.now() - 3_600_000),
    to: new Date(Date.now() + 60_000),
    search: 'workload',
    orderBy: 'calls',
    limit: 500,
  });
  return new Map(
    statements.map(({ key, counters: { calls, rows, totalExecUs, sharedHit } }) => [
      key.queryId,
      { calls, rows, totalExecUs, sharedHit },
    ]),
  );
}

function difference(after: Map<string, Totals>, before: Map<string, Totals>): Map<string, Totals> {
  return new Map(
    [...after].flatMap(([queryId, totals]) => {
      const { calls = 0, rows = 0, totalExecUs = 0, sharedHit = 0 } = before.get(queryId) ?? {};
      const grown = {
        calls: totals.calls - calls,
        rows: totals.rows - rows,
        totalExecUs: totals.totalExecUs - totalExecUs,
        sharedHit: totals.sharedHit - sharedHit,
      };
      return grown.calls === 0 ? [] : [[queryId, grown] as const];
    }),
  );
}

function sum(...parts: Map<string, Totals>[]): Map<string, Totals> {
  const sums = new Map<string, Totals>();
  for (const part of parts) {
    for (const [queryId, totals] of part) {
      const { calls = 0, rows = 0, totalExecUs = 0, sharedHit = 0 } = sums.get(queryId) ?? {};
      sums.set(queryId, {
        calls: calls + totals.calls,
        rows: rows + totals.rows,
        totalExecUs: totalExecUs + totals.totalExecUs,
        sharedHit: sharedHit + totals.sharedHit,
      });
    }
  }
  return sums;
}

async function prepared(server: ScratchServer): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(server.url());
  await client.connect();
  await client.query('CREATE EXTENSION pg_stat_statements');
  await client.query('CREATE TABLE workload (id int PRIMARY KEY, value int)');
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function work(client: pg.Client, transactions: number): Promise<void> {
  for (let n = 0; n < transactions; n += 1) {
    await client.query('BEGIN');
    await client.query('INSERT INTO workload VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = 1', [n % 50, n]);
    await client.query('SELECT value FROM workload WHERE id < $1', [n % 20]);
    await client.query('COMMIT');
  }
}

test.each(testedMajors(18, 15))(
  'history adds up to what PostgreSQL %i counted, across a restart of the daemon and a reset',
  async (major) => {
    await using server = await scratchServer(major);
    await using client = await prepared(server);
    await using kept = await freshStore();
    await work(client, 20);
    let targetId = 0;
    let start: Map<string, Totals>;
    {
      await using monitor = watch({ url: server.url(), store: kept.store });
      await monitor.collectNow();
      start = await truth(client);
      await work(client, 100);
      await monitor.collectNow(['statements']);
      await client.query('SELECT count(*) FROM workload');
      await work(client, 30);
      await monitor.collectNow(['statements']);
      targetId = monitor.targetId;
    }
    expect(await history(kept.store, targetId)).toEqual(difference(await truth(client), start));

    // What happens while no daemon runs is counted when the next one begins.
    await work(client, 40);
    await using monitor = watch({ url: server.url(), store: kept.store });
    await monitor.collectNow(['statements']);
    await work(client, 10);
    await monitor.collectNow(['statements']);
    const beforeReset = await truth(client);
    expect(await history(kept.store, targetId)).toEqual(difference(beforeReset, start));

    // After a reset the counters begin at zero; with more calls than before, so that only the reset tells.
    await client.query('SELECT pg_stat_statements_reset()');
    await work(client, 300);
    await monitor.collectNow(['statements']);
    expect(await history(kept.store, targetId)).toEqual(sum(difference(beforeReset, start), await truth(client)));
  },
);

/** Statements that differ by the types of their columns, each run so often that it stays longer than the workload's. */
const others = Array.from({ length: 150 }, (_, n) => {
  const columns = Array.from({ length: 8 }, (_column, bit) => ((n >> bit) & 1 ? '1.5' : '1'));
  return Array.from({ length: 80 }, () => `SELECT 'filler', ${columns.join(', ')}`).join('; ');
});

async function evictions(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ dealloc: string }>('SELECT dealloc FROM pg_stat_statements_info');
  return Number(rows[0]?.dealloc);
}

/**
 * Pushes the statements of the workload out of pg_stat_statements, then makes room, so that none goes before it was looked
 * at: what an entry counted after the last look and took along when it was evicted, nobody can know.
 */
async function evict(client: pg.Client): Promise<void> {
  const before = await evictions(client);
  for (const statement of others) await client.query(statement);
  expect(await truth(client)).toEqual(new Map());
  expect(await evictions(client)).toBeGreaterThan(before);
  await client.query(`
    SELECT pg_stat_statements_reset(0, 0, queryid)
      FROM pg_stat_statements
     WHERE query LIKE 'SELECT $1, %'`);
}

/**
 * Exact in times, too: they are rounded to whole microseconds as they are read, an entry's last value is the sum of its
 * increases, and each life of an entry begins at zero.
 */
test.each(testedMajors(18, 15))(
  'history adds up on PostgreSQL %i when entries are evicted and come back',
  async (major) => {
    await using server = await scratchServer(major, { 'pg_stat_statements.max': '100' });
    await using client = await prepared(server);
    await using kept = await freshStore();
    await using monitor = watch({ url: server.url(), store: kept.store });
    await monitor.collectNow();
    await evict(client);
    await monitor.collectNow(['statements']);
    const start = await history(kept.store, monitor.targetId);
    // What the server counted in each life of an entry, as it stood before it was evicted.
    const lives: Map<string, Totals>[] = [];
    const live = async (transactions: number): Promise<void> => {
      const before = await evictions(client);
      await work(client, transactions);
      await monitor.collectNow(['statements']);
      await work(client, transactions);
      await monitor.collectNow(['statements']);
      lives.push(await truth(client));
      expect(await evictions(client), 'nothing was evicted unseen').toBe(before);
      await evict(client);
    };
    await live(10);
    await monitor.collectNow(['statements']);
    await live(15);
    // Gone and come back between two looks, with fewer calls than before …
    await live(5);
    await monitor.collectNow(['statements']);
    await live(3);
    // … and with more, which is sure only where entries say since when they count.
    if (major >= 17) await live(20);
    expect(lives.map(({ size }) => size)).toEqual(lives.map(() => 2));
    const counted = difference(await history(kept.store, monitor.targetId), start);
    expect(counted).toEqual(sum(...lives));
    const calls = major >= 17 ? 106 : 66;
    expect([...counted.values()].map((totals) => totals.calls)).toEqual([calls, calls]);
    expect(monitor.latest().get('statements.tracked')?.value).toBeLessThanOrEqual(100);
  },
);

test('a renamed role is the same one: nothing is counted twice', async () => {
  await using server = await scratchServer(18);
  await using client = await prepared(server);
  await using kept = await freshStore();
  await client.query('CREATE ROLE worker; GRANT ALL ON workload TO worker; SET ROLE worker');
  await using monitor = watch({ url: server.url(), store: kept.store });
  await monitor.collectNow();
  await work(client, 10);
  await monitor.collectNow(['statements']);
  await client.query('RESET ROLE');
  await client.query('ALTER ROLE worker RENAME TO renamed');
  await client.query('SET ROLE renamed');
  await monitor.collectNow(['statements']);
  await work(client, 5);
  await monitor.collectNow(['statements']);
  await kept.store.flush();
  const { statements } = await kept.store.history.statements({
    targetId: monitor.targetId,
    from: new Date(Date.now() - 3_600_000),
    to: new Date(Date.now() + 60_000),
    search: 'INSERT INTO workload',
    orderBy: 'calls',
    limit: 10,
  });
  expect(statements.map(({ key, counters }) => [key.user, counters.calls])).toEqual([
    ['worker', 10],
    ['renamed', 5],
  ]);
});

test('statements of a database that comes into scope are counted from then on, those of our own all the while', async () => {
  await using server = await scratchServer(18);
  await using client = await prepared(server);
  await client.query('CREATE DATABASE other');
  const other = new pg.Client(server.url('other'));
  await other.connect();
  await using kept = await freshStore();
  const both = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      await client.query('SELECT 1 AS workload_here');
      await other.query('SELECT 1 AS there, 2 AS workload_there');
    }
  };
  const calls = async (targetId: number) =>
    [...(await history(kept.store, targetId)).values()].map((totals) => totals.calls).toSorted((a, b) => b - a);
  {
    await using own = watch({ url: server.url(), store: kept.store });
    await own.collectNow(['statements']);
    await both(5);
    await own.collectNow(['statements']);
    expect(await calls(own.targetId)).toEqual([5]);
  }
  await both(7);
  await using all = watch({ url: server.url(), store: kept.store, statements: { scope: { except: [] }, readers: 1 } });
  await all.collectNow(['statements']);
  expect(await calls(all.targetId)).toEqual([12]);
  await both(3);
  await all.collectNow(['statements']);
  expect(await calls(all.targetId)).toEqual([15, 3]);
  await other.end();
});
