import { expect, test } from 'vitest';
import type { Store } from '../../src/ops/store/index.ts';
import { testDatabase, testedMajors } from '../support/postgres.ts';
import { freshStore, onlyWhenAsked, watch } from '../support/monitored.ts';
import { testStore } from '../support/store.ts';

const patient = { timeout: 30_000, interval: 200 };

async function tables(store: Store, targetId: number) {
  await store.flush();
  const range = { targetId, from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 60_000) };
  const [found, indexes] = [await store.history.tables(range), await store.history.indexes(range)];
  return { tables: found.relations, indexes: indexes.relations };
}

test.each(testedMajors(18, 15))(
  'counters of tables on PostgreSQL %i add up, also while no daemon runs and over dropped indexes',
  async (major) => {
    await using database = await testDatabase(major);
    await using kept = await freshStore();
    const flushed = () => database.query('SELECT pg_stat_force_next_flush()');
    await database.query('CREATE TABLE orders (id int PRIMARY KEY, buyer int)');
    await database.query('CREATE INDEX orders_buyer ON orders (buyer)');
    await database.query('INSERT INTO orders SELECT n, n % 100 FROM generate_series(1, 1000) n');
    await flushed();
    let targetId: number;
    {
      await using monitor = watch({ url: database.url, store: kept.store });
      await monitor.collectNow(['tables']);
      await database.query('INSERT INTO orders SELECT n, n % 100 FROM generate_series(1001, 1100) n');
      await database.query('SET enable_seqscan = off');
      for (let n = 0; n < 7; n += 1) await database.query('SELECT * FROM orders WHERE buyer = 5');
      await flushed();
      await monitor.collectNow(['tables']);
      targetId = monitor.targetId;
    }
    // An index that goes takes its counters along: the table's must not look as if they had begun anew.
    await database.query('DROP INDEX orders_buyer');
    await database.query('DELETE FROM orders WHERE id > 1090');
    await flushed();
    await using monitor = watch({ url: database.url, store: kept.store });
    await monitor.collectNow(['tables']);
    await database.query('REINDEX INDEX CONCURRENTLY orders_pkey');
    await flushed();
    await monitor.collectNow(['tables']);
    const found = await tables(kept.store, targetId);
    expect(found.tables.map(({ key, counters: { inserts, deletes } }) => [key.name, inserts, deletes])).toEqual([
      ['orders', 100, 10],
    ]);
    expect(found.tables[0]?.counters.indexScans).toBeGreaterThanOrEqual(7);
    expect(found.tables[0]?.counters.indexScans).toBeLessThan(20);
    expect(found.indexes.find(({ key }) => key.name === 'orders_buyer')?.counters.scans).toBe(7);
    expect(monitor.tables()).toMatchObject([{ name: 'orders', kind: 'table', indexBytes: expect.any(Number) }]);
  },
);

test('of two daemons one writes, and the other takes over without counting twice', async () => {
  await using database = await testDatabase(18);
  await database.query('CREATE EXTENSION pg_stat_statements');
  await using kept = await freshStore();
  const run = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) await database.query('SELECT 1 AS takeover');
  };
  const calls = async (store: Store, targetId: number): Promise<number | undefined> => {
    await store.flush();
    const { statements } = await store.history.statements({
      targetId,
      from: new Date(Date.now() - 3_600_000),
      to: new Date(Date.now() + 60_000),
      database: database.name,
      search: 'takeover',
      orderBy: 'calls',
      limit: 5,
    });
    return statements[0]?.counters.calls;
  };
  const first = await testStore(kept.database.url);
  const writer = watch({ url: database.url, store: first });
  // A look that fails, as where the server is too busy, is told by the collector's state only: it is repeated.
  const looked = (): Promise<void> =>
    expect
      .poll(async () => {
        await writer.collectNow(['statements']);
        return writer.status().collectors.find(({ name }) => name === 'statements')?.state;
      }, patient)
      .toBe('ok');
  await writer.collectNow();
  await looked();
  await run(5);
  await looked();
  await using other = watch({ url: database.url, store: kept.store });
  await other.collectNow();
  await expect.poll(() => other.status().connection, patient).toBe('standby-daemon');
  await run(3);
  await other.collectNow(['statements']);
  await looked();
  expect(await calls(first, writer.targetId)).toBe(8);
  await run(2);
  await writer.stop();
  await first.close();
  // It may find the store slow to answer first: then it takes over at a later try.
  const look = async (): Promise<number | undefined> => {
    await other.collectNow(['statements']);
    return calls(kept.store, other.targetId);
  };
  await expect.poll(look, patient).toBe(10);
  expect(await look()).toBe(10);
  expect(other.status().connection).toBe('watching');
});

test('while the store is away everything live goes on, and history when it is back', async () => {
  await using database = await testDatabase();
  await using kept = await freshStore();
  await using monitor = watch({ url: database.url, store: kept.store });
  await monitor.collectNow();
  await kept.database.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pitcrew store' AND datname = current_database()",
  );
  await database.query('CREATE TABLE later (id int)');
  await monitor.collectNow();
  expect(monitor.status().connection).toBe('watching');
  expect(monitor.tables().map(({ name }) => name)).toEqual(['later']);
  await expect
    .poll(async () => (await tables(kept.store, monitor.targetId).catch(() => undefined))?.tables.length, patient)
    .toBe(1);
  expect(kept.store.status()).toMatchObject({ state: 'ready', lostBatches: 0 });
});

test('what is dangerous is refused unless the configuration allows it', async () => {
  await using database = await testDatabase(18);
  await using monitor = watch({ url: database.url, config: onlyWhenAsked });
  await monitor.collectNow(['activity']);
  for (const action of [
    () => monitor.cancelSession(1),
    () => monitor.terminateSession(1),
    () => monitor.resetStatements(),
  ]) {
    await expect(action()).rejects.toMatchObject({ code: 'E_FORBIDDEN', hint: expect.stringMatching(/actions\./) });
  }
  await using allowed = watch({ url: database.url, actions: { sessions: true, resetStatistics: true } });
  await allowed.collectNow(['activity']);
  const [backend] = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const sleeping = database.query('SELECT pg_sleep(60)');
  const outcome = sleeping.then(
    () => 'finished',
    (error: { code?: string }) => error.code,
  );
  await expect
    .poll(async () => {
      await allowed.collectNow(['activity']);
      return allowed.activity()?.sessions.find(({ pid }) => pid === backend?.pid)?.waitEvent;
    }, patient)
    .toBe('PgSleep');
  expect(await allowed.cancelSession(backend?.pid ?? 0)).toBe(true);
  expect(await outcome).toBe('57014');
  const plan = await allowed.explain({ text: 'SELECT * FROM pg_class WHERE oid = $1' });
  expect(plan).toMatchObject({ generic: true, totalCost: expect.any(Number) });
});

test('two thousand tables are read at once', async () => {
  await using database = await testDatabase(18);
  for (let from = 0; from < 2000; from += 200) {
    const creates = Array.from({ length: 200 }, (_, n) => `CREATE TABLE many_${from + n} (id int)`);
    await database.query(creates.join('; '));
  }
  await using kept = await freshStore();
  await using monitor = watch({ url: database.url, store: kept.store });
  await monitor.collectNow(['tables']);
  expect(monitor.latest().get('tables.count')?.value).toBe(2000);
  expect((await tables(kept.store, monitor.targetId)).tables).toHaveLength(2000);
});

test('tables and indexes that are dropped are listed no longer for times after', async () => {
  await using database = await testDatabase(18);
  await using kept = await freshStore();
  await database.query('CREATE TABLE kept (id int PRIMARY KEY, again int)');
  await database.query('CREATE INDEX gone_index ON kept (again)');
  await database.query('CREATE TABLE gone (id int PRIMARY KEY)');
  await using monitor = watch({ url: database.url, store: kept.store });
  await monitor.collectNow(['tables']);
  await database.query('DROP TABLE gone');
  await database.query('DROP INDEX gone_index');
  await monitor.collectNow(['tables']);
  await kept.store.flush();
  const rows = await kept.database.query<{ family: string; name: string; dropped: boolean }>(
    'SELECT family, name, dropped_at IS NOT NULL AS dropped FROM pitcrew.relation ORDER BY name',
  );
  expect(rows).toEqual([
    { family: 'table', name: 'gone', dropped: true },
    { family: 'index', name: 'gone_index', dropped: true },
    { family: 'index', name: 'gone_pkey', dropped: true },
    { family: 'table', name: 'kept', dropped: false },
    { family: 'index', name: 'kept_pkey', dropped: false },
  ]);
});

test.each(testedMajors(18, 15))(
  'what is dropped on PostgreSQL %i while no daemon runs is listed no longer, and what is made again is',
  async (major) => {
    await using database = await testDatabase(major);
    await using kept = await freshStore();
    await database.query('CREATE SCHEMA "Odd, ""one"""; CREATE TABLE "Odd, ""one"""."no\\pe" (id int)');
    await database.query('CREATE TABLE kept (id int PRIMARY KEY, again int)');
    await database.query('CREATE INDEX gone_index ON kept (again)');
    await database.query('CREATE TABLE gone (id int PRIMARY KEY)');
    await database.query('CREATE TABLE again (id int PRIMARY KEY)');
    const listed = async (): Promise<string[]> => {
      const rows = await kept.database.query<{ name: string }>(
        'SELECT name FROM pitcrew.relation WHERE dropped_at IS NULL ORDER BY name COLLATE "C"',
      );
      return rows.map(({ name }) => name);
    };
    const look = async () => {
      await using monitor = watch({ url: database.url, store: kept.store });
      await monitor.collectNow(['tables']);
      await kept.store.flush();
      return listed();
    };
    const all = ['again', 'again_pkey', 'gone', 'gone_index', 'gone_pkey', 'kept', 'kept_pkey', 'no\\pe'];
    expect(await look()).toEqual(all);
    await database.query('DROP TABLE gone, again, "Odd, ""one"""."no\\pe"; DROP INDEX gone_index');
    await database.query('CREATE TABLE again (id int PRIMARY KEY)');
    expect(await look()).toEqual(['again', 'again_pkey', 'kept', 'kept_pkey']);
    await database.query('CREATE TABLE gone (id int PRIMARY KEY)');
    expect(await look()).toEqual(['again', 'again_pkey', 'gone', 'gone_pkey', 'kept', 'kept_pkey']);
  },
);
