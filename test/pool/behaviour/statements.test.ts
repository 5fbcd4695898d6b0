import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type TestDatabase, testDatabase, plainPool } from '../../support/postgres.ts';

let database: TestDatabase;
let pool: Pool;
let plain: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  await database.query(
    'CREATE TABLE items (id int PRIMARY KEY, name text); INSERT INTO items VALUES (1, NULL), (2, $$b$$)',
  );
  plain = plainPool({ connectionString: database.url });
});
afterAll(async () => {
  await plain.end();
  await database[Symbol.asyncDispose]();
});
let shared = false;
beforeEach(() => {
  pool = open({
    observer: {
      statementEnded(_started, { lane }) {
        shared = lane;
      },
    },
  });
});
afterEach(() => pool.end());

/** However busy the machine is, statements are quick enough to share connections. */
const open = (options: PoolOptions = {}): Pool =>
  new Pool({ connectionString: database.url, laneLimitMillis: 5000, ...options });

/** So often that it first has a connection of its own, then a shared one, where it is prepared. */
const often = Array.from({ length: 12 }, (_, i) => i);

/** Runs a statement until it shares a connection. */
async function untilShared(text = 'SELECT $1::int AS warm', values: unknown[] = [1]): Promise<void> {
  const runsShared = async (): Promise<boolean> => {
    await pool.query(text, values);
    return shared;
  };
  while (!(await runsShared()));
}

type Ask = (asked: pg.Pool) => Promise<unknown>;

/** What a caller sees of an answer, or of an error. */
async function outcome(ask: Ask, asked: pg.Pool): Promise<unknown> {
  try {
    const result = (await ask(asked)) as pg.QueryResult | pg.QueryResult[];
    return (Array.isArray(result) ? result : [result]).map(({ rows, rowCount, command, fields, oid }) => ({
      rows,
      rowCount,
      command,
      oid,
      fields: fields.map(({ name, dataTypeID, format }) => ({ name, dataTypeID, format })),
    }));
  } catch (error) {
    const { message, code, severity, position, constraint, name } = error as pg.DatabaseError;
    return { message, code, severity, position, constraint, name };
  }
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const moment = new Date('2026-02-03T04:05:06.789Z');

function circular(): object {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  return circle;
}

describe('gives what pg gives', () => {
  test.each<[string, Ask]>([
    ['no values', (asked) => asked.query('SELECT 1 AS one')],
    ['null for values', (asked) => asked.query('SELECT 1 AS one', null as never)],
    ['an empty list of values', (asked) => asked.query('SELECT 1 AS one', [])],
    ['an empty text', (asked) => asked.query('')],
    ['only a comment', (asked) => asked.query('-- nothing')],
    ['null', (asked) => asked.query(null as never)],
    ['undefined', (asked) => asked.query(undefined as never)],
    ['an empty configuration', (asked) => asked.query({} as never)],
    ['values that are no list', (asked) => asked.query('SELECT $1::text AS v', 'text' as never)],
    ['values that are an object', (asked) => asked.query('SELECT $1::text AS v', { 0: 'a' } as never)],
    ['too few values', (asked) => asked.query('SELECT $1::int + $2::int', [1])],
    ['too many values', (asked) => asked.query('SELECT $1::int', [1, 2])],
    [
      'null, undefined, NaN',
      (asked) => asked.query('SELECT $1::int AS a, $2::text AS b, $3::float8 AS c', [null, undefined, NaN]),
    ],
    ['booleans and big integers', (asked) => asked.query('SELECT $1::bool AS a, $2::int8 AS b', [true, 2n ** 62n])],
    ['bytes', (asked) => asked.query('SELECT $1::bytea AS b', [everyByte])],
    ['other arrays of bytes', (asked) => asked.query('SELECT $1::bytea AS b', [new Uint8Array([1, 2, 3])])],
    ['dates', (asked) => asked.query('SELECT $1::timestamptz AS a, $1::timestamp AS b, $1::date AS c', [moment])],
    [
      'lists',
      (asked) =>
        asked.query('SELECT $1::text[] AS a, $2::int[] AS b', [
          ['x', null, 'a"b\\c,'],
          [
            [1, 2],
            [3, 4],
          ],
        ]),
    ],
    ['lists of bytes', (asked) => asked.query('SELECT $1::bytea[] AS a', [[everyByte, null]])],
    ['JSON', (asked) => asked.query('SELECT $1::jsonb AS a, $2::json AS b', [{ a: [1, null] }, JSON.stringify([1])])],
    ['what writes itself', (asked) => asked.query('SELECT $1::text AS a', [{ toPostgres: () => 'written' }])],
    ['what cannot be written', (asked) => asked.query('SELECT $1::text AS a', [circular()])],
    ['a NUL in a value', (asked) => asked.query('SELECT $1::text AS a', ['a\0b'])],
    ['a NUL in the text', (asked) => asked.query(`SELECT 'a\0b' AS a`)],
    ['65,535 values', (asked) => asked.query(`SELECT $65535::int AS n WHERE ${used(65_535)}`, many(65_535))],
    ['65,536 values', (asked) => asked.query('SELECT $1::int AS n', many(65_536))],
    ['several statements', (asked) => asked.query('SELECT 1 AS a; SELECT 2 AS b; SELECT 3 AS c')],
    ['several statements with values', (asked) => asked.query('SELECT $1::int; SELECT 2', [1])],
    ['several statements of which one fails', (asked) => asked.query('SELECT 1; SELECT 1 / 0; SELECT 2')],
    [
      'rows as lists',
      (asked) => asked.query({ text: 'SELECT id, name, name FROM items ORDER BY id', rowMode: 'array' }),
    ],
    ['columns of one name', (asked) => asked.query('SELECT 1 AS a, 2 AS a')],
    ['a column named __proto__', (asked) => asked.query('SELECT 1 AS "__proto__", 2 AS "constructor"')],
    ['no columns', (asked) => asked.query('SELECT FROM items')],
    ['no rows', (asked) => asked.query('SELECT * FROM items WHERE id = $1', [-1])],
    ['rows without fields', (asked) => asked.query('UPDATE items SET name = name WHERE id = $1', [1])],
    ['RETURNING', (asked) => asked.query('UPDATE items SET name = name WHERE id = $1 RETURNING *', [2])],
    ['a conflict', (asked) => asked.query('INSERT INTO items VALUES (1, $1)', ['again'])],
    ['an error of syntax', (asked) => asked.query('SELEC 1')],
    ['an error at run time', (asked) => asked.query('SELECT 1 / (id - id) FROM items WHERE id = $1', [1])],
    ['a value of the wrong type', (asked) => asked.query('SELECT * FROM items WHERE id = $1', ['x'])],
    ['a table that is not there', (asked) => asked.query('SELECT * FROM nowhere')],
    ['a large result', (asked) => asked.query(`SELECT i, repeat('x', 200) AS t FROM generate_series(1, 20000) i`)],
    ['a large value', (asked) => asked.query('SELECT length($1::text) AS n, $1::text AS t', ['y'.repeat(2_000_000)])],
    ['a name', (asked) => asked.query({ name: 'named', text: 'SELECT $1::int AS n', values: [1] })],
    ['the mode of queries', (asked) => asked.query({ text: 'SELECT 1 AS one', queryMode: 'extended' } as never)],
    ['pages of rows', (asked) => asked.query({ text: 'SELECT i FROM generate_series(1, 100) i', rows: 10 } as never)],
    [
      'binary rows',
      (asked) => asked.query({ text: 'SELECT 1 AS one, $1::text AS t', values: ['a'], binary: true } as never),
    ],
    ['COPY without a stream', (asked) => asked.query('COPY items FROM STDIN')],
  ])('%s', async (_name, ask) => {
    await untilShared();
    const expected = await outcome(ask, plain);
    for (const _ of often.slice(0, 6)) expect(await outcome(ask, pool)).toEqual(expected);
  });

  test.each<[string, string, unknown[], unknown[]]>([
    ['an error at run time', 'SELECT 1 / $1::int AS n', [1], [0]],
    ['an error after rows', 'SELECT 1 / (3 * $1::int - i) AS n FROM generate_series(1, 5) i', [9], [1]],
    ['a value of the wrong type', 'SELECT $1::int AS n', [1], ['x']],
    ['a value out of range', 'SELECT $1::int AS n', [1], [2 ** 40]],
    ['too few values', 'SELECT $1::int + 1 AS n', [1], []],
    ['too many values', 'SELECT $1::int + 2 AS n', [1], [1, 2]],
    ['a NUL in a value', 'SELECT $1::text AS t', ['a'], ['a\0b']],
    ['what cannot be written', 'SELECT $1::text AS u', ['a'], [circular()]],
    [
      'a violated constraint',
      'INSERT INTO unique_items VALUES (coalesce($1, floor(random() * 1e9)::int))',
      [null],
      [1],
    ],
  ])('on shared connections, and leaves others alone: %s', async (_name, text, good, bad) => {
    await database.query(
      'CREATE TABLE IF NOT EXISTS unique_items (id int PRIMARY KEY); INSERT INTO unique_items VALUES (1) ON CONFLICT DO NOTHING',
    );
    await untilShared(text, good);
    const expected = await outcome((asked) => asked.query(text, bad), plain);
    expect(expected).toHaveProperty('message');
    const fine = often.map((n) => pool.query('SELECT $1::int AS fine', [n]));
    const answers = await Promise.all(often.map(() => outcome((asked) => asked.query(text, bad), pool)));
    expect(answers).toEqual(often.map(() => expected));
    expect((await Promise.all(fine)).map(({ rows }) => rows)).toEqual(often.map((n) => [{ fine: n }]));
  });

  function many(count: number): number[] {
    return Array.from({ length: count }, (_, i) => i);
  }
  function used(count: number): string {
    return `0 <= ALL (ARRAY[${Array.from({ length: count }, (_, i) => `$${i + 1}::int`).join(',')}])`;
  }

  test('types that the application reads in its own way', async () => {
    const types = { getTypeParser: () => (value: string) => `<${value}>` } as unknown as pg.CustomTypesConfig;
    await using typed = open({ types });
    await untilShared('SELECT $1::int AS n', [0]);
    for (const n of often) {
      expect((await typed.query('SELECT $1::int AS n', [n])).rows).toEqual([{ n: `<${n}>` }]);
      expect((await pool.query({ text: 'SELECT $1::int AS n', values: [n], types })).rows).toEqual([{ n: `<${n}>` }]);
      expect((await pool.query('SELECT $1::int AS n', [n])).rows).toEqual([{ n }]);
    }
  });

  test('type parsers that are changed while statements are prepared', async () => {
    const moneyType = 790;
    const before = pg.types.getTypeParser(moneyType);
    await untilShared('SELECT $1::money AS m', ['1']);
    for (const _ of often) expect((await pool.query(`SELECT $1::money AS m`, ['1'])).rows[0]?.m).toBe('$1.00');
    pg.types.setTypeParser(moneyType as never, (text) => `parsed ${text}`);
    for (const _ of often) expect((await pool.query(`SELECT $1::money AS m`, ['1'])).rows[0]?.m).toBe('parsed $1.00');
    pg.types.setTypeParser(moneyType as never, before as never);
  });

  test('a type parser that throws fails its statement and no other', async () => {
    const types = {
      getTypeParser: () => () => {
        throw new Error('unreadable');
      },
    } as unknown as pg.CustomTypesConfig;
    await untilShared('SELECT $1::int AS n', [0]);
    for (const n of often) {
      const failing = pool.query({ text: 'SELECT $1::int AS n', values: [n], types });
      const fine = pool.query('SELECT $1::int AS n', [n]);
      await expect(failing).rejects.toThrow('unreadable');
      expect((await fine).rows).toEqual([{ n }]);
    }
  });

  test('binary for the whole pool', async () => {
    await using ours = open({ binary: true });
    await using theirs = Object.assign(plainPool({ connectionString: database.url, binary: true } as never), {
      [Symbol.asyncDispose]: () => theirs.end(),
    });
    const ask: Ask = (asked) => asked.query('SELECT id, name, 1.5::float8 AS f FROM items WHERE id = $1', [2]);
    const expected = await outcome(ask, theirs);
    for (const _ of often) expect(await outcome(ask, ours)).toEqual(expected);
  });
});

describe('call forms', () => {
  test('a function first', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    pool.query(resolve as never);
    expect(await promise).toMatchObject({ message: expect.stringContaining('first parameter') });
  });

  test('callbacks of all forms, in the context of their caller', async () => {
    type Done = (error: Error, result: pg.QueryResult) => void;
    const forms: ((done: Done) => void)[] = [
      (done) => pool.query('SELECT 1 AS one', done),
      (done) => pool.query('SELECT $1::int AS one', [1], done),
      (done) => pool.query({ text: 'SELECT 1 AS one' }, done),
      (done) => (pool.query as (...args: unknown[]) => void)({ text: 'SELECT $1::int AS one' }, [1], done),
      (done) => pool.query({ text: 'SELECT 1 AS one', callback: done } as never) as unknown,
    ];
    for (const form of forms) {
      const { promise, resolve } = Promise.withResolvers<unknown[]>();
      form((error, result) => resolve([error, result.rows]));
      expect(await promise).toEqual([undefined, [{ one: 1 }]]);
    }
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    pool.query('SELECT * FROM nowhere', (error: Error, result: unknown) => resolve([error, result]));
    expect(await promise).toMatchObject([{ code: '42P01' }, undefined]);
    await expect(pool.query('SELECT 1', [], 'no function' as never)).rejects.toThrow('callback is not a function');
  });

  test('a configuration is left as it was', async () => {
    const config = Object.freeze({ text: 'SELECT $1::int AS n', name: 'frozen' });
    for (const n of often) expect((await pool.query(config, [n])).rows).toEqual([{ n }]);
  });

  test('a name with another text is an error on a client, as with pg', async () => {
    const client = await pool.connect();
    await client.query({ name: 'same', text: 'SELECT 1 AS a' });
    await expect(client.query({ name: 'same', text: 'SELECT 2 AS a' })).rejects.toThrow('must be unique');
    client.release();
    await using one = open({ max: 1 });
    await one.query({ name: 'same', text: 'SELECT 1 AS a' });
    await expect(one.query({ name: 'same', text: 'SELECT 2 AS a' })).rejects.toThrow('must be unique');
    expect((await one.query('SELECT 3 AS a')).rows).toEqual([{ a: 3 }]);
  });

  test('the error of a statement has the line of its caller', async () => {
    for (const _ of often) {
      const error: unknown = await pool.query('SELECT 1 / (id - id) FROM items').catch((thrown: unknown) => thrown);
      expect((error as Error).stack).toContain('statements.test.ts');
    }
    const client = await pool.connect();
    const error: unknown = await client.query('SELECT 1 / 0').catch((thrown: unknown) => thrown);
    expect((error as Error).stack).toContain('statements.test.ts');
    client.release();
  });
});

describe('sessions', () => {
  test('LISTEN and NOTIFY on a client', async () => {
    const client = await pool.connect();
    const heard: unknown[] = [];
    client.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
    await client.query('LISTEN news');
    await pool.query(`NOTIFY news, 'one'`);
    await pool.query('SELECT pg_notify($1, $2)', ['news', 'two']);
    await expect
      .poll(() => heard)
      .toEqual([
        ['news', 'one'],
        ['news', 'two'],
      ]);
    await client.query('UNLISTEN *');
    client.removeAllListeners('notification');
    client.release();
  });

  test('SET on a client or by the pool never reaches shared connections', async () => {
    await database.query('CREATE SCHEMA other; CREATE TABLE other.items (id int, name text)');
    const counts = async (): Promise<(number | undefined)[]> => {
      const seen: (number | undefined)[] = [];
      while (seen.length < often.length) {
        const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM items');
        if (shared) seen.push(rows[0]?.n);
      }
      return seen;
    };
    expect(await counts()).toEqual(often.map(() => 2));
    await pool.query('SET search_path TO other');
    const client = await pool.connect();
    await client.query('SET search_path TO other');
    client.release();
    expect(await counts()).toEqual(often.map(() => 2));
  });

  test('a statement that worked by chance, on what another left in its session, still does', async () => {
    await untilShared();
    await pool.query('CREATE TEMPORARY TABLE passing (n int)');
    for (const n of often) await pool.query('INSERT INTO passing VALUES ($1)', [n]);
    expect((await pool.query('SELECT count(*)::int AS n FROM passing')).rows).toEqual([{ n: often.length }]);
  });

  test('search_path of the configuration is that of all connections', async () => {
    await using other = open({ options: '-c search_path=other' });
    for (const _ of often) expect((await other.query('SELECT count(*)::int AS n FROM items')).rows).toEqual([{ n: 0 }]);
    await pool.query(`ALTER DATABASE ${database.name} SET search_path TO other`);
    await using later = open();
    for (const _ of often) expect((await later.query('SELECT count(*)::int AS n FROM items')).rows).toEqual([{ n: 0 }]);
    await pool.query(`ALTER DATABASE ${database.name} RESET search_path`);
  });

  test('query_timeout of the pool counts for statements and for clients', async () => {
    await using limited = open({ query_timeout: 500, max: 2 });
    await expect(limited.query('SELECT pg_sleep(60)')).rejects.toThrow('Query read timeout');
    const client = await limited.connect();
    await expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow('Query read timeout');
    client.release(true);
    expect((await limited.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('tables that change while statements are prepared', () => {
  const read = 'SELECT * FROM changing WHERE id = $1';
  const write = 'INSERT INTO changing (id, code) VALUES ($1, $2) RETURNING *';

  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS changing; CREATE TABLE changing (id int, code int)');
    for (const n of often) await pool.query(write, [n, n]);
    await untilShared(write, [77, 77]);
    await untilShared(read, [77]);
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ id: n, code: n }]);
  });

  test('ADD COLUMN and DROP COLUMN', async () => {
    await database.query(`ALTER TABLE changing ADD COLUMN note text DEFAULT 'new'`);
    const answers = await Promise.all(often.map((n) => pool.query(read, [n])));
    expect(answers.map(({ rows }) => rows)).toEqual(often.map((n) => [{ id: n, code: n, note: 'new' }]));
    expect((await pool.query(write, [99, 99])).rows).toEqual([{ id: 99, code: 99, note: 'new' }]);
    await database.query('ALTER TABLE changing DROP COLUMN code');
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ id: n, note: 'new' }]);
    await expect(pool.query(write, [100, 100])).rejects.toMatchObject({ code: '42703' });
  });

  test('the type of a column', async () => {
    await database.query('ALTER TABLE changing ALTER COLUMN id TYPE bigint, ALTER COLUMN code TYPE text');
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ id: String(n), code: String(n) }]);
    for (const _ of often) {
      expect((await pool.query(write, [3_000_000_000, 'text'])).rows).toEqual([{ id: '3000000000', code: 'text' }]);
    }
    for (const _ of often)
      expect((await pool.query(read, [3_000_000_000])).rows[0]).toEqual({ id: '3000000000', code: 'text' });
  });

  test('the type of a column that is only compared with or written to', async () => {
    const compare = 'SELECT count(*)::int AS n FROM changing WHERE id = $1 AND code = $2';
    const change = 'UPDATE changing SET code = $2 WHERE id = $1';
    for (const n of often) expect((await pool.query(compare, [n, n])).rows).toEqual([{ n: 1 }]);
    for (const n of often) expect((await pool.query(change, [n, n])).rowCount).toBe(1);
    await untilShared(compare, [1, 1]);
    await untilShared(change, [1, 1]);
    await database.query('ALTER TABLE changing ALTER COLUMN id TYPE bigint, ALTER COLUMN code TYPE text');
    const answers = await Promise.all(often.map((n) => pool.query(compare, [n, String(n)])));
    expect(answers.map(({ rows }) => rows)).toEqual(often.map(() => [{ n: 1 }]));
    for (const _ of often) expect((await pool.query(compare, [3_000_000_000, 'x'])).rows).toEqual([{ n: 0 }]);
    for (const n of often) expect((await pool.query(change, [n, 'text'])).rowCount).toBe(1);
    for (const n of often) expect((await pool.query(compare, [n, 'text'])).rows).toEqual([{ n: 1 }]);
    await expect(pool.query(compare, ['no number', 'text'])).rejects.toMatchObject({ code: '22P02' });
  });

  test('dropped and made again, and renamed', async () => {
    await database.query('DROP TABLE changing');
    await expect(pool.query(read, [1])).rejects.toMatchObject({ code: '42P01' });
    await database.query(
      `CREATE TABLE changing (code text, id int); INSERT INTO changing SELECT 'again', i FROM generate_series(0, 20) i`,
    );
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ code: 'again', id: n }]);
    await database.query('ALTER TABLE changing RENAME COLUMN code TO label');
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ label: 'again', id: n }]);
    await database.query('ALTER TABLE changing RENAME TO changed');
    await database.query(`CREATE TABLE changing (id int); INSERT INTO changing SELECT generate_series(0, 20)`);
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ id: n }]);
    await database.query('DROP TABLE changed');
  });

  test('under a named statement that has a connection of its own', async () => {
    await using own = new Pool({ connectionString: database.url, lanes: 0, max: 1 });
    const readNamed = { name: 'read "it"', text: 'SELECT * FROM changing ORDER BY 1 LIMIT 1' };
    const { rows: before } = await own.query(readNamed);
    await database.query('ALTER TABLE changing ADD COLUMN added int DEFAULT 7');
    expect((await own.query(readNamed)).rows).toEqual([{ ...before[0], added: 7 }]);
    await own.query('DEALLOCATE ALL');
    expect((await own.query(readNamed)).rows).toEqual([{ ...before[0], added: 7 }]);
    await database.query('ALTER TABLE changing DROP COLUMN added');
  });

  test('prepared statements that were deallocated behind its back', async () => {
    await pool.query('DISCARD ALL');
    for (const n of often) expect((await pool.query(read, [n])).rows).toEqual([{ id: n, code: n }]);
  });
});
