import { createClient } from 'redis';
import { expect, test } from 'vitest';
import { redisTier } from '../../src/client/cache/index.ts';
import type { CacheTier } from '../../src/client/cache/tier.ts';
import { type CachingPool, createPool, runInScope } from '../../src/index.ts';
import { forAll, freshNamespace } from '../cache/redis-support.ts';
import { type TestDatabase } from '../support/postgres.ts';
import { quietServers } from '../support/quiet-servers.ts';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/replicated.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const quietDatabase = quietServers(18);

const redis = forAll(() => startRedis());

interface Fleet extends AsyncDisposable {
  database: TestDatabase;
  pools: [CachingPool, CachingPool, CachingPool];
  /** One more, as another process would be. */
  another(): CachingPool;
}

async function fleet(): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await quietDatabase());
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

type Door = 'get' | 'invalidate';

/** As a tier, with doors that can be closed for a while. */
function gated(tier: CacheTier): { tier: CacheTier; close(door: Door): () => void } {
  const doors: Partial<Record<Door, Promise<void>>> = {};
  return {
    tier: {
      name: tier.name,
      position: () => tier.position(),
      getMany: (keys) => tier.getMany(keys),
      set: (key, entry, position) => tier.set(key, entry, position),
      setMany: (entries, position) => tier.setMany(entries, position),
      onHeard: (listener) => tier.onHeard(listener),
      stats: () => tier.stats(),
      close: () => tier.close(),
      async get(key) {
        await doors.get;
        return tier.get(key);
      },
      async invalidate(what) {
        await doors.invalidate;
        await tier.invalidate(what);
      },
    },
    close(door) {
      const { promise, resolve } = Promise.withResolvers<void>();
      doors[door] = promise;
      return resolve;
    },
  };
}

interface Gates extends AsyncDisposable {
  database: TestDatabase;
  reader: CachingPool;
  follower: CachingPool;
  readers: ReturnType<typeof gated>;
  followers: ReturnType<typeof gated>;
}

/** A process that reads the changes and one that does not, with doors between them and Redis. */
async function gates(): Promise<Gates> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await quietDatabase());
  await database.query(
    `CREATE TABLE orders (id int PRIMARY KEY, status text); INSERT INTO orders VALUES (1, 'open'), (2, 'open')`,
  );
  const namespace = freshNamespace();
  const [readers, followers] = [1, 2].map(() => gated(redisTier({ url: redis().url, namespace }))) as [
    ReturnType<typeof gated>,
    ReturnType<typeof gated>,
  ];
  const open = async ({ tier }: ReturnType<typeof gated>): Promise<CachingPool> => {
    const pool = stack.use(
      createPool({
        connectionString: database.url,
        telemetry: false,
        max: 4,
        cache: { tier, memory: { maxEntries: 1 }, changes: { createPublication: 'tables', maxLagMs: 2000 } },
      }),
    );
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    return pool;
  };
  const reader = await open(readers);
  const follower = await open(followers);
  const owned = stack.move();
  return { database, reader, follower, readers, followers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Until it is in Redis, from where another process has it. */
async function stored(by: CachingPool, id: number, elsewhere: CachingPool): Promise<void> {
  await eventually(async () => {
    for (const pool of [by, elsewhere]) await kept(pool, 2);
    await kept(by, id);
    const { tierHits } = elsewhere.cached.stats();
    await statusOf(elsewhere, id);
    return elsewhere.cached.stats().tierHits - tierHits;
  }).toBe(1);
}

test('what the reader of changes knows to be void it does not take from Redis, where it is not void yet', async () => {
  await using it = await gates();
  const { database, reader, follower, readers } = it;
  await stored(reader, 1, follower);
  await kept(reader, 2);
  const { transactions = 0 } = reader.cached.stats().changes ?? {};
  const open = readers.close('invalidate');
  await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
  await eventually(() => reader.cached.stats().changes?.transactions).toBeGreaterThan(transactions);
  expect(await statusOf(reader, 1)).toBe('paid');
  open();
});

test('who is to see all until now does not wait for what another one asks Redis for', async () => {
  await using it = await gates();
  const { database, reader, follower, readers, followers } = it;
  await stored(reader, 1, follower);
  // One result is kept in memory at a time.
  await kept(follower, 2);
  const [openReaders, openFollowers] = [readers.close('invalidate'), followers.close('get')];
  await database.query(`UPDATE orders SET status = 'paid' WHERE id = 1`);
  const request = runInScope('request', (scope) => scope);
  const within = <Result>(work: () => Result): Result => request.run(work);
  within(() => follower.seeAtLeast(''));
  const answers = [statusOf(follower, 1), within(() => statusOf(follower, 1))];
  openFollowers();
  expect(await Promise.all(answers)).toEqual(['open', 'paid']);
  openReaders();
});

test('when somebody has emptied Redis, whoever comes then follows all the same', async () => {
  await using it = await fleet();
  const client = await createClient({ url: redis().url }).connect();
  for (const pool of it.pools) await kept(pool, 7);
  await client.flushAll();
  client.destroy();
  const late = it.another();
  await eventually(() => late.cached.stats().truth).toBe('stream');
  for (const pool of [...it.pools, late]) {
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    await kept(pool, 7);
  }
});

test('who loses the right to read the changes leaves it to another one, and nothing is missed in between', async () => {
  await using it = await fleet();
  const { database, pools } = it;
  for (let round = 1; round <= 3; round++) {
    for (const pool of pools) await kept(pool, 6);
    const { epochs = 0 } = pools[0].cached.stats().changes ?? {};
    const ended = database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'pitcrew change reader'`,
    );
    for (let each = 1; each <= 20; each++) {
      const status = `round ${round}, ${each}`;
      await Promise.all(pools.map((pool) => statusOf(pool, 6)));
      await database.query('UPDATE orders SET status = $1 WHERE id = 6', [status]);
    }
    expect(await ended).toHaveLength(1);
    await eventually(() => pools[0].cached.stats().changes?.epochs).toBeGreaterThan(epochs);
    for (const pool of pools) {
      await eventually(() => pool.cached.stats().truth).toBe('stream');
      await eventually(() => statusOf(pool, 6)).toBe(`round ${round}, 20`);
      await kept(pool, 6);
      expect(await statusOf(pool, 6)).toBe(`round ${round}, 20`);
    }
    await eventually(() => pools.filter((pool) => pool.cached.stats().isReader).length).toBe(1);
  }
}, 120_000);

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

test('what was given up by hand while the reader of changes could not hear it is given up by it too', async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await quietDatabase());
  await database.query(
    `CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL); INSERT INTO orders VALUES (1, 'open')`,
  );
  const proxy = stack.use(await tcpProxy(redis().url));
  const namespace = freshNamespace();
  const open = async (url: string): Promise<CachingPool> => {
    const pool = stack.use(
      createPool({
        connectionString: database.url,
        telemetry: false,
        max: 4,
        cache: { tier: redisTier({ url, namespace }), changes: { createPublication: 'tables', maxLagMs: 2000 } },
      }),
    );
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    return pool;
  };
  const reader = await open(proxy.url(redis().url));
  const other = await open(redis().url);
  for (const pool of [reader, other]) await kept(pool, 1);
  const { cleared, epoch } = reader.cached.stats().givenUp;
  proxy.refuse(true);
  proxy.cut();
  await other.cached.invalidate('orders');
  proxy.refuse(false);
  await eventually(() => {
    const { givenUp } = reader.cached.stats();
    return givenUp.cleared + givenUp.epoch - cleared - epoch;
  }).toBeGreaterThan(0);
  for (const pool of [reader, other]) {
    await eventually(() => pool.cached.stats().truth).toBe('stream');
    await kept(pool, 1);
  }
});

test('Redis away: each goes on with the database, and nothing wrong is given when it is back', async () => {
  await using server = await startRedis();
  await using database = await quietDatabase();
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
