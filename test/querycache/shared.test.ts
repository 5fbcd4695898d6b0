import { expect, test } from 'vitest';
import { redisTier } from '../../src/client/cache/index.ts';
import { type CachingPool, createPool } from '../../src/index.ts';
import { forAll, freshNamespace } from '../cache/redis-support.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/replicated.ts';

const redis = forAll(() => startRedis());

interface Fleet extends AsyncDisposable {
  database: TestDatabase;
  pools: [CachingPool, CachingPool, CachingPool];
  /** One more, as another process would be. */
  another(): CachingPool;
}

async function fleet(): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await testDatabase());
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL);
    INSERT INTO orders SELECT i, 'open' FROM generate_series(1, 30) i;
  `);
  const namespace = freshNamespace();
  const another = (): CachingPool =>
    stackOf.use(
      createPool({
        connectionString: database.url,
        telemetry: false,
        max: 4,
        cache: {
          tier: redisTier({ url: redis().url, namespace }),
          changes: { createPublication: 'tables', maxLagMs: 2000 },
        },
      }),
    );
  const stackOf = stack.move();
  const pools: Fleet['pools'] = [another(), another(), another()];
  for (const pool of pools) await eventually(() => pool.cached.stats().truth).toBe('stream');
  return { database, pools, another, [Symbol.asyncDispose]: () => stackOf.disposeAsync() };
}

const byId = 'SELECT id, status FROM orders WHERE id = $1';

const statusOf = async (pool: CachingPool, id: number): Promise<unknown> =>
  (await pool.query<{ status: string }>(byId, [id], { cache: '1m' })).rows[0]?.status;

/** Asks until the answer comes from memory. */
async function kept(pool: CachingPool, id: number): Promise<void> {
  await eventually(async () => {
    const before = pool.cached.stats().memoryHits;
    await statusOf(pool, id);
    return pool.cached.stats().memoryHits - before;
  }).toBe(1);
}

const slots = (database: TestDatabase) =>
  database.query('SELECT 1 FROM pg_replication_slots WHERE database = current_database()');

test('one of them reads the changes, and a write by any client voids what all of them keep', async () => {
  await using it = await fleet();
  const { database, pools } = it;
  expect(pools.filter((pool) => pool.cached.stats().isReader)).toHaveLength(1);
  expect(await slots(database)).toHaveLength(1);
  for (let round = 1; round <= 20; round++) {
    for (const pool of pools) await kept(pool, 1);
    await database.query('UPDATE orders SET status = $1 WHERE id = 1', [`round ${round}`]);
    for (const pool of pools) await eventually(() => statusOf(pool, 1)).toBe(`round ${round}`);
  }
});

test('what one has read the others need not', async () => {
  await using it = await fleet();
  const [one, other, third] = it.pools;
  for (const pool of [other, third]) {
    let id = 0;
    // What is put into Redis is there a moment later.
    await eventually(async () => {
      id += 1;
      await kept(one, id);
      await statusOf(pool, id);
      return pool.cached.stats().tierHits;
    }).toBeGreaterThan(0);
    const { misses } = pool.cached.stats();
    await kept(pool, id);
    expect(pool.cached.stats().misses).toBe(misses);
  }
});

test('each sees what it has written itself at once, whatever the others have kept', async () => {
  await using it = await fleet();
  for (let round = 1; round <= 60; round++) {
    const pool = it.pools[round % 3] as CachingPool;
    await Promise.all(it.pools.map((each) => statusOf(each, 3)));
    await pool.query('UPDATE orders SET status = $1 WHERE id = 3', [`round ${round}`]);
    expect(await statusOf(pool, 3)).toBe(`round ${round}`);
  }
});

test('when the one that reads ends, another one takes its place', async () => {
  await using it = await fleet();
  const { database, pools } = it;
  const reader = pools.find((pool) => pool.cached.stats().isReader);
  const others = pools.filter((pool) => pool !== reader);
  for (const pool of pools) await kept(pool, 5);
  await reader?.end();
  await database.query(`UPDATE orders SET status = 'paid' WHERE id = 5`);
  for (const pool of others) await eventually(() => statusOf(pool, 5)).toBe('paid');
  await eventually(() => others.filter((pool) => pool.cached.stats().isReader).length).toBe(1);
  for (const pool of others) {
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    await kept(pool, 5);
  }
  const late = it.another();
  await eventually(() => late.cached.stats().truth).toBe('stream');
  await kept(late, 5);
  expect(late.cached.stats().isReader).toBe(false);
  expect(await slots(database)).toHaveLength(1);
});

test('what is given up by hand is given up by all', async () => {
  await using it = await fleet();
  const [one, other] = it.pools;
  for (const pool of it.pools) await kept(pool, 9);
  const { misses, tierHits } = other.cached.stats();
  await one.cached.invalidate('orders');
  await eventually(async () => {
    await statusOf(other, 9);
    return other.cached.stats().misses + other.cached.stats().tierHits;
  }).toBeGreaterThan(misses + tierHits);
});

test('Redis away: each goes on with the database, and nothing wrong is given when it is back', async () => {
  await using server = await startRedis();
  await using database = await testDatabase();
  await database.query(
    `CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL); INSERT INTO orders VALUES (1, 'open')`,
  );
  await using stack = new AsyncDisposableStack();
  const pools = Array.from({ length: 2 }, () =>
    stack.use(
      createPool({
        connectionString: database.url,
        telemetry: false,
        max: 4,
        cache: { tier: redisTier({ url: server.url }), changes: { createPublication: 'tables', maxLagMs: 1000 } },
      }),
    ),
  );
  for (const pool of pools) {
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    await kept(pool, 1);
  }
  for (const [round, away] of (['freeze', 'stop'] as const).entries()) {
    const status = `round ${round}`;
    if (away === 'freeze') server.freeze();
    else await server.stop();
    await database.query('UPDATE orders SET status = $1 WHERE id = 1', [status]);
    for (const pool of pools) await eventually(() => statusOf(pool, 1)).toBe(status);
    if (away === 'freeze') server.thaw();
    else await server.start();
    for (const pool of pools) {
      await eventually(() => pool.cached.stats().truth).toBe('stream');
      await kept(pool, 1);
      expect(await statusOf(pool, 1)).toBe(status);
    }
  }
});
