import pg from 'pg';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { Pool } from '../../pool/index.ts';
import { bulkInsert } from '../bulk/index.ts';
import type { OrderTerm } from '../order.ts';
import { type KeysetPage, keysetPage, type KeysetPageOptions, offsetPage } from './index.ts';

const secret = 'a secret that only tests know';

type Item = { id: number; a: number | null; b: string | null; at: string | null };

/** Compares as the server does with that order, C collation included. */
function comparing(orders: { column: 'a' | 'b' | 'at' | 'id'; descending: boolean; nullsFirst: boolean }[]) {
  return (one: Item, other: Item): number => {
    for (const { column, descending, nullsFirst } of orders) {
      const [x, y] = [one[column], other[column]];
      if (x === y) continue;
      if (x === null) return nullsFirst ? -1 : 1;
      if (y === null) return nullsFirst ? 1 : -1;
      return x < y === descending ? 1 : -1;
    }
    return 0;
  };
}

const column = fc.constantFrom('a' as const, 'b' as const, 'at' as const);
const term = fc.record({
  column,
  direction: fc.constantFrom('asc' as const, 'desc' as const),
  nulls: fc.constantFrom('first' as const, 'last' as const, undefined),
});
const orders = fc.uniqueArray(term, { selector: (each) => each.column, maxLength: 3 });
const item = fc.record({
  a: fc.option(fc.integer({ min: 0, max: 3 })),
  b: fc.option(fc.constantFrom('', 'a', 'B', "it's", '\\')),
  // Microseconds, which a Date does not have.
  at: fc.option(fc.constantFrom('2026-01-01 00:00:00.000001', '2026-01-01 00:00:00.000002', '2026-01-02 00:00:00')),
});
const items = fc.array(item, { maxLength: 25 }).map((list) => list.map((each, id): Item => ({ id, ...each })));

describe.each(testedMajors(18, 16))('PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await testDatabase(major);
    pool = new Pool({ connectionString: database.url });
    await database.query(`
      CREATE TABLE items (id int PRIMARY KEY, a int, b text COLLATE "C", at timestamp);
      CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL);
      CREATE INDEX ON events (at DESC, id DESC);
      INSERT INTO events (at, kind) SELECT timestamptz '2026-01-01' + (i / 3) * interval '1 second', 'k' || i % 2 FROM generate_series(1, 20000) i;
      ANALYZE events`);
  });

  afterAll(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });

  const sorted = (rows: readonly Item[], terms: readonly OrderTerm[]): number[] => {
    const all = terms.map((each) => {
      const { column: name, direction, nulls } = each as Exclude<OrderTerm, string>;
      const descending = direction === 'desc';
      return { column: name as 'a', descending, nullsFirst: nulls === undefined ? descending : nulls === 'first' };
    });
    const descending = all.at(-1)?.descending ?? false;
    const compare = comparing([...all, { column: 'id', descending, nullsFirst: false }]);
    return rows.toSorted(compare).map(({ id }) => id);
  };

  const both = (fixed: { orderBy: OrderTerm[]; limit: number }): KeysetPageOptions[] => [
    { table: 'items', secret, ...fixed },
    { query: 'SELECT id, a, b, at FROM items -- all', key: 'id', secret, ...fixed },
  ];

  test('pages put together are the list in its order, forwards and backwards, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(items, orders, fc.integer({ min: 1, max: 7 }), async (rows, orderBy, limit) => {
        await database.query('TRUNCATE items');
        await bulkInsert(pool, { table: 'items', rows });
        const expected = sorted(rows, orderBy);
        for (const options of both({ orderBy, limit })) {
          const seen: number[] = [];
          let page = await keysetPage<Item>(pool, options);
          expect(page.previous).toBeNull();
          for (;;) {
            seen.push(...page.rows.map(({ id }) => id));
            expect(page.rows.length).toBe(page.next ? limit : Math.min(limit, page.rows.length));
            if (!page.next) break;
            page = await keysetPage<Item>(pool, { ...options, after: page.next });
          }
          expect(seen).toEqual(expected);
          const back = page.rows.map(({ id }) => id);
          while (page.previous) {
            page = await keysetPage<Item>(pool, { ...options, before: page.previous });
            back.unshift(...page.rows.map(({ id }) => id));
          }
          expect(back).toEqual(expected);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('what was there throughout is seen once, whatever is inserted, deleted and changed between pages', async () => {
    const change = fc.record({ remove: fc.nat(60), insert: fc.option(item), at: fc.nat(30) });
    await fc.assert(
      fc.asyncProperty(
        items,
        orders,
        fc.array(change, { maxLength: 20 }),
        fc.boolean(),
        async (rows, orderBy, changes, backwards) => {
          await database.query('TRUNCATE items');
          await bulkInsert(pool, { table: 'items', rows });
          const there = new Map(rows.map((row) => [row.id, row]));
          const throughout = new Set(there.keys());
          let id = 1000;
          const options = both({ orderBy, limit: 3 })[0] as KeysetPageOptions;
          const seen: number[] = [];
          let page = await keysetPage<Item>(pool, options);
          if (backwards) while (page.next) page = await keysetPage<Item>(pool, { ...options, after: page.next });
          for (let turn = 0; ; turn++) {
            seen.push(...page.rows.map((row) => row.id));
            const on = backwards ? page.previous : page.next;
            if (!on) break;
            for (const { remove, insert, at } of changes) {
              if (at % 5 !== turn) continue;
              // A row in use as a cursor may go as well.
              await pool.query('DELETE FROM items WHERE id = $1', [remove]);
              throughout.delete(remove);
              if (insert) await bulkInsert(pool, { table: 'items', rows: [{ id: id++, ...insert }] });
            }
            page = await keysetPage<Item>(pool, { ...options, ...(backwards ? { before: on } : { after: on }) });
          }
          // Backwards it ends at the first page; the last one was read before anything changed.
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expect.arrayContaining([...throughout]));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('with others writing at the same time', async () => {
    await database.query('TRUNCATE items');
    const rows = Array.from({ length: 600 }, (_, id) => ({
      id: id * 2,
      a: id % 7 === 0 ? null : id % 5,
      b: null,
      at: null,
    }));
    await bulkInsert(pool, { table: 'items', rows });
    const stop = new AbortController();
    let writes = 0;
    const writers = [1, 2].map(async () => {
      while (!stop.signal.aborted) {
        const odd = Math.floor(Math.random() * 600) * 2 + 1;
        await pool.query('INSERT INTO items VALUES ($1, $2) ON CONFLICT DO NOTHING', [odd, odd % 5]);
        await pool.query('DELETE FROM items WHERE id = $1', [Math.floor(Math.random() * 600) * 2 + 1]);
        writes += 2;
      }
    });
    const options: KeysetPageOptions = {
      table: 'items',
      orderBy: [{ column: 'a', direction: 'desc', nulls: 'last' }],
      limit: 10,
      secret,
    };
    try {
      for (const direction of ['after', 'before'] as const) {
        const seen: number[] = [];
        let page = await keysetPage<Item>(pool, options);
        if (direction === 'before')
          while (page.next) page = await keysetPage<Item>(pool, { ...options, after: page.next });
        for (let on: string | null = ''; on !== null; on = direction === 'after' ? page.next : page.previous) {
          if (on) page = await keysetPage<Item>(pool, { ...options, [direction]: on });
          seen.push(...page.rows.map(({ id }) => id));
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((id) => id % 2 === 0)).toHaveLength(600);
      }
    } finally {
      stop.abort();
      await Promise.all(writers);
    }
    expect(writes).toBeGreaterThan(100);
  });

  test('an empty page leads back to what was before it, the row of the cursor included', async () => {
    await database.query('TRUNCATE items');
    await bulkInsert(pool, { table: 'items', rows: [1, 2, 3, 4].map((id) => ({ id })) });
    const options: KeysetPageOptions = { table: 'items', limit: 2, secret };
    const first = await keysetPage<Item>(pool, options);
    await database.query('DELETE FROM items WHERE id > 2');
    const empty = await keysetPage<Item>(pool, { ...options, after: first.next });
    expect(empty).toMatchObject({ rows: [], next: null });
    const back = await keysetPage<Item>(pool, { ...options, before: empty.previous });
    expect(back.rows.map(({ id }) => id)).toEqual([1, 2]);
    await database.query('DELETE FROM items');
    const none = await keysetPage<Item>(pool, { ...options, before: back.next });
    await bulkInsert(pool, { table: 'items', rows: [2, 3].map((id) => ({ id })) });
    expect((await keysetPage<Item>(pool, { ...options, after: none.next })).rows.map(({ id }) => id)).toEqual([2, 3]);
  });

  test('places are exact: microseconds and large numbers', async () => {
    await database.query(
      `CREATE TABLE exact (id bigint PRIMARY KEY, f float8, n numeric, c char(4), e text[], t timestamptz)`,
    );
    await database.query(`INSERT INTO exact SELECT 9007199254740993 + i, 0.1 * i, 1e-30 * (i / 2), 'c' || i % 3, ARRAY['x', (i % 4)::text],
      timestamptz '2026-01-01' + i / 2 * interval '1 microsecond' FROM generate_series(1, 30) i`);
    for (const name of ['id', 'f', 'n', 'c', 'e', 't']) {
      const seen: unknown[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await keysetPage(pool, { table: 'exact', orderBy: name, limit: 4, secret, after });
        seen.push(...page.rows.map(({ id }) => id));
        after = page.next;
      }
      const expected = await database.query<{ id: string }>(`SELECT id FROM exact ORDER BY ${name}, id`);
      expect(seen).toEqual(expected.map(({ id }) => id));
    }
  });

  test('places are the same on connections with other settings', async () => {
    await database.query(`
      CREATE DOMAIN moment AS timestamptz;
      CREATE TABLE settings (id int PRIMARY KEY, at timestamptz, local timestamp, day date, moment moment, span interval, ratio float8, part float4);
      INSERT INTO settings
      SELECT n, at, at, at, at, n * interval '1 day 1 minute', n / 3.0, CASE WHEN n % 5 = 0 THEN 'NaN' ELSE (n / 3.0)::text END::float4
        FROM generate_series(1, 60) n, LATERAL (SELECT timestamptz '2026-01-01 00:00:00.123456+00' + n * interval '25 hours') AS t (at)`);
    await database.query("UPDATE settings SET at = 'infinity', day = '-infinity' WHERE id = 30");
    const settings = [
      '-c datestyle=SQL,DMY -c timezone=Asia/Kolkata -c intervalstyle=sql_standard',
      '-c datestyle=German -c timezone=America/New_York',
      '-c datestyle=Postgres,MDY -c intervalstyle=iso_8601',
    ];
    const connections = settings.map((options) => new pg.Client({ connectionString: database.url, options }));
    onTestFinished(async () => void (await Promise.all(connections.map((each) => each.end()))));
    await Promise.all(connections.map((each) => each.connect()));
    for (const orderBy of ['at', 'local', 'day', 'moment', 'span', 'ratio', 'part']) {
      const expected = await database.query<{ id: number }>(`SELECT id FROM settings ORDER BY ${orderBy}, id`);
      for (const options of [
        { table: 'settings', orderBy, limit: 7, secret },
        // A domain is the query's own type: its dates are as the connection has them.
        ...(orderBy === 'moment'
          ? []
          : [{ query: `SELECT id, ${orderBy} FROM settings`, key: 'id', orderBy, limit: 7, secret }]),
      ] as KeysetPageOptions[]) {
        const seen: number[] = [];
        let after: string | null = null;
        do {
          const client = connections[seen.length % connections.length] as pg.Client;
          const page: KeysetPage<{ id: number }> = await keysetPage(client, { ...options, after });
          seen.push(...page.rows.map(({ id }) => id));
          after = page.next;
        } while (after !== null && seen.length <= 60);
        expect({ orderBy, seen }).toEqual({ orderBy, seen: expected.map(({ id }) => id) });
      }
    }
    const short = new pg.Client({ connectionString: database.url, options: '-c extra_float_digits=0' });
    onTestFinished(() => short.end());
    await short.connect();
    const byRatio = { orderBy: 'ratio', limit: 5, secret };
    for (const rows of [{ table: 'settings' }, { query: 'SELECT * FROM settings', key: 'id' }] as const) {
      await expect(keysetPage(short, { ...rows, ...byRatio })).rejects.toMatchObject({ code: 'E_USAGE' });
      expect((await keysetPage(short, { ...rows, ...byRatio, orderBy: 'day' })).rows).toHaveLength(5);
    }
  });

  test('every page is found in the index', async () => {
    const orderings: { orderBy: OrderTerm[]; key?: string }[] = [
      { orderBy: [{ column: 'at', direction: 'desc' }] },
      {
        orderBy: [
          { column: 'at', direction: 'desc' },
          { column: 'id', direction: 'asc' },
        ],
      },
    ];
    for (const { orderBy } of orderings) {
      const texts: { text: string; values: unknown[] }[] = [];
      const watched = {
        query: (text: string, values: unknown[] = []) => {
          texts.push({ text, values });
          return pool.query(text, values);
        },
      };
      const first = await keysetPage(watched, { table: 'events', orderBy, limit: 10, secret });
      await keysetPage(watched, { table: 'events', orderBy, limit: 10, secret, after: first.next });
      const { text, values } = texts.at(-1) as { text: string; values: unknown[] };
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Cond: \(.*at.* <=? /);
    }
  });

  test('cursors are refused when they were changed, belong to another query, or are signed with a secret that is not known', async () => {
    const options: KeysetPageOptions = { table: 'events', orderBy: 'at', limit: 5, secret };
    const after = (await keysetPage(pool, options)).next ?? '';
    const [content = '', signature = ''] = after.split('.');
    const forged = Buffer.from(content, 'base64url').toString().replace('2026', '2027');
    const refused = { code: 'E_BAD_REQUEST', status: 400 };
    for (const wrong of [
      { after: `${Buffer.from(forged).toString('base64url')}.${signature}` },
      { after: `${content}.${signature.slice(2)}` },
      { after: 'nonsense' },
      { after: '.' },
      { after: 'x'.repeat(100_000) },
      { after, secret: 'another secret, long enough' },
      { after, before: after },
      { after, orderBy: { column: 'at', direction: 'desc' } },
      { after, orderBy: 'kind' },
      { after, where: 'id > 5' },
      { after, table: 'items' },
    ]) {
      await expect(keysetPage(pool, { ...options, ...wrong } as KeysetPageOptions)).rejects.toMatchObject(refused);
    }
    const rotated = [new Uint8Array(32), secret];
    expect((await keysetPage(pool, { ...options, after, secret: rotated })).rows).toHaveLength(5);
    await expect(keysetPage(pool, { ...options, secret: 'short' })).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(keysetPage(pool, { ...options, secret: [] })).rejects.toMatchObject({ code: 'E_USAGE' });
  });

  test('sizes are bounded', async () => {
    for (const limit of [0, -1, 1.5, NaN, 501, '10' as never]) {
      await expect(keysetPage(pool, { table: 'events', limit, secret })).rejects.toMatchObject({
        code: 'E_BAD_REQUEST',
      });
      await expect(offsetPage(pool, { table: 'events', limit })).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
    }
    expect((await keysetPage(pool, { table: 'events', limit: 600, maxLimit: 1000, secret })).rows).toHaveLength(600);
    await expect(offsetPage(pool, { table: 'events', offset: 10_001 })).rejects.toMatchObject({
      code: 'E_BAD_REQUEST',
    });
  });

  test('a key that does not tell rows apart is refused', async () => {
    const refused = { code: 'E_USAGE' };
    await database.query(
      'CREATE TABLE loose (a int UNIQUE, b int); INSERT INTO loose VALUES (NULL, 1), (NULL, 1), (1, 1)',
    );
    await expect(keysetPage(pool, { table: 'loose', secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { table: 'loose', key: 'a', secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { table: 'events', key: 'at', secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { table: 'events', orderBy: 'nothing', secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { table: 'events', orderBy: ['at', 'at'], secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { query: 'TABLE loose', key: 'b', limit: 2, secret })).rejects.toMatchObject(refused);
    await expect(keysetPage(pool, { query: 'TABLE loose', key: 'a', secret })).rejects.toMatchObject(refused);
  });

  test('a table that did not serve is looked at again', async () => {
    const options: KeysetPageOptions = { table: 'fresh', key: 'a', secret };
    await expect(keysetPage(pool, options)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    await database.query('CREATE TABLE fresh (a int NOT NULL); INSERT INTO fresh VALUES (1)');
    await expect(keysetPage(pool, options)).rejects.toMatchObject({ code: 'E_USAGE' });
    await database.query('CREATE UNIQUE INDEX ON fresh (a)');
    expect((await keysetPage(pool, options)).rows).toEqual([{ a: 1 }]);
    await database.query('ALTER TABLE fresh ADD b int DEFAULT 2');
    expect((await keysetPage(pool, { ...options, orderBy: 'b' })).rows).toEqual([{ a: 1, b: 2 }]);
    await bulkInsert(pool, { table: 'fresh', rows: [{ a: 3 }] });
    await database.query('ALTER TABLE fresh ADD c int');
    await bulkInsert(pool, { table: 'fresh', rows: [{ a: 4, c: 5 }] });
    expect((await keysetPage(pool, options)).rows).toHaveLength(3);
  });

  test('columns, conditions and their values, and queries of any kind', async () => {
    const page = await keysetPage(pool, {
      table: 'public.events',
      columns: ['id'],
      where: 'kind = $1 OR kind = $2',
      values: ['k1', 'none'],
      orderBy: { column: 'at', direction: 'desc' },
      limit: 2,
      secret,
    });
    expect(page.rows).toEqual([{ id: '19999' }, { id: '19997' }]);
    const groups = await keysetPage(pool, {
      query: 'SELECT kind, count(*) AS n FROM events WHERE id > $1 GROUP BY kind',
      values: [10],
      key: 'kind',
      orderBy: { column: 'n', direction: 'desc' },
      limit: 1,
      secret,
    });
    expect(groups.rows).toEqual([{ kind: 'k1', n: '9995' }]);
    expect(groups.next).not.toBeNull();
  });

  test('pages by offset say whether there is more, and how much in all if asked', async () => {
    const options = { table: 'events', limit: 10, orderBy: 'at' };
    const page = await offsetPage<{ id: string }>(pool, { ...options, offset: 30, total: 'exact' });
    expect(page).toMatchObject({ offset: 30, more: true, total: { rows: 20_000, estimated: false } });
    expect(page.rows.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => String(31 + i)));
    const guess = await offsetPage(pool, { ...options, where: 'kind = $1', values: ['k1'], total: 'estimate' });
    expect(guess.total?.estimated).toBe(true);
    expect(guess.total?.rows).toBeGreaterThan(8000);
    expect(guess.total?.rows).toBeLessThan(12_000);
    // The last page knows.
    const last = await offsetPage(pool, { ...options, where: 'id <= 15', offset: 10, total: 'estimate' });
    expect(last).toMatchObject({ more: false, total: { rows: 15, estimated: false } });
    expect(await offsetPage(pool, { ...options, offset: 5, where: 'id < 0' })).toEqual({
      rows: [],
      offset: 5,
      more: false,
      total: null,
    });
  });
});
