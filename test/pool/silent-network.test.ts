import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { scratchServer, type TestDatabase, testDatabase } from '../support/postgres.ts';
import { outcomes, warmLane } from '../support/shared-lane.ts';
import { statement, type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE ledger (id int NOT NULL)');
});

beforeEach(() => database.query('TRUNCATE ledger'));

afterAll(() => database[Symbol.asyncDispose]());

const read = 'SELECT $1::int AS id';
const write = 'INSERT INTO ledger VALUES ($1)';

interface Line extends AsyncDisposable {
  proxy: TcpProxy;
  pool: Pool;
  /** Until its statements go through a shared connection. */
  warm(): Promise<void>;
}

/** A pool behind a network that can fail. */
async function line(options: PoolOptions = {}): Promise<Line> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await tcpProxy(database.url));
  const observer = outcomes();
  const pool = stack.use(
    new Pool({
      connectionString: proxy.url(database.url),
      connectionTimeoutMillis: 1000,
      failoverTimeoutMillis: 500,
      // However busy the machine is, statements are quick enough to share connections.
      laneLimitMillis: 5000,
      observer,
      ...options,
    }),
  );
  const owned = stack.move();
  const warm = (): Promise<void> =>
    warmLane(pool, observer, [
      [read, [-1]],
      [write, [-1]],
    ]);
  return { proxy, pool, warm, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const ids = async (): Promise<number[]> =>
  (await database.query<{ id: number }>('SELECT id FROM ledger WHERE id >= 0 ORDER BY id')).map(({ id }) => id);

describe('one connection goes silent', () => {
  test('a read on it is answered all the same, a write is not known', async () => {
    await using cut = await line({ lanes: 0 });
    const { proxy, pool } = cut;
    const swallowed = proxy.failAt(statement(/SELECT \$1/), 'swallow');
    const reading = pool.query(read, [1]);
    await swallowed;
    expect((await reading).rows).toEqual([{ id: 1 }]);

    const lost = proxy.failAt(statement(/INSERT/), 'lose answers');
    const writing = Promise.allSettled([pool.query(write, [1])]);
    await lost;
    expect(await writing).toMatchObject([{ status: 'rejected', reason: { code: 'E_OUTCOME_UNKNOWN' } }]);
    expect(await ids()).toEqual([1]);
    await pool.query(write, [2]);
    expect(await ids()).toEqual([1, 2]);
  });

  test('shared: reads on it are answered all the same, writes are not known, and none is done twice', async () => {
    await using cut = await line({ lanes: 1, prepare: false });
    const { proxy, pool, warm } = cut;
    await warm();
    const lost = proxy.failAt(statement(/INSERT/), 'lose answers');
    const settled = Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => pool.query(i % 2 === 0 ? write : read, [i])),
    );
    expect(pool.stats().endpoints[0]?.laneStatements).toBe(20);
    await lost;
    for (const [i, result] of (await settled).entries()) {
      if (i % 2 === 0) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'E_OUTCOME_UNKNOWN' } });
      else expect(result).toMatchObject({ status: 'fulfilled', value: { rows: [{ id: i }] } });
    }
    const rows = await ids();
    expect(rows).toEqual([...new Set(rows)]);
    await warm();
  });

  test('a statement that takes long is left in peace', async () => {
    await using cut = await line({ failoverTimeoutMillis: 100 });
    const { proxy, pool } = cut;
    const before = proxy.accepted;
    const { rows } = await pool.query('SELECT pg_sleep(1.5), 1 AS one');
    expect(rows).toMatchObject([{ one: 1 }]);
    // It was asked for.
    expect(proxy.accepted).toBeGreaterThan(before + 2);
  });
});

test('a shared write that waits for a synchronous standby is left in peace', async () => {
  await using server = await scratchServer(18, { synchronous_commit: 'on' });
  const observer = outcomes();
  await using pool = new Pool({
    connectionString: server.url(),
    lanes: 1,
    laneLimitMillis: 5000,
    failoverTimeoutMillis: 200,
    observer,
  });
  await pool.query('CREATE TABLE ledger (id int NOT NULL)');
  await warmLane(pool, observer, [[write, [-1]]]);
  const admin = new pg.Client(server.url());
  admin.on('error', () => {});
  await admin.connect();
  await admin.query('CREATE EXTENSION pg_stat_statements');
  const standbys = async (names: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await admin.query('SELECT pg_reload_conf()');
  };
  await standbys('nobody');
  // The server follows by and by, and until then answers at once.
  let answered = true;
  let writing: Promise<unknown> | undefined;
  await expect
    .poll(async () => {
      if (answered) writing = pool.query(write, [1]).then(() => (answered = true));
      answered = false;
      return (await admin.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).rowCount;
    })
    .toBe(1);
  // The server has been asked for it, more than once.
  const asked = `SELECT calls FROM pg_stat_statements WHERE query LIKE 'SELECT /* pitcrew */ pg_backend_pid()%' AND calls > 1`;
  await expect.poll(async () => (await admin.query(asked)).rowCount, { timeout: 20_000 }).toBe(1);
  expect(answered).toBe(false);
  await standbys('');
  await writing;
  expect(observer.seen.at(-1)).toMatchObject({ lane: true, error: undefined });
  await admin.end();
});

describe('the whole network goes silent', () => {
  test('nobody waits for ever, and all is well when it is back', async () => {
    await using cut = await line({ lanes: 1 });
    const { proxy, pool, warm } = cut;
    await warm();
    const client = await pool.connect();
    client.on('error', () => {});
    const ended = new Promise((resolve) => client.once('end', resolve));
    proxy.silence();
    const shared = [pool.query(read, [1]), pool.query(write, [1])];
    expect(pool.stats().endpoints[0]?.laneStatements).toBe(2);
    const own = pool.query('SELECT pg_sleep(0)');
    const lent = client.query(write, [2]);
    const settled = await Promise.allSettled([...shared, own, lent]);
    expect(settled.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
    expect(settled[1]).toMatchObject({ reason: { code: 'E_OUTCOME_UNKNOWN' } });
    await ended;
    client.release();
    proxy.resume();
    await expect.poll(() => pool.query(read, [3]).then(({ rows }) => rows)).toEqual([{ id: 3 }]);
    await warm();
  });

  test('an idle connection that is dead is found before it is used', async () => {
    await using cut = await line({ lanes: 0, pingAfterMillis: 0.001 });
    const { proxy, pool } = cut;
    await pool.query(read, [1]);
    const dead = proxy.failAt(({ type, body }) => type === 'Q' && body.includes('pitcrew ping'), 'swallow');
    const { rows } = await pool.query(write, [1]).then(() => pool.query(read, [2]));
    await dead;
    expect(rows).toEqual([{ id: 2 }]);
    expect(await ids()).toEqual([1]);
  });
});
