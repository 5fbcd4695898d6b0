import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pool } from '../../src/client/pool/index.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { outcomes, warmLane } from '../support/shared-lane.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE ledger (id int NOT NULL, via text NOT NULL)');
});

afterAll(() => database[Symbol.asyncDispose]());

const read = 'SELECT $1::int AS id, pg_sleep($2)::text';
const write = `INSERT INTO ledger SELECT $1, 'lane' FROM pg_sleep($2)`;

interface Watched extends AsyncDisposable {
  pool: Pool;
  observer: ReturnType<typeof outcomes>;
  /** Until both statements go through the shared connection. */
  warm(): Promise<void>;
}

/** A pool whose one shared connection is open, and that knows both statements as quick. */
async function warmed(): Promise<Watched> {
  const observer = outcomes();
  const pool = new Pool({ connectionString: database.url, lanes: 1, laneLimitMillis: 5000, observer });
  const warm = (): Promise<void> =>
    warmLane(pool, observer, [
      [read, [-1, 0]],
      [write, [-1, 0]],
    ]);
  await warm();
  return { pool, observer, warm, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() };
}

/** Ends all backends that run a statement of this kind now, as an administrator or a dying server does. */
async function killRunning(pattern: string): Promise<number> {
  const find = `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
    WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid() AND datname = current_database()`;
  for (;;) {
    const ended = await database.query(find, [pattern]);
    if (ended.length > 0) return ended.length;
  }
}

const rowsOf = async (): Promise<number[]> =>
  (await database.query<{ id: number }>('SELECT id FROM ledger WHERE id >= 0 ORDER BY id')).map(({ id }) => id);

describe('a shared connection is ended with 50 statements under way', () => {
  test.each(['reads first', 'writes first'])('%s', async (order) => {
    await database.query('TRUNCATE ledger');
    await using watched = await warmed();
    const { pool, observer, warm } = watched;
    const count = 50;
    const isRead = (i: number): boolean => (i % 2 === 0) === (order === 'reads first');
    const settled = Promise.allSettled(
      Array.from({ length: count }, (_, i) => pool.query(isRead(i) ? read : write, [i, i === 0 ? 0.2 : 0])),
    );
    expect(pool.stats().endpoints[0]?.laneStatements).toBe(count);
    expect(await killRunning(isRead(0) ? 'SELECT $1::int%' : 'INSERT INTO ledger%')).toBe(1);
    const results = await settled;

    // The server was at the first one: the others were never begun, and are sent again.
    for (const [i, result] of results.entries()) {
      if (i === 0 && !isRead(i)) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'E_OUTCOME_UNKNOWN', sqlState: '57P01' } });
      } else {
        expect(result).toMatchObject({ status: 'fulfilled', value: { rowCount: 1 } });
      }
    }
    expect(await rowsOf()).toEqual(Array.from({ length: count }, (_, i) => i).filter((i) => i > 0 && !isRead(i)));
    expect(observer.seen).toHaveLength(count);

    // And all goes on as before, on a shared connection again.
    await warm();
    expect(pool.stats().endpoints[0]).toMatchObject({ laneStatements: 0, waiting: 0 });
  });
});

test('a read that ends its own backend each time is not sent for ever', async () => {
  await database.query(`
    CREATE SEQUENCE tries;
    CREATE FUNCTION poison(id int) RETURNS text LANGUAGE sql AS $$
      SELECT CASE WHEN id < 0 THEN 'harmless' ELSE nextval('tries') || pg_terminate_backend(pg_backend_pid())::text || pg_sleep(1) END
    $$`);
  const sql = 'SELECT poison($1)';
  await using pool = new Pool({
    connectionString: database.url,
    lanes: 1,
    functions: { readOnlyFunctions: ['poison'] },
  });
  for (let i = 0; i < 20; i++) await pool.query(sql, [-1]);
  await expect(pool.query(sql, [1])).rejects.toMatchObject({ code: '57P01' });
  expect(await database.query('SELECT last_value::int AS tries FROM tries')).toEqual([{ tries: 5 }]);
  expect((await pool.query(sql, [-1])).rowCount).toBe(1);
});

describe('a connection of its own is ended', () => {
  test('under a read: it is sent again; under a write: its outcome is unknown', async () => {
    await database.query('TRUNCATE ledger');
    await using pool = new Pool({ connectionString: database.url, lanes: 0 });
    const reading = pool.query(read, [1, 0.3]);
    const writing = Promise.allSettled([pool.query(write, [1, 5])]);
    await killRunning('SELECT $1::int%');
    await killRunning('INSERT INTO ledger%');
    expect((await reading).rows).toMatchObject([{ id: 1 }]);
    expect(await writing).toMatchObject([
      { status: 'rejected', reason: { code: 'E_OUTCOME_UNKNOWN', sqlState: '57P01' } },
    ]);
    expect(await rowsOf()).toEqual([]);
    await pool.query(write, [2, 0]);
    expect(await rowsOf()).toEqual([2]);
  });

  test('while it is idle: nobody notices', async () => {
    const errors: Error[] = [];
    await using pool = new Pool({ connectionString: database.url, lanes: 0 });
    pool.on('error', (error) => errors.push(error));
    await Promise.all(Array.from({ length: 5 }, () => pool.query(read, [1, 0.05])));
    const open = pool.totalCount;
    expect(open).toBeGreaterThan(1);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await expect.poll(() => errors.length).toBe(open);
    expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
    expect((await pool.query(read, [1, 0])).rowCount).toBe(1);
  });

  test('in a transaction: nothing of it is kept, and the caller is told so', async () => {
    await database.query('TRUNCATE ledger');
    await using pool = new Pool({ connectionString: database.url });
    const failed = Promise.allSettled([
      pool.transaction(async (client) => {
        await client.query(write, [1, 0]);
        await client.query(write, [2, 5]);
      }),
    ]);
    await killRunning('INSERT INTO ledger%');
    expect(await failed).toMatchObject([{ status: 'rejected', reason: { code: 'E_CONNECTION_LOST' } }]);
    expect(await rowsOf()).toEqual([]);
    expect(pool.totalCount).toBe(0);
  });

  test('while a caller holds it: the statement fails, and the client is not lent again', async () => {
    await using pool = new Pool({ connectionString: database.url });
    const client = await pool.connect();
    client.on('error', () => {});
    const failed = Promise.allSettled([client.query(read, [1, 5])]);
    await killRunning('SELECT $1::int%');
    expect(await failed).toMatchObject([{ status: 'rejected', reason: { code: '57P01' } }]);
    client.release();
    expect(await pool.connect().then((other) => [other === client, other.release()])).toEqual([false, undefined]);
  });
});
