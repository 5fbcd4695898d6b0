import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
    INSERT INTO accounts SELECT i, 1000 FROM generate_series(1, 100) i
  `);
});
afterAll(() => database[Symbol.asyncDispose]());

/** A pool that says of each statement that has ended whether it shared a connection. */
function open(options: PoolOptions = {}): { pool: Pool; shared: Map<string, boolean>; everShared: Set<string> } {
  const shared = new Map<string, boolean>();
  const everShared = new Set<string>();
  const pool = new Pool({
    connectionString: database.url,
    // However busy the machine is, what is quick by itself is known as quick, and nobody's turn comes too late.
    laneLimitMillis: 5000,
    connectionTimeoutMillis: 0,
    ...options,
    observer: {
      statementEnded(_started, { text, lane }) {
        shared.set(text, lane);
        if (lane) everShared.add(text);
      },
    },
  });
  return { pool, shared, everShared };
}

/** Runs a statement until it shares a connection, and so often that its time is well known. */
async function teach({ pool, shared }: ReturnType<typeof open>, text: string, values: unknown[]): Promise<void> {
  for (let runs = 0; runs < 30 || shared.get(text) !== true; runs++) await pool.query(text, values);
}

const update = 'UPDATE accounts SET balance = balance + 1 WHERE id = $1';
const read = 'SELECT id FROM accounts WHERE id = $1';

describe('a statement known as quick', () => {
  test('that waits for a lock holds up nobody, and succeeds', async () => {
    const opened = open();
    await using pool = opened.pool;
    await teach(opened, update, [2]);
    await teach(opened, read, [3]);
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query(update, [1]);
    let done = false;
    const waiting = pool.query(update, [1]).then(({ rowCount }) => {
      done = true;
      return rowCount;
    });
    // All of them are answered although the holder holds on.
    const others = await Promise.all(Array.from({ length: 300 }, (_, i) => pool.query(read, [(i % 100) + 1])));
    expect(others.map(({ rows }) => rows)).toEqual(others.map((_, i) => [{ id: (i % 100) + 1 }]));
    expect(done).toBe(false);
    // It waits on a connection of its own by and by.
    await expect.poll(() => pool.stats().endpoints[0]?.laneStatements).toBe(0);
    await holder.query('COMMIT');
    holder.release();
    expect(await waiting).toBe(1);
    // From now on it keeps off them for a while.
    await pool.query(update, [1]);
    expect(opened.shared.get(update)).toBe(false);
  });

  test('that becomes slow holds up nobody, and succeeds', async () => {
    const opened = open();
    await using pool = opened.pool;
    const sleep = 'SELECT pg_sleep($1)::text, $2::int AS n';
    await teach(opened, sleep, [0, 0]);
    await teach(opened, read, [3]);
    let slept = 0;
    const slow = Array.from({ length: 2 }, (_, n) => pool.query(sleep, [2, n]).finally(() => (slept += 1)));
    const others = await Promise.all(Array.from({ length: 300 }, (_, i) => pool.query(read, [(i % 100) + 1])));
    expect(slept).toBe(0);
    expect(others.map(({ rows }) => rows[0]?.id)).toEqual(others.map((_, i) => (i % 100) + 1));
    expect((await Promise.all(slow)).map(({ rows }) => rows[0]?.n)).toEqual([0, 1]);
    expect(opened.shared.get(sleep)).toBe(false);
  });

  test('runs once, though it was stopped: no write is done twice', async () => {
    const opened = open();
    await using pool = opened.pool;
    await teach(opened, update, [4]);
    const [before] = await database.query<{ balance: number }>('SELECT balance FROM accounts WHERE id = 5');
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM accounts WHERE id = 5 FOR UPDATE');
    const writes = Array.from({ length: 20 }, () => pool.query(update, [5]));
    await expect.poll(() => pool.waitingCount + pool.totalCount - pool.idleCount).toBeGreaterThan(5);
    await holder.query('COMMIT');
    holder.release();
    await Promise.all(writes);
    expect(await database.query('SELECT balance FROM accounts WHERE id = 5')).toEqual([
      { balance: (before?.balance ?? 0) + 20 },
    ]);
  });
});

test('a statement that is slow by its own history never shares a connection, quick ones do', async () => {
  const opened = open({ laneLimitMillis: 200 });
  await using pool = opened.pool;
  const sleep = 'SELECT pg_sleep($1)::text AS slow';
  for (let runs = 0; runs < 6; runs++) await pool.query(sleep, [0.22]);
  expect(opened.everShared).toEqual(new Set());
  await expect
    .poll(async () => {
      await pool.query(read, [1]);
      return opened.shared.get(read);
    })
    .toBe(true);
});

test('a transaction that awaits a statement queued behind one that waits for it goes on', async () => {
  const opened = open();
  await using pool = opened.pool;
  await teach(opened, update, [6]);
  await teach(opened, read, [6]);
  const holder = await pool.connect();
  await holder.query('BEGIN');
  await holder.query(update, [7]);
  const blocked = Array.from({ length: 6 }, () => pool.query(update, [7]));
  // In the pool, not in the transaction: pg.Pool would answer it on another connection.
  const answers = await Promise.all(Array.from({ length: 10 }, () => pool.query(read, [7])));
  expect(answers.map(({ rows }) => rows)).toEqual(answers.map(() => [{ id: 7 }]));
  await holder.query('ROLLBACK');
  holder.release();
  expect((await Promise.all(blocked)).map(({ rowCount }) => rowCount)).toEqual(blocked.map(() => 1));
});

test('limits of the application mean what they say', async () => {
  const opened = open({ options: '-c lock_timeout=20ms -c statement_timeout=150ms' });
  await using pool = opened.pool;
  const sleep = 'SELECT pg_sleep($1)::text AS limited';
  await teach(opened, sleep, [0]);
  await teach(opened, update, [8]);
  await expect(pool.query(sleep, [60])).rejects.toMatchObject({ code: '57014' });
  const holder = await pool.connect();
  await holder.query('BEGIN');
  await holder.query(update, [9]);
  await expect(pool.query(update, [9])).rejects.toMatchObject({ code: '55P03' });
  await holder.query('ROLLBACK');
  holder.release();
});

test('answers are never mixed up', async () => {
  const opened = open({ max: 12 });
  await using pool = opened.pool;
  type Ask = (n: number) => Promise<unknown>;
  const rows = (text: string, values: unknown[]): Promise<unknown> =>
    pool.query(text, values).then((result) => result.rows);
  const failure = (text: string, values: unknown[]): Promise<unknown> =>
    pool.query(text, values).then(
      () => 'no error',
      (error: { code: string }) => error.code,
    );
  const asks: { ask: Ask; answer: (n: number) => unknown }[] = [
    { ask: (n) => rows('SELECT $1::int AS n', [n]), answer: (n) => [{ n }] },
    { ask: (n) => rows('SELECT $1::text AS a, $2::int AS b', [`t${n}`, n]), answer: (n) => [{ a: `t${n}`, b: n }] },
    {
      ask: (n) => rows('SELECT i, $1::int AS n FROM generate_series(1, $2::int) i', [n, n % 50]),
      answer: (n) => Array.from({ length: n % 50 }, (_, i) => ({ i: i + 1, n })),
    },
    {
      ask: (n) => rows('SELECT id FROM accounts WHERE id = $1', [(n % 100) + 1]),
      answer: (n) => [{ id: (n % 100) + 1 }],
    },
    { ask: (n) => rows('SELECT id FROM accounts WHERE id = $1', [-n - 1]), answer: () => [] },
    {
      ask: (n) => rows('UPDATE accounts SET balance = balance WHERE id = $1 RETURNING id', [(n % 100) + 1]),
      answer: (n) => [{ id: (n % 100) + 1 }],
    },
    { ask: (n) => failure('SELECT 10 / ($1::int - $1::int)', [n]), answer: () => '22012' },
    {
      ask: (n) => (n % 3 === 0 ? failure('SELECT 6 / $1::int AS q', [0]) : rows('SELECT 6 / $1::int AS q', [1])),
      answer: (n) => (n % 3 === 0 ? '22012' : [{ q: 6 }]),
    },
    {
      ask: (n) => (n % 5 === 0 ? failure('SELECT $1::int AS checked', ['x']) : rows('SELECT $1::int AS checked', [n])),
      answer: (n) => (n % 5 === 0 ? '22P02' : [{ checked: n }]),
    },
    { ask: (n) => failure('UPDATE accounts SET balance = -1 WHERE id = $1', [(n % 100) + 1]), answer: () => '23514' },
    { ask: (n) => failure(`SELECT ${n % 7} FROM nowhere`, []), answer: () => '42P01' },
    {
      ask: (n) =>
        rows(`SELECT repeat($1, 1000) AS long, pg_sleep($2)::text AS slept`, [String(n % 10), n % 40 === 0 ? 0.3 : 0]),
      answer: (n) => [{ long: String(n % 10).repeat(1000), slept: '' }],
    },
  ];
  await teach(opened, 'SELECT $1::int AS n', [1]);
  for (const { ask } of asks) for (const n of [1, 1, 1]) await ask(n);
  let seed = 20_261_121;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >> 8) % below;
  };
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      for (let turn = 0; turn < 25; turn++) {
        const n = random(1000);
        const chosen = asks[random(asks.length)];
        expect(await chosen?.ask(n)).toEqual(chosen?.answer(n));
      }
    }),
  );
  expect(opened.everShared.size).toBeGreaterThan(4);
});

test('prepared statements are bounded', async () => {
  const opened = open({ lanes: 1 });
  await using pool = opened.pool;
  await teach(opened, 'SELECT $1::int AS first', [1]);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 600; i++) {
      const text = `SELECT $1::int AS n${i}`;
      const answers = await Promise.all([1, 2].map((n) => pool.query(text, [n])));
      if (round === 0) await pool.query(text, [3]);
      expect(answers.map(({ rows }) => rows)).toEqual([[{ [`n${i}`]: 1 }], [{ [`n${i}`]: 2 }]]);
    }
  }
  const sharedTexts = [...opened.shared].filter(([, lane]) => lane);
  expect(sharedTexts.length).toBeGreaterThan(300);
  // What the session itself holds: a plain function that is declared harmless may look from inside.
  await database.query(
    `CREATE FUNCTION prepared_here() RETURNS int STABLE LANGUAGE sql AS 'SELECT count(*)::int FROM pg_prepared_statements'`,
  );
  const looking = open({ lanes: 1, functions: { readOnlyFunctions: ['prepared_here'] } });
  await using looker = looking.pool;
  await teach(looking, 'SELECT prepared_here() AS n', []);
  for (let i = 0; i < 600; i++) {
    for (let run = 0; run < 4; run++) await looker.query(`SELECT $1::int AS n${i}`, [run]);
  }
  const { rows } = await looker.query<{ n: number }>('SELECT prepared_here() AS n');
  expect(looking.shared.get('SELECT prepared_here() AS n')).toBe(true);
  expect(rows[0]?.n).toBeGreaterThan(200);
  expect(rows[0]?.n).toBeLessThanOrEqual(256);
});

test('5,000 callers at once wait their turn and are all answered', async () => {
  const opened = open({ max: 10 });
  await using pool = opened.pool;
  await teach(opened, read, [1]);
  const answers = await Promise.all(Array.from({ length: 5000 }, (_, i) => pool.query(read, [(i % 100) + 1])));
  expect(answers.every(({ rows }, i) => rows.length === 1 && rows[0]?.id === (i % 100) + 1)).toBe(true);
  expect(pool.waitingCount).toBe(0);
  expect(pool.totalCount).toBeLessThanOrEqual(10);
});

test('5,000 callers at once from cold', async () => {
  await using pool = new Pool({ connectionString: database.url, max: 10, connectionTimeoutMillis: 0 });
  const answers = await Promise.all(Array.from({ length: 5000 }, (_, i) => pool.query(read, [(i % 100) + 1])));
  expect(answers.every(({ rows }, i) => rows.length === 1 && rows[0]?.id === (i % 100) + 1)).toBe(true);
  expect(pool.totalCount).toBeLessThanOrEqual(10);
});
