import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase, testedMajors } from '../../../test/support/postgres.ts';
import { Pool } from '../pool/index.ts';
import type { Database } from './database.ts';
import { withRelated } from './related.ts';

interface Order {
  id: number;
  customer_id: number;
  items: { product: { name: string } | null }[];
}

describe.each(testedMajors(18, 16))('PostgreSQL %i', (major) => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await testDatabase(major);
    pool = new Pool({ connectionString: database.url });
    await database.query(`
      CREATE TABLE customers (id int PRIMARY KEY, name text, region text, branch int);
      CREATE TABLE branches (region text, no int, city text, PRIMARY KEY (region, no));
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed date, state text);
      CREATE TABLE items (order_id int, product_id int);
      CREATE TABLE products (id int PRIMARY KEY, name text);
      INSERT INTO customers SELECT i, 'customer ' || i, CASE WHEN i % 3 > 0 THEN 'r' || i % 3 END, i % 2 FROM generate_series(1, 20) i;
      INSERT INTO branches SELECT 'r' || r, no, 'city ' || r || no FROM generate_series(1, 2) r, generate_series(0, 1) no;
      INSERT INTO orders SELECT i, i % 19 + 1, date '2026-01-01' + i, CASE WHEN i % 4 = 0 THEN 'open' ELSE 'done' END FROM generate_series(1, 200) i;
      INSERT INTO items SELECT i % 200 + 1, i % 11 FROM generate_series(1, 600) i;
      INSERT INTO products SELECT i, 'product ' || i FROM generate_series(1, 10) i`);
  });

  afterAll(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
  });

  const counted = (on: Database): { texts: string[]; database: Database } => {
    const texts: string[] = [];
    return {
      texts,
      database: {
        query(text, values) {
          if (!text.startsWith('/* pitcrew */')) texts.push(text);
          return on.query(text, values);
        },
      },
    };
  };

  const orders = {
    name: 'orders',
    table: 'orders',
    from: 'id',
    to: 'customer_id',
    many: true,
    orderBy: 'id',
    related: {
      name: 'items',
      table: 'items',
      from: 'id',
      to: 'order_id',
      many: true,
      orderBy: 'product_id',
      related: { name: 'product', table: 'products', from: 'product_id', to: 'id', many: false },
    },
  };

  test('one statement for each relation, however deep, gives what single statements give', async () => {
    const { rows } = await pool.query<{ id: number; name: string }>('SELECT id, name FROM customers ORDER BY id DESC');
    const { texts, database: watched } = counted(pool);
    const found = await withRelated<{ id: number; name: string }, { orders: Order[] }>(watched, rows, orders);
    expect(texts).toHaveLength(3);
    expect(Object.keys(rows[0] ?? {})).toEqual(['id', 'name']);
    for (const [i, customer] of found.entries()) {
      expect(customer).toMatchObject(rows[i] ?? {});
      const own = await database.query<Order>('SELECT * FROM orders WHERE customer_id = $1 ORDER BY id', [customer.id]);
      expect(customer.orders).toEqual(own.map((order) => ({ ...order, items: expect.any(Array) })));
      for (const order of customer.orders) {
        const products = await database.query<{ product: { name: string } | null }>(
          `SELECT order_id, product_id, to_json(p) AS product FROM items LEFT JOIN products p ON p.id = product_id
            WHERE order_id = $1 ORDER BY product_id`,
          [order.id],
        );
        expect(order.items).toEqual(products);
      }
    }
    expect(found.find(({ id }) => id === 20)?.orders).toEqual([]);
  });

  test('so many for each, the first ones in an order, with conditions', async () => {
    const rows = [{ id: 1 }, { id: 2 }, { id: 1 }, { id: null }, { id: 20 }];
    const latest = {
      ...orders,
      related: undefined,
      columns: ['id'],
      orderBy: { column: 'placed', direction: 'desc' as const },
    };
    const found = await withRelated(pool, rows, [
      { ...latest, limit: 2 },
      { ...latest, name: 'open', where: 'state = $1', values: ['open'], limit: 1 },
      { ...latest, name: 'last', many: false },
    ]);
    const ids = async (id: number, condition = 'true') =>
      database.query(`SELECT id FROM orders WHERE customer_id = ${id} AND ${condition} ORDER BY placed DESC`);
    const [one, two] = [await ids(1), await ids(2)];
    expect(found.map((row) => row['orders'])).toEqual([one.slice(0, 2), two.slice(0, 2), one.slice(0, 2), [], []]);
    expect(found.map((row) => row['open'])[1]).toEqual((await ids(2, `state = 'open'`)).slice(0, 1));
    expect(found.map((row) => row['last'])).toEqual([one[0], two[0], one[0], null, null]);
    expect(found[0]?.['orders']).not.toBe(found[2]?.['orders']);
  });

  test('by several columns, on one connection, in a transaction', async () => {
    const { rows } = await pool.query<{ region: string | null; branch: number }>(
      'SELECT id, region, branch FROM customers',
    );
    const branch = { name: 'place', table: 'branches', from: ['region', 'branch'], to: ['region', 'no'], many: false };
    const client = new pg.Client(database.url);
    await client.connect();
    const all = [
      await withRelated(pool, rows, branch),
      await withRelated(client, rows, [branch, { ...branch, name: 'again' }]),
      await pool.transaction((transaction) => withRelated(transaction, rows, branch)),
    ];
    await client.end();
    for (const found of all) {
      for (const row of found) {
        const city = row.region === null ? undefined : `city ${row.region.slice(1)}${row.branch}`;
        expect((row['place'] as { city: string } | null)?.city).toBe(city);
      }
    }
  });

  test('nothing to look for is not looked for, and what cannot be found is said', async () => {
    const { texts, database: watched } = counted(pool);
    expect(await withRelated(watched, [], orders)).toEqual([]);
    expect(await withRelated(watched, [{ id: null }], orders)).toEqual([{ id: null, orders: [] }]);
    expect(texts).toEqual([]);
    const refused = { code: 'E_USAGE' };
    await expect(withRelated(pool, [{ no: 1 }], orders)).rejects.toMatchObject(refused);
    await expect(withRelated(pool, [{ id: 1 }], { ...orders, to: 'customer' })).rejects.toMatchObject(refused);
    await expect(withRelated(pool, [{ id: 1 }], { ...orders, orderBy: 'when' })).rejects.toMatchObject(refused);
    await expect(withRelated(pool, [{ id: 1 }], { ...orders, limit: 0 })).rejects.toMatchObject(refused);
    await expect(withRelated(pool, [{ id: 1 }], { ...orders, from: ['id', 'id'] })).rejects.toMatchObject(refused);
  });
});
