import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase, testedMajors } from '../../../test/support/postgres.ts';
import { Pool } from '../pool/index.ts';
import { runInScope } from '../scope.ts';
import type { Database } from './database.ts';
import { createLoader, type LoaderOptions } from './loader.ts';

describe('a batch function', () => {
  const counting = (options: LoaderOptions<number> = {}) => {
    const calls: number[][] = [];
    const loader = createLoader<number, string>(async (keys) => {
      calls.push([...keys]);
      return keys.map((key) => (key < 0 ? new Error(`no ${key}`) : `value ${key}`));
    }, options);
    return { calls, loader };
  };

  test('is called once for all that is asked for in one turn, in the order of asking', async () => {
    const { calls, loader } = counting();
    const later = Promise.resolve().then(() => loader.load(7));
    const answers = await Promise.all([loader.load(3), loader.load(1), loader.load(3), loader.loadMany([2, 1]), later]);
    expect(answers).toEqual(['value 3', 'value 1', 'value 3', ['value 2', 'value 1'], 'value 7']);
    expect(calls).toEqual([[3, 1, 2, 7]]);
    await loader.load(3);
    expect(calls).toHaveLength(2);
  });

  test('gets no more keys than it wants', async () => {
    const { calls, loader } = counting({ maxBatch: 2 });
    expect(await loader.loadMany([1, 2, 3, 4, 5, 1])).toEqual([1, 2, 3, 4, 5, 1].map((key) => `value ${key}`));
    expect(calls.map((keys) => keys.length)).toEqual([2, 2, 2]);
    expect(() => counting({ maxBatch: 0 })).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('fails single keys, or all', async () => {
    const { loader } = counting();
    expect(await Promise.allSettled([loader.load(1), loader.load(-1), loader.load(2)])).toMatchObject([
      { value: 'value 1' },
      { reason: new Error('no -1') },
      { value: 'value 2' },
    ]);
    const failing = createLoader<number, string>(() => Promise.reject(new Error('all of it')));
    const thrown = createLoader<number, string>(() => {
      throw new Error('all of it');
    });
    for (const each of [failing, thrown]) {
      expect(await Promise.allSettled([each.load(1), each.load(2)])).toMatchObject(
        [1, 2].map(() => ({ reason: new Error('all of it') })),
      );
    }
    const short = createLoader<number, string>(async () => ['one']);
    expect(await Promise.allSettled([short.load(1), short.load(2)])).toMatchObject(
      [1, 2].map(() => ({ reason: { code: 'E_USAGE', detail: 'It got 2 keys and gave 1 values.' } })),
    );
  });

  test('may answer with a map', async () => {
    const loader = createLoader<string, number | undefined>(async () => new Map([['a', 1]]));
    expect(await loader.loadMany(['a', 'b'])).toEqual([1, undefined]);
  });

  test('is asked once per key in a scope, with what is outside and beside it kept apart', async () => {
    const { calls, loader } = counting();
    await runInScope('one', async () => {
      await loader.load(1);
      await runInScope('inner', () => loader.load(1));
      expect(calls).toEqual([[1]]);
      await expect(loader.load(-1)).rejects.toThrow('no -1');
      await expect(loader.load(-1)).rejects.toThrow('no -1');
      expect(calls).toEqual([[1], [-1], [-1]]);
      loader.prime(5, 'primed');
      expect(await loader.loadMany([1, 5])).toEqual(['value 1', 'primed']);
      loader.clear(1);
      expect(await loader.loadMany([1, 5])).toEqual(['value 1', 'primed']);
      loader.clear();
      expect(await loader.load(5)).toBe('value 5');
      expect(calls.slice(3)).toEqual([[1], [5]]);
    });
    await Promise.all([runInScope('a', () => loader.load(1)), runInScope('b', () => loader.load(1)), loader.load(1)]);
    expect(calls.slice(5)).toEqual([[1], [1], [1]]);
    const forgetful = counting({ memory: false });
    await runInScope('two', async () => {
      await forgetful.loader.load(1);
      await forgetful.loader.load(1);
      expect(forgetful.calls).toEqual([[1], [1]]);
    });
  });

  test('is asked again for what is cleared while it is being loaded', async () => {
    const { calls, loader } = counting();
    await runInScope('one', async () => {
      const before = loader.load(1);
      loader.clear(1);
      const after = loader.load(1);
      expect(await Promise.all([before, after])).toEqual(['value 1', 'value 1']);
      expect(calls).toEqual([[1], [1]]);
    });
  });

  test('takes keys that look the same for the same', async () => {
    const calls: unknown[] = [];
    const loader = createLoader<readonly [number, bigint], string>(async (keys) => {
      calls.push(...keys);
      return keys.map(String);
    });
    expect(
      await loader.loadMany([
        [1, 2n],
        [1, 2n],
        [2, 1n],
      ]),
    ).toEqual(['1,2', '1,2', '2,1']);
    expect(calls).toHaveLength(2);
  });
});

describe.each(testedMajors(18, 16))('a table of PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let pool: Pool;
  let texts: string[];
  let watched: Database;

  beforeAll(async () => {
    database = await testDatabase(major);
    pool = new Pool({ connectionString: database.url });
    texts = [];
    watched = {
      query(text, values) {
        texts.push(text);
        return pool.query(text, values);
      },
    };
    await database.query(`
      CREATE TABLE parts (product int, no int, n int, name text, made timestamptz, PRIMARY KEY (product, no));
      INSERT INTO parts SELECT p, i, p * 10 + i, 'part ' || i, timestamptz '2026-01-01' + p * interval '1 day'
        FROM generate_series(1, 5) p, generate_series(1, 4) i;
      CREATE TABLE files (hash bytea PRIMARY KEY, "full Name" text UNIQUE);
      INSERT INTO files VALUES ('\\x00ff', 'a"b,{}'), ('\\x01', 'NULL')`);
  });

  afterAll(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });

  test('is read with one statement, each key getting its own rows', async () => {
    const loader = createLoader<number, { name: string; no: number }>({
      database: watched,
      table: 'parts',
      key: 'product',
      columns: ['name', 'no'],
      many: true,
      where: 'n <> $1 AND no < $2',
      values: [21, 4],
      orderBy: { column: 'made', direction: 'desc' },
    });
    const [second, none, first] = await loader.loadMany([2, 99, 1]);
    expect(second?.map(({ no }) => no).toSorted()).toEqual([2, 3]);
    expect(none).toEqual([]);
    expect(first).toHaveLength(3);
    expect(Object.keys(first?.[0] ?? {})).toEqual(['name', 'no']);
    // What the table is like, and its rows.
    expect(texts).toHaveLength(2);
    await loader.loadMany([3, 4, 5]);
    expect(texts).toHaveLength(3);
  });

  test('is read by keys of several columns and of any type, as the server compares them', async () => {
    const parts = createLoader({ database: pool, table: 'parts', key: ['no', 'product'] });
    const found = await parts.loadMany([
      [2, 1],
      ['3', 5],
      [5, 1],
    ]);
    expect(found.map((row) => row?.['n'])).toEqual([12, 53, undefined]);
    const numbers = createLoader<unknown, { n: number }>({ database: pool, table: 'parts', key: 'n' });
    expect((await numbers.loadMany([12, '12', ' 012', 12n])).map((row) => row?.n)).toEqual([12, 12, 12, 12]);
    const hashes = createLoader<Buffer | string, { 'full Name': string }>({
      database: pool,
      table: 'files',
      key: 'hash',
    });
    expect((await hashes.loadMany([Buffer.from([0, 255]), '\\x01'])).map((row) => row?.['full Name'])).toEqual([
      'a"b,{}',
      'NULL',
    ]);
    const names = createLoader<string | null, { hash: Buffer }>({
      database: pool,
      table: 'files',
      key: 'full Name',
    } as never);
    expect((await names.loadMany(['NULL', null, 'a"b,{}'])).map((row) => row?.hash.toString('hex'))).toEqual([
      '01',
      undefined,
      '00ff',
    ]);
  });

  test('that is missing or changes is asked about again', async () => {
    const later = createLoader({ database: pool, table: 'later', key: 'id' });
    await expect(later.load(1)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    await database.query(`CREATE TABLE later (id int); INSERT INTO later VALUES (1)`);
    expect(await later.load(1)).toEqual({ id: 1 });
    await database.query(
      `DROP TABLE later; CREATE TABLE later (name text, id text); INSERT INTO later VALUES ('x', '1')`,
    );
    await later.load(1).catch(() => {});
    expect(await later.load(1)).toEqual({ name: 'x', id: '1' });
  });
});
