import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase, testedMajors, plainPool } from '../../../../test/support/postgres.ts';
import { PitcrewError } from '../../../errors.ts';
import { Pool } from '../../pool/index.ts';
import type { Database } from '../database.ts';
import { bulkInsert, bulkUpdate, bulkUpsert, type RejectedRow } from './index.ts';

const error = async (failing: Promise<unknown>): Promise<PitcrewError> =>
  failing.then(
    () => Promise.reject(new Error('did not fail')),
    (thrown: unknown) => {
      if (thrown instanceof PitcrewError) return thrown;
      throw thrown;
    },
  );

const facts = ({ index, column, constraint, sqlState }: RejectedRow) => ({ index, column, constraint, sqlState });

describe.each(testedMajors(18, 16))('PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let pool: Pool;
  let plain: pg.Pool;

  beforeAll(async () => {
    database = await testDatabase(major);
    pool = new Pool({ connectionString: database.url });
    plain = plainPool({ connectionString: database.url, max: 4 });
    plain.on('error', () => {});
  });

  afterAll(async () => {
    await pool.end();
    await plain.end();
    await database[Symbol.asyncDispose]();
  });

  const contents = async (table: string): Promise<string[]> =>
    (await database.query<{ row: string }>(`SELECT ${table}::text AS row FROM ${table} ORDER BY 1`)).map(
      ({ row }) => row,
    );

  describe('values', () => {
    beforeAll(() =>
      database.query(
        `
        CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy');
        CREATE TYPE place AS (x int, name text);
        CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'never');
        CREATE DOMAIN shorts AS short;
        CREATE TABLE zoo (
          id int, "Mixed ""Case" text, flag boolean, small int2, big int8, amount numeric(10, 2), ratio float8, day date,
          at timestamptz, local timestamp(0), span interval, bytes bytea, doc json, docb jsonb, tags text[], grid int[],
          docs jsonb[], feeling mood, feelings mood[], word short, words shorts[], spot place, spots place[], area box,
          areas box[], during int4range, id2 uuid, net inet, letter "char", fixed char(4), bits bit(3), root xml
        )`,
      ),
    );

    const value = {
      text: fc.oneof(
        fc.string(),
        fc.constantFrom(
          '',
          '\\N',
          '\\.',
          'a\tb',
          'a\nb\r\n',
          'back\\slash',
          'NULL',
          '"',
          "'",
          '{}',
          '{a,b}',
          '❤ 𝒳',
          ' ',
        ),
      ),
      json: fc.jsonValue(),
    };
    const withoutNul = (text: string): boolean => !text.includes('\0');
    const text = value.text.filter(withoutNul);
    const json = value.json.filter((each) => !JSON.stringify(each).includes('\\u0000'));
    const object = fc
      .dictionary(fc.string().filter(withoutNul), json)
      .filter((each) => !JSON.stringify(each).includes('\\u0000'));
    const date = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.option(arbitrary, { nil: fc.sample(fc.constantFrom(null, undefined), 1)[0] as null });
    const row = fc.record({
      id: maybe(fc.integer()),
      'Mixed "Case': maybe(text),
      flag: maybe(fc.oneof(fc.boolean(), fc.constantFrom('yes', 'off'))),
      small: maybe(fc.integer({ min: -32768, max: 32767 })),
      big: maybe(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      amount: maybe(fc.oneof(fc.integer({ min: -99_999, max: 99_999 }), fc.constantFrom('1.005', '1e3', 'NaN'))),
      ratio: maybe(fc.double()),
      day: maybe(fc.oneof(date, fc.constantFrom('infinity', '2026-02-28'))),
      at: maybe(fc.oneof(date, fc.constantFrom('now', '2026-01-01 12:00:00.123456+05:30'))).map((at) =>
        at === 'now' ? null : at,
      ),
      local: maybe(date),
      span: maybe(fc.constantFrom('1 day', '2:30', { toPostgres: () => '3 months' })),
      bytes: maybe(
        fc.oneof(
          fc.uint8Array(),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          fc.constant('\\x00ff'),
        ),
      ),
      doc: maybe(object),
      docb: maybe(object),
      tags: maybe(fc.array(fc.option(text))),
      grid: maybe(
        fc.constantFrom(
          [],
          [1, null],
          [
            [1, 2],
            [3, 4],
          ],
          '[5:6]={1,2}',
        ),
      ),
      docs: maybe(fc.array(object)),
      feeling: maybe(fc.constantFrom('sad', 'so so', 'happy')),
      feelings: maybe(fc.array(fc.constantFrom('sad', 'so so', null))),
      word: maybe(fc.constantFrom('', 'five5', 'a\\b', "o'k")),
      words: maybe(fc.array(fc.constantFrom('', 'five5', 'a"b'))),
      spot: maybe(fc.constantFrom('(1,"a ""b\\\\")', '(,)')),
      spots: maybe(fc.constantFrom('{"(1,a)",NULL}')),
      area: maybe(fc.constant('(1,1),(0,0)')),
      areas: maybe(fc.constant('{(1,1),(0,0);(2,2),(1,1)}')),
      during: maybe(fc.constantFrom('[1,5)', 'empty', '(,3]')),
      id2: maybe(fc.uuid()),
      net: maybe(fc.constantFrom('10.0.0.1/8', '::1')),
      letter: maybe(fc.constantFrom('a', '')),
      fixed: maybe(fc.constantFrom('ab', '', 'abcd')),
      bits: maybe(fc.constantFrom('101', '000')),
      root: maybe(fc.constant('<a b="c">d</a>')),
    });

    test('arrive as pg sends them, copied and as arrays, whatever their type', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
          const names = Object.keys(rows[0] ?? {});
          const parameters = names.map((_, i) => `$${i + 1}`).join(', ');
          await database.query('TRUNCATE zoo');
          for (const each of rows) {
            await database.query(`INSERT INTO zoo VALUES (${parameters})`, Object.values(each));
          }
          const expected = await contents('zoo');
          await database.query('TRUNCATE zoo');
          await bulkInsert(pool, { table: 'zoo', rows, columns: names });
          expect(await contents('zoo')).toEqual(expected);
          await database.query('TRUNCATE zoo');
          // Enough to be copied.
          const copies = Array.from({ length: Math.ceil(240 / rows.length) }, () => rows).flat();
          await bulkInsert(plain, { table: 'zoo', rows: copies, columns: names });
          expect([...new Set(await contents('zoo'))]).toEqual([...new Set(expected)]);
        }),
        { numRuns: 12 },
      );
    });

    test('JSON columns take what pg writes otherwise: arrays and dates', async () => {
      const at = new Date(0);
      await database.query('CREATE TABLE documents (id int PRIMARY KEY, doc jsonb)');
      const rows = [[], [1, { a: [2] }], at, 'true', 5, false, { at }].map((doc, id) => ({ id, doc }));
      await bulkInsert(pool, { table: 'documents', rows });
      const docs = await database.query<{ doc: unknown }>('SELECT doc FROM documents ORDER BY id');
      expect(docs.map(({ doc }) => doc)).toEqual([
        [],
        [1, { a: [2] }],
        at.toJSON(),
        true,
        5,
        false,
        { at: at.toJSON() },
      ]);
    });

    test('too long is too long, and never cut', async () => {
      for (const column of ['word', 'fixed', 'bits']) {
        const failure = await error(bulkInsert(pool, { table: 'zoo', rows: [{ [column]: '0101010' }] }));
        expect(failure).toMatchObject({ code: 'E_QUERY', sqlState: expect.stringMatching(/^2200[16]$|^22026$/) });
      }
    });

    test('generated columns are left out, identity columns take what is given', async () => {
      await database.query(`CREATE TABLE made (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int NOT NULL, twice int GENERATED ALWAYS AS (a * 2) STORED, note text DEFAULT 'none')`);
      await bulkInsert(pool, { table: 'made', rows: [{ a: 1 }, { a: 2 }] });
      await bulkInsert(pool, { table: 'made', rows: [{ id: 70, a: 7, twice: 0 }] });
      await bulkInsert(pool, {
        table: 'made',
        rows: Array.from({ length: 300 }, (_, i) => ({ id: 100 + i, a: i, twice: 0 })),
      });
      await bulkUpsert(pool, {
        table: 'made',
        rows: [
          { id: 70, a: 8, twice: 3 },
          { id: 71, a: 9, twice: 3 },
        ],
      });
      await bulkUpdate(pool, { table: 'made', rows: [{ id: 1, a: 11, twice: 1 }] });
      expect((await contents('made')).filter((each) => !/^\([1-4]\d\d,/.test(each))).toEqual([
        '(1,11,22,none)',
        '(2,2,4,none)',
        '(70,8,16,none)',
        '(71,9,18,none)',
      ]);
      expect(await contents('made')).toHaveLength(304);
    });
  });

  describe('sources', () => {
    beforeAll(() => database.query('CREATE TABLE points (id int PRIMARY KEY, name text NOT NULL)'));

    const point = (id: number) => ({ id, name: `point ${id}` });
    const points = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => point(from + i));
    const count = async () => Number((await database.query<{ n: string }>('SELECT count(*) AS n FROM points'))[0]?.n);

    test.each([
      'a pool',
      'a pool of pg',
      'a client of pg',
      'a transaction',
      'a transaction on a client of pg',
      'a part of a pool',
    ])('of few and of many rows, into %s', async (name) => {
      const client = await plain.connect();
      const run = async (work: (on: Database) => Promise<void>): Promise<void> => {
        if (name === 'a pool') await work(pool);
        else if (name === 'a pool of pg') await work(plain);
        else if (name === 'a part of a pool') await work(pool.write);
        else if (name === 'a client of pg') await work(client);
        else if (name === 'a transaction') await pool.transaction((transaction) => work(transaction));
        else {
          await client.query('BEGIN');
          await work(client);
          await client.query('COMMIT');
        }
      };
      try {
        for (const total of [0, 1, 250, 2500]) {
          await database.query('TRUNCATE points');
          const progress: number[] = [];
          await run(async (on) => {
            const onProgress = ({ rows }: { rows: number }) => progress.push(rows);
            expect(
              await bulkInsert(on, { table: 'points', rows: points(0, total), chunkRows: 1000, onProgress }),
            ).toEqual({
              rows: total,
              written: total,
              rejected: 0,
              rejections: [],
            });
            const refused = await error(
              bulkInsert(on, { table: 'points', rows: points(-1500, 1), chunkRows: 1000 }).then(() => {
                if (total === 0) throw new PitcrewError('E_INTERNAL', 'nothing to collide with');
              }),
            );
            expect(refused.sqlState).toBe(total === 0 ? undefined : '23505');
          });
          expect(await count()).toBe(total === 0 ? 1501 : total);
          expect(progress).toEqual({ 0: [], 1: [1], 250: [250], 2500: [1000, 2000, 2500] }[total]);
        }
      } finally {
        client.release();
      }
    });

    test('slow ones are waited for, fast ones wait: never more than two chunks are ahead', async () => {
      await database.query('TRUNCATE points');
      let [made, done, ahead] = [0, 0, 0];
      async function* source() {
        for (let id = 0; id < 5000; id++) {
          made++;
          ahead = Math.max(ahead, made - done);
          yield point(id);
        }
      }
      await bulkInsert(pool, {
        table: 'points',
        rows: source(),
        chunkRows: 500,
        onProgress: ({ rows }) => (done = rows),
      });
      expect(await count()).toBe(5000);
      expect(ahead).toBeLessThanOrEqual(1002);
      await database.query('TRUNCATE points');
      await bulkInsert(pool, { table: 'points', rows: Readable.from(points(0, 700)), chunkRows: 300 });
      expect(await count()).toBe(700);
    });

    test('long rows make short chunks', async () => {
      await database.query('TRUNCATE points');
      const seen: number[] = [];
      const rows = points(0, 20).map(({ id }) => ({ id, name: 'x'.repeat(400_000) }));
      await bulkInsert(pool, { table: 'points', rows, onProgress: (progress) => seen.push(progress.rows) });
      expect(seen).toEqual([3, 6, 9, 12, 15, 18, 20]);
    });

    test('that fail leave nothing behind, and connections that can be used', async () => {
      for (const on of [pool, plain]) {
        await database.query('TRUNCATE points');
        async function* source() {
          yield* points(0, 1200);
          throw new Error('the file ends in the middle');
        }
        await expect(bulkInsert(on, { table: 'points', rows: source(), chunkRows: 500 })).rejects.toThrow(
          'the file ends',
        );
        expect(await count()).toBe(0);
        expect((await on.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      }
    });

    test('stop when the signal aborts, while they are waited for and while the server waits for a lock', async () => {
      for (const on of [pool, plain]) {
        await database.query('TRUNCATE points');
        const stop = new AbortController();
        let closed = false;
        const source = async function* () {
          try {
            yield* points(0, 1200);
            queueMicrotask(() => stop.abort(new Error('enough')));
            await once(new EventEmitter(), 'never', { signal: stop.signal });
          } finally {
            closed = true;
          }
        };
        await expect(
          bulkInsert(on, { table: 'points', rows: source(), chunkRows: 500, signal: stop.signal }),
        ).rejects.toThrow('enough');
        await vi.waitFor(() => expect(closed).toBe(true), { timeout: 20_000 });
        await vi.waitFor(async () => expect(await count()).toBe(0), { timeout: 20_000 });

        const locker = await plain.connect();
        await locker.query('BEGIN; LOCK TABLE points');
        const second = new AbortController();
        const blocked = bulkInsert(on, {
          table: 'points',
          rows: points(0, 2000),
          chunkRows: 500,
          signal: second.signal,
        });
        blocked.catch(() => {});
        await vi.waitFor(
          async () => {
            const waiting = await database.query(
              `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
            );
            expect(waiting.length).toBe(1);
          },
          { timeout: 20_000 },
        );
        second.abort(new Error('too late'));
        await expect(blocked).rejects.toThrow('too late');
        await locker.query('ROLLBACK');
        locker.release();
        await vi.waitFor(async () => expect(await count()).toBe(0), { timeout: 20_000 });
        expect((await on.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      }
    });

    test('few rows that were stopped are not written later', async () => {
      for (const on of [pool, plain]) {
        await database.query('TRUNCATE points');
        const locker = await plain.connect();
        await locker.query('BEGIN; LOCK TABLE points');
        const stop = new AbortController();
        const blocked = bulkInsert(on, { table: 'points', rows: points(0, 3), signal: stop.signal });
        blocked.catch(() => {});
        const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
        await vi.waitFor(async () => expect(await database.query(waiting)).toHaveLength(1), { timeout: 20_000 });
        stop.abort(new Error('too late'));
        await expect(blocked).rejects.toThrow('too late');
        await locker.query('ROLLBACK');
        locker.release();
        await vi.waitFor(async () => expect(await database.query(waiting)).toHaveLength(0), { timeout: 20_000 });
        await bulkInsert(on, { table: 'points', rows: points(0, 3) });
        expect(await count()).toBe(3);
      }
    });

    test('a connection that is lost fails it, and nothing is left', async () => {
      for (const on of [pool, plain]) {
        await database.query('TRUNCATE points');
        async function* source() {
          yield* points(0, 1200);
          await database.query(
            `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
          );
          yield* points(1200, 2000);
        }
        await expect(bulkInsert(on, { table: 'points', rows: source(), chunkRows: 500 })).rejects.toThrow(
          /connection|terminat/,
        );
        expect(await count()).toBe(0);
        expect((await on.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      }
    });

    test('with rows that do not fit together are refused', async () => {
      await database.query('TRUNCATE points');
      const odd = [point(1), { id: 2, nmae: 'x' }];
      expect(await error(bulkInsert(pool, { table: 'points', rows: odd }))).toMatchObject({
        code: 'E_USAGE',
        detail: 'Without name. With nmae.',
      });
      expect(await error(bulkInsert(pool, { table: 'points', rows: [{ nmae: 1 }] }))).toMatchObject({
        code: 'E_USAGE',
      });
      expect(await error(bulkInsert(pool, { table: 'pionts', rows: [point(1)] }))).toMatchObject({
        code: 'E_NOT_FOUND',
      });
      expect(await error(bulkInsert(pool, { table: 'points', rows: [point(1)], chunkRows: 0 }))).toMatchObject({
        code: 'E_USAGE',
      });
      expect(await count()).toBe(0);
    });
  });

  describe('rows that the server refuses', () => {
    beforeAll(() =>
      database.query(`CREATE TABLE people (
        id int PRIMARY KEY, name text NOT NULL CONSTRAINT "long enough" CHECK (length(name) > 1), age int2, born date)`),
    );

    const people = (count: number, bad: Record<number, object>): object[] =>
      Array.from({ length: count }, (_, id) => ({ id, name: `name ${id}`, age: 30, born: '2000-01-01', ...bad[id] }));

    const bad: Record<number, object> = {
      3: { name: null },
      4: { age: 99_999 },
      777: { id: 5 },
      778: { born: 'yesteryear' },
      1999: { name: 'x' },
    };
    const reported = (copied: boolean) => [
      { index: 3, column: 'name', constraint: undefined, sqlState: '23502' },
      { index: 4, column: copied ? 'age' : undefined, constraint: undefined, sqlState: '22003' },
      { index: 777, column: undefined, constraint: 'people_pkey', sqlState: '23505' },
      { index: 778, column: copied ? 'born' : undefined, constraint: undefined, sqlState: '22007' },
      { index: 1999, column: undefined, constraint: 'long enough', sqlState: '23514' },
    ];

    test.each(['copied', 'as arrays', 'in a transaction'])('are left out and reported, %s', async (how) => {
      await database.query('TRUNCATE people');
      const told: number[] = [];
      const insert = (on: Database) =>
        bulkInsert(on, {
          table: 'people',
          rows: people(2000, bad),
          mode: 'perChunk',
          chunkRows: how === 'as arrays' ? 150 : 900,
          onRejected: ({ index }) => told.push(index),
        });
      const result =
        how === 'in a transaction' ? await pool.transaction(insert) : await insert(how === 'copied' ? plain : pool);
      expect(result).toMatchObject({ rows: 2000, written: 1995, rejected: 5 });
      expect(result.rejections.map(facts)).toEqual(reported(true));
      expect(told).toEqual([3, 4, 777, 778, 1999]);
      expect(result.rejections[1]).toMatchObject({
        row: { id: 4, age: 99_999 },
        reason: expect.stringContaining('99999'),
      });
      expect(await contents('people')).toHaveLength(1995);
    });

    test('are found by halving where nothing is copied: an upsert keeps the last row of a key that can be written', async () => {
      await database.query('TRUNCATE people');
      const rows = people(2000, {
        ...bad,
        777: { id: 5, name: 'five' },
        1500: { id: 5, name: null },
        1501: { id: 6, name: 'six' },
      });
      const result = await bulkUpsert(pool, { table: 'people', rows, mode: 'perChunk' });
      expect(result.rejections.map(facts)).toEqual([
        ...reported(false).filter(({ index }) => index !== 777 && index !== 1999),
        { index: 1500, column: 'name', constraint: undefined, sqlState: '23502' },
        { index: 1999, column: undefined, constraint: 'long enough', sqlState: '23514' },
      ]);
      const names = await database.query<{ name: string }>('SELECT name FROM people WHERE id IN (5, 6) ORDER BY id');
      expect(names.map(({ name }) => name)).toEqual(['five', 'six']);
    });

    test('undo all otherwise, and the error says which it was', async () => {
      await database.query('TRUNCATE people');
      const failure = await error(
        bulkInsert(pool, { table: 'people', rows: people(2000, { 1234: { age: 'old' } }), chunkRows: 500 }),
      );
      expect(failure).toMatchObject({
        code: 'E_QUERY',
        sqlState: '22P02',
        detail: expect.stringMatching(/^Row 1234: .*"old"/),
      });
      expect(failure.cause).toBeInstanceOf(pg.DatabaseError);
      const few = await error(bulkInsert(pool, { table: 'people', rows: people(10, { 3: { name: null } }) }));
      expect(few).toMatchObject({ sqlState: '23502', detail: expect.stringMatching(/^Rows 0 to 9: /) });
      expect(await contents('people')).toEqual([]);
    });

    test('of a column that is to be updated and that they lack: nothing is written', async () => {
      await database.query('TRUNCATE people');
      const rows = people(1, {});
      await bulkInsert(pool, { table: 'people', rows });
      const before = await contents('people');
      const lacking = {
        table: 'people',
        rows: [{ id: 0, name: 'x', age: 1 }],
        onConflict: { update: ['born'] },
      };
      expect(await error(bulkUpsert(pool, lacking))).toMatchObject({
        code: 'E_USAGE',
        message: 'rows lack born, which is to be updated',
      });
      expect(await contents('people')).toEqual(before);
    });

    test('can be all of them, and those that cannot even be written', async () => {
      await database.query('TRUNCATE people');
      const circular: { self?: object } = {};
      circular.self = circular;
      const rows = [...people(300, {}).map((each) => ({ ...each, age: 'x' })), { id: 1, name: circular }];
      const result = await bulkInsert(pool, {
        table: 'people',
        columns: ['id', 'name', 'age'],
        rows,
        mode: 'perChunk',
      });
      expect(result).toMatchObject({ rows: 301, written: 0, rejected: 301 });
      expect(result.rejections.at(-1)).toMatchObject({
        index: 300,
        column: 'name',
        reason: expect.stringContaining('circular'),
      });
      expect(await error(bulkInsert(pool, { table: 'people', rows: rows.slice(-1) }))).toMatchObject({
        code: 'E_USAGE',
      });
    });

    test('are not those that name others, whatever their order', async () => {
      await database.query('CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, name text NOT NULL)');
      const tree = Array.from({ length: 210 }, (_, id) => ({ id, parent: id < 209 ? id + 1 : null, name: 'x' }));
      const broken = [
        ...tree,
        { id: 210, parent: 999, name: 'x' },
        { id: 211, parent: 210, name: 'x' },
        { id: 212, parent: 5, name: null },
      ];
      for (const insert of [
        (rows: object[]) => bulkInsert(pool, { table: 'tree', rows, mode: 'perChunk' }),
        (rows: object[]) => bulkInsert(pool, { table: 'tree', rows, mode: 'perChunk', onConflict: 'nothing' }),
      ]) {
        await database.query('TRUNCATE tree');
        const result = await insert(broken);
        expect(result.rejections.map(({ index, sqlState }) => [index, sqlState])).toEqual([
          [210, '23503'],
          [211, '23503'],
          [212, '23502'],
        ]);
        expect(result.written).toBe(210);
      }
    });

    test('are those that row-level security refuses, for roles that it binds', async () => {
      await database.query(`
        CREATE TABLE rooms (id int PRIMARY KEY, tenant text NOT NULL);
        ALTER TABLE rooms ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON rooms USING (tenant = 'a');
        DROP ROLE IF EXISTS tenant_of_${database.name};
        CREATE ROLE tenant_of_${database.name};
        GRANT SELECT, INSERT ON rooms TO tenant_of_${database.name}`);
      const rows = Array.from({ length: 400 }, (_, id) => ({ id, tenant: id === 7 ? 'b' : 'a' }));
      await pool.transaction(async (client) => {
        await client.query(`SET LOCAL ROLE tenant_of_${database.name}`);
        const result = await bulkInsert(client, { table: 'rooms', rows, mode: 'perChunk' });
        expect(result.rejections.map(facts)).toEqual([
          { index: 7, column: undefined, constraint: undefined, sqlState: '42501' },
        ]);
        expect(result.written).toBe(399);
        // Missing rights say nothing about rows.
        await expect(bulkUpdate(client, { table: 'rooms', rows, mode: 'perChunk' })).rejects.toMatchObject({
          code: '42501',
        });
      });
      await database.query(`DROP OWNED BY tenant_of_${database.name}; DROP ROLE tenant_of_${database.name}`);
    });

    test('are not those that waited too long', async () => {
      await using impatient = new Pool({ connectionString: database.url, lock_timeout: 100 });
      const locker = await plain.connect();
      await locker.query('BEGIN; LOCK TABLE people');
      const rows = people(500, {});
      await expect(bulkInsert(impatient, { table: 'people', rows, mode: 'perChunk' })).rejects.toMatchObject({
        code: '55P03',
      });
      await expect(bulkUpsert(impatient, { table: 'people', rows })).rejects.toMatchObject({ code: '55P03' });
      await using hasty = new Pool({ connectionString: database.url, query_timeout: 100 });
      await expect(bulkInsert(hasty, { table: 'people', rows })).rejects.toThrow('timeout');
      await locker.query('ROLLBACK');
      locker.release();
    });
  });

  describe('updates and upserts', () => {
    test('do what single statements do, in the order of the rows', async () => {
      await database.query(`
        CREATE TABLE one (k text, r numeric(6, 1), v int, w text, UNIQUE (k, r));
        CREATE TABLE many (LIKE one INCLUDING ALL)`);
      const row = fc.record({
        k: fc.constantFrom('a', 'A', 'b', null),
        r: fc.constantFrom(1, 1.02, '1.0', 1.1, 2, null),
        v: fc.integer({ min: 0, max: 9 }),
        w: fc.option(fc.string({ maxLength: 2 }).filter((text) => !text.includes('\0'))),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { maxLength: 30 }),
          fc.array(row, { maxLength: 30 }),
          async (upserts, updates) => {
            await database.query('TRUNCATE one, many');
            for (const { k, r, v, w } of upserts) {
              await database.query(
                'INSERT INTO one VALUES ($1, $2, $3, $4) ON CONFLICT (k, r) DO UPDATE SET v = excluded.v, w = excluded.w',
                [k, r, v, w],
              );
            }
            for (const { k, r, v, w } of updates) {
              await database.query('UPDATE one SET v = $3, w = $4 WHERE k = $1 AND r = round($2, 1)', [k, r, v, w]);
            }
            await bulkUpsert(pool, { table: 'many', key: ['r', 'k'], rows: upserts, chunkRows: 7 });
            await bulkUpdate(pool, { table: 'many', key: ['k', 'r'], rows: updates, chunkRows: 7 });
            expect(await contents('many')).toEqual(await contents('one'));
          },
        ),
        { numRuns: 25 },
      );
    });

    test('of one key that differ in writing only are duplicates, as the column compares them', async () => {
      await database.query(`
        CREATE COLLATION "No Case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE users (email text COLLATE "No Case" PRIMARY KEY, n int)`);
      const rows = [
        { email: 'A@x', n: 1 },
        { email: 'a@X', n: 2 },
      ];
      expect(await bulkUpsert(pool, { table: 'users', rows })).toMatchObject({ rows: 2, written: 1 });
      expect(await bulkUpdate(pool, { table: 'users', rows: rows.toReversed() })).toMatchObject({
        rows: 2,
        written: 1,
      });
      expect(await contents('users')).toEqual(['(a@X,1)']);
    });

    test('set what they are told to, and nothing else', async () => {
      await database.query(`
        CREATE SCHEMA "odd.schema";
        CREATE TABLE "odd.schema"."Stock ""1""" ("Key" int PRIMARY KEY, a int, "b c" int);
        CREATE UNIQUE INDEX ON "odd.schema"."Stock ""1""" ("b c") NULLS NOT DISTINCT`);
      const table = { schema: 'odd.schema', name: 'Stock "1"' };
      const at = '"odd.schema"."Stock ""1"""';
      const all = async () =>
        (await database.query<{ t: string }>(`SELECT t::text AS t FROM ${at} t ORDER BY 1`)).map(({ t }) => t);
      await bulkUpsert(pool, {
        table,
        rows: [
          { Key: 1, a: 1, 'b c': 1 },
          { Key: 2, a: 2, 'b c': null },
        ],
      });
      await bulkUpsert(pool, { table, rows: [{ Key: 1, a: 5, 'b c': 6 }], onConflict: { update: ['a'] } });
      await bulkUpsert(pool, {
        table,
        rows: [
          { Key: 1, a: 9, 'b c': 9 },
          { Key: 3, a: 3, 'b c': 3 },
        ],
        onConflict: 'nothing',
      });
      expect(await all()).toEqual(['(1,5,1)', '(2,2,)', '(3,3,3)']);
      await bulkUpsert(pool, {
        table,
        key: 'b c',
        rows: [
          { Key: 4, a: 8, 'b c': null },
          { Key: 2, a: 7, 'b c': null },
        ],
      });
      expect(await all()).toEqual(['(1,5,1)', '(2,7,)', '(3,3,3)']);
      const twice = [
        { Key: 1, a: 0, 'b c': 0 },
        { Key: 5, a: 5, 'b c': 5 },
        { Key: 5, a: 6, 'b c': 6 },
      ];
      expect(await bulkInsert(pool, { table, rows: twice, onConflict: 'nothing' })).toMatchObject({
        rows: 3,
        written: 1,
      });
      expect(await all()).toEqual(['(1,5,1)', '(2,7,)', '(3,3,3)', '(5,5,5)']);
    });

    test('without a key that serves are refused', async () => {
      await database.query('CREATE TABLE keyless (a int, b int); CREATE UNIQUE INDEX ON keyless (a) WHERE b > 0');
      const rows = [{ a: 1, b: 1 }];
      for (const failing of [
        () => bulkUpsert(pool, { table: 'keyless', rows }),
        () => bulkUpsert(pool, { table: 'keyless', key: 'a', rows }),
        () => bulkUpdate(pool, { table: 'keyless', key: ['a', 'b'], rows }),
        () => bulkUpdate(pool, { table: 'keyless', key: 'c', rows }),
        () => bulkUpdate(pool, { table: 'keyless', key: 'b', columns: ['a'], rows }),
      ]) {
        expect(await error(failing())).toMatchObject({ code: 'E_USAGE' });
      }
    });

    test('go through views, and partitions take rows that are copied', async () => {
      await database.query(`
        CREATE TABLE logs (at date, n int) PARTITION BY RANGE (at);
        CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE VIEW recent AS SELECT * FROM logs WHERE n > 0 WITH CHECK OPTION`);
      const rows = Array.from({ length: 300 }, (_, n) => ({ at: '2026-01-15', n: n + 1 }));
      await bulkInsert(pool, { table: 'logs', rows });
      const result = await bulkInsert(pool, {
        table: 'recent',
        rows: [...rows, { at: '2026-01-15', n: 0 }, { at: '2027-01-01', n: 1 }],
        mode: 'perChunk',
      });
      expect(result.rejections.map(facts).map(({ index, sqlState }) => [index, sqlState])).toEqual([
        [300, '44000'],
        [301, '23514'],
      ]);
      expect(await contents('logs')).toHaveLength(600);
      await bulkUpdate(pool, { table: 'recent', key: 'n', rows: [{ n: 5, at: '2026-01-01' }] });
      expect((await contents('logs')).filter((each) => each.includes('2026-01-01'))).toHaveLength(2);
    });
  });
});
