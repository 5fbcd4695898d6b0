import fc from 'fast-check';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase, plainPool } from '../../support/postgres.ts';

let databases: [TestDatabase, TestDatabase];

beforeAll(async () => {
  databases = [await testDatabase(), await testDatabase()];
  await Promise.all(databases.map((database) => database.query(schema)));
});
afterAll(() => Promise.all(databases.map((database) => database[Symbol.asyncDispose]())));

const schema = `
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE TABLE notes (caller int, n int CHECK (n < 90), body jsonb, mood mood, PRIMARY KEY (caller, n));`;

/** What one caller does: in the rows of its own, so that nothing hangs on who comes first. */
type Act = (pool: pg.Pool, caller: number) => Promise<unknown>;

const n = fc.integer({ min: 0, max: 99 });
const text = fc.string({ unit: 'binary', maxLength: 12 });
const circular: { self?: unknown } = {};
circular.self = circular;

/** Values as applications give them, for casts of all kinds; servers do not take all of them. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  n,
  text,
  fc.string(),
  fc.boolean(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 6 }),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.oneof(n, fc.constant(null)), { maxLength: 4 }),
  fc.array(fc.array(fc.string({ maxLength: 4 }), { maxLength: 2 }), { maxLength: 2 }),
  fc.array(
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 3 },
  ),
  fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  fc.constantFrom(null, undefined, circular, 'good', '{1,NULL}', '2020-02-30', 'NaN', Symbol.iterator),
  n.map((number) => ({ toPostgres: () => [number, null] })),
  fc.constant({
    toPostgres() {
      throw new Error('it cannot be written');
    },
  }),
);
const cast = fc.constantFrom(
  'int',
  'text',
  'bool',
  'numeric',
  'float8',
  'timestamptz',
  'date',
  'bytea',
  'json',
  'jsonb',
  'int[]',
  'text[]',
  'bytea[]',
  'mood',
  'interval',
  'uuid',
  'point',
  'int8',
  'jsonb[]',
  'timestamp[]',
);

const statement: fc.Arbitrary<(caller: number) => { text: string; values?: unknown }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(value, cast).map(([v, as]) => () => ({ text: `SELECT $1::${as} AS v`, values: [v] })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(n, fc.jsonValue({ maxDepth: 1 })).map(([at, body]) => (caller: number) => ({
      text: 'INSERT INTO notes (caller, n, body) VALUES ($1, $2, $3) RETURNING *',
      values: [caller, at, JSON.stringify(body)],
    })),
  },
  {
    weight: 3,
    arbitrary: n.map((at) => (caller: number) => ({
      text: `UPDATE notes SET mood = 'bad', body = to_jsonb(n) WHERE caller = $1 AND n > $2`,
      values: [caller, at],
    })),
  },
  {
    weight: 1,
    arbitrary: n.map((at) => (caller: number) => ({
      text: 'DELETE FROM notes WHERE caller = $1 AND n = $2',
      values: [caller, at],
    })),
  },
  {
    weight: 4,
    arbitrary: fc.constant((caller: number) => ({
      text: 'SELECT n, n AS twice, n, body, mood FROM notes WHERE caller = $1 ORDER BY n',
      values: [caller],
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: 0, max: 2 })
      .map((by) => () => ({ text: 'SELECT 10 / $1::int AS tenth', values: [by] })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<unknown>([], [1, 2], null, undefined, 'ab', {}, 7, [undefined])
      .map((values) => () => ({ text: 'SELECT $1::text AS v', values })),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        '',
        ';',
        '-- nothing',
        'SELEC 1',
        'SELECT * FROM nowhere',
        'SELECT 1 AS a; SELECT 2 AS b, 3 AS b',
        'SELECT',
        'TABLE notes LIMIT 0',

        'SELECT 1; SELECT 1 / 0; SELECT 2',
        `DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX123', HINT = 'h'; END $$`,

        'SHOW server_version_num',
        'EXPLAIN (COSTS off) SELECT 1',
        'VALUES (1), (2)',
        `SELECT 'a\0b'`,
        'SELECT n FROM notes WHERE n = $1',

        'CREATE TEMP TABLE IF NOT EXISTS passing ()',
        `NOTIFY someone, 'x'`,
        'SELECT 1; -- and no more',
        "SELECT '\u{1F600}' AS smile",
      )
      .map((fixed) => () => ({ text: fixed })),
  },
  {
    weight: 1,
    arbitrary: n.map((at) => (caller: number) => ({
      text: `INSERT INTO notes VALUES (${caller}, ${at}); INSERT INTO notes VALUES (${caller}, ${at + 1}) RETURNING n`,
    })),
  },
);

const types = { getTypeParser: () => (raw: string | Buffer) => `read: ${String(raw)}` };
const failing = {
  getTypeParser: () => () => {
    throw new Error('it cannot be read');
  },
};
const extras = fc.constantFrom<object>(
  {},
  {},
  {},
  { rowMode: 'array' },
  { types },
  { types: failing },
  { isNamed: true },
);

/** All forms of a call. */
const query: fc.Arbitrary<Act> = fc
  .tuple(statement, extras, fc.constantFrom('promise', 'callback', 'apart'))
  .map(([make, extra, form]) => (pool, caller) => {
    const { text: sql, values } = make(caller);
    const { isNamed, ...rest } = extra as { isNamed?: boolean };
    const name =
      isNamed && Array.isArray(values) ? { name: `s${sql.length}${sql.slice(-20)}`.replaceAll('\0', '') } : {};
    const ask = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
    if (form === 'promise') return ask({ text: sql, values, ...rest, ...name });
    if (form === 'apart' && !Object.keys(extra).length) return values === undefined ? ask(sql) : ask(sql, values);
    return new Promise((resolve, reject) => {
      void ask({ text: sql, values, ...rest, ...name }, (error: Error | undefined, result: unknown) =>
        error ? reject(error) : resolve(result),
      );
    });
  });

const insert = 'INSERT INTO notes (caller, n) VALUES ($1, $2)';

/** A transaction on a client that is committed, rolled back, or left in the middle of it. */
const transaction: fc.Arbitrary<Act> = fc
  .tuple(fc.array(n, { minLength: 1, maxLength: 3 }), fc.constantFrom('COMMIT', 'ROLLBACK', 'given up'))
  .map(([rows, end]) => async (pool, caller) => {
    const client = await pool.connect();
    const answers: unknown[] = [];
    await client.query('BEGIN');
    for (const row of rows) answers.push(await seen(client.query(insert, [caller, row])));
    if (end !== 'given up') answers.push(await seen(client.query(end)));
    client.release(end === 'given up');
    return { rows: answers };
  });

const driven: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()).map(([size, close]) => async (pool: pg.Pool) => {
    const client = await pool.connect();
    const cursor = client.query(new Cursor('SELECT g, 6 / (8 - g) AS d FROM generate_series(1, 9) g'));
    const rows: unknown[] = [];
    try {
      for (let read = await cursor.read(size); read.length > 0; read = close ? [] : await cursor.read(size))
        rows.push(...read);
    } finally {
      await cursor.close();
      client.release();
    }
    return { rows };
  }),
  // On a client: `pg.Pool` itself takes no streams.
  n.map((most) => async (pool: pg.Pool) => {
    const client = await pool.connect();
    const stream = client.query(
      new QueryStream('SELECT g FROM generate_series(1, $1::int) g', [most], { batchSize: 7 }),
    );
    const rows: unknown[] = await stream.toArray();
    client.release();
    return { rows };
  }),
);

/** Types of our own have another number in each database. */
const firstOwnType = 16_384;

/** What a caller sees of an answer, or of an error. */
async function seen(answer: Promise<unknown>): Promise<unknown> {
  try {
    const result = (await answer) as pg.QueryResult | pg.QueryResult[];
    return (Array.isArray(result) ? result : [result]).map(({ rows, rowCount, command, fields, oid }) => ({
      rows,
      rowCount,
      command,
      oid,
      fields: fields?.map(({ name, dataTypeID, format }) => ({
        name,
        dataTypeID: Math.min(dataTypeID, firstOwnType),
        format,
      })),
    }));
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) return { name: (error as Error).name, message: (error as Error).message };
    const { code, message, severity, detail, hint, position, where, table, column, constraint } = error;
    return { code, message, severity, detail, hint, position, where, table, column, constraint };
  }
}

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: query },
  { weight: 1, arbitrary: transaction },
  { weight: 1, arbitrary: driven },
);

async function play(pool: pg.Pool, callers: readonly (readonly Act[])[]): Promise<unknown> {
  await pool.query('TRUNCATE notes');
  const answers = await Promise.all(
    callers.map(async (acts, caller) => {
      const answered: unknown[] = [];
      for (const each of acts) answered.push(await seen(each(pool, caller)));
      return answered;
    }),
  );
  const { rows } = await pool.query('SELECT * FROM notes ORDER BY caller, n');
  return { answers, rows };
}

test('many callers, whatever they send: the same answers, errors and rows as with pg.Pool', async () => {
  const [first, second] = databases;
  let shared = 0;
  await using ours = new Pool({
    connectionString: second.url,
    max: 8,
    // However busy the machine is, statements are quick enough to share connections.
    laneLimitMillis: 5000,
    observer: { statementEnded: (_, { lane }) => void (shared += lane ? 1 : 0) },
  });
  const plain = plainPool({ connectionString: first.url, max: 8 });
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(act, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 12 }),
        async (callers) => {
          const [expected, found] = await Promise.all([
            play(plain, callers),
            play(ours as unknown as pg.Pool, callers),
          ]);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
  } finally {
    await plain.end();
  }

  expect(shared).toBeGreaterThan(100);
});
