import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copy from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE lines (n int, line text)');
  pool = new Pool({ connectionString: database.url, max: 4, lanes: 0 });
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

afterEach(async () => {
  // Every connection came back, and every one can be used.
  await expect.poll(() => pool.totalCount - pool.idleCount).toBe(0);
  const clients = await Promise.all(Array.from({ length: 3 }, () => pool.connect()));
  for (const client of clients) {
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
  }
});

const series = 'SELECT n FROM generate_series(1, $1::int) n';

test('a cursor on a client', async () => {
  const client = await pool.connect();
  const cursor = client.query(new Cursor<{ n: number }>(series, [1000]));
  let sum = 0;
  for (let rows = await cursor.read(100); rows.length > 0; rows = await cursor.read(100)) {
    for (const { n } of rows) sum += n;
  }
  await cursor.close();
  client.release();
  expect(sum).toBe(500_500);
});

test('a query stream on a client', async () => {
  const client = await pool.connect();
  let sum = 0;
  const adder = new Writable({
    objectMode: true,
    write(row: { n: number }, _encoding, done) {
      sum += row.n;
      done();
    },
  });
  await pipeline(client.query(new QueryStream(series, [1000], { batchSize: 64 })), adder);
  client.release();
  expect(sum).toBe(500_500);
});

test('COPY in and out on a client', async () => {
  const client = await pool.connect();
  const rows = Array.from({ length: 5000 }, (_, i) => `${i}\tline ${i}\n`);
  await pipeline(Readable.from(rows), client.query(copy.from('COPY lines FROM STDIN')));
  let written = '';
  const collector = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  await pipeline(client.query(copy.to('COPY (SELECT * FROM lines ORDER BY n) TO STDOUT')), collector);
  expect(written).toBe(rows.join(''));
  const bad = pipeline(Readable.from(['not a number\tx\n']), client.query(copy.from('COPY lines FROM STDIN')));
  await expect(bad).rejects.toMatchObject({ code: '22P02' });
  client.release();
});

test('streams and cursors of the pool itself keep a connection as long as they need it', async () => {
  const streams = Array.from({ length: 10 }, () => pool.query(new QueryStream(series, [200])));
  const sums = await Promise.all(
    streams.map(async (stream) => {
      let sum = 0;
      for await (const row of stream) sum += (row as { n: number }).n;
      return sum;
    }),
  );
  expect(sums).toEqual(streams.map(() => 20_100));
  const left = pool.query(new QueryStream(series, [100_000]));
  for await (const _ of left) break;
  const cursor = pool.query(new Cursor(series, [10]));
  expect(await cursor.read(100)).toHaveLength(10);
  await cursor.close();
});

test('what fails gives its connection back', async () => {
  const stream = pool.query(new QueryStream('SELECT 1 / (n - 3) FROM generate_series(1, 5) n'));
  await expect(stream.toArray()).rejects.toMatchObject({ code: '22012' });
  const cursor = pool.query(new Cursor('SELECT * FROM nowhere'));
  await expect(cursor.read(1)).rejects.toMatchObject({ code: '42P01' });
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  pool.query(new pg.Query('SELECT * FROM nowhere') as never, resolve as never);
  expect(await promise).toMatchObject({ code: '42P01' });
});

test('query objects tell of their rows', async () => {
  const query = pool.query(new pg.Query('SELECT n FROM generate_series(1, 3) n'));
  const rows: unknown[] = [];
  query.on('row', (row) => rows.push(row));
  await new Promise<void>((resolve, reject) => {
    query.on('end', () => resolve());
    query.on('error', reject);
  });
  expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('when the pool cannot give a connection, the stream says so', async () => {
  await using away = new Pool({ host: '127.0.0.1', port: 1, failoverTimeoutMillis: 0 });
  await expect(away.query(new QueryStream(series, [1])).toArray()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(away.query(new Cursor(series, [1])).read(1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
