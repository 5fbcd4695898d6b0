import pg from 'pg';
import type { EmbeddedServer } from '../embedded/index.ts';
import { indexes, roles, tables } from './schema.ts';

/** Changed whenever the shop's rows or schema change: a data directory of another seed is made anew. */
export const SEED_VERSION = 4;

/** Numbers of rows, all in proportion to the orders. */
export interface ShopSize {
  orders: number;
  customers: number;
  products: number;
  reviews: number;
  pageViews: number;
  carts: number;
}

export function shopSize(orders: number): ShopSize {
  const share = (part: number, least: number): number => Math.max(least, Math.round(orders / part));
  return {
    orders,
    customers: share(10, 200),
    products: Math.min(5000, share(200, 200)),
    reviews: share(10, 200),
    pageViews: share(5, 500),
    carts: share(50, 200),
  };
}

export type Progress = (message: string) => void;

/**
 * Makes a database with the shop: two sessions, each making what does not need the other's rows. Popularity is
 * skewed as in life (products by Zipf's law, customers less so), orders cover the last two years and become more.
 * Everything but the dates is the same each time.
 */
export async function seedShop(
  server: EmbeddedServer,
  database: string,
  size: ShopSize,
  password: string,
  say: Progress,
): Promise<void> {
  const url = server.url(database);
  await createDatabase(server.url(), database);
  const clients = [new pg.Client(url), new pg.Client(url)] as const;
  for (const client of clients) client.on('error', () => {});
  const [one, two] = clients;
  try {
    await Promise.all(clients.map((client) => prepare(client)));
    await one.query(tables);
    await one.query(categoriesSql);
    await fill(one, 'products', productsSql, [size.products]);
    say(`Making ${count(size.orders)} orders of ${count(size.customers)} customers, with their items …`);
    const [items] = await Promise.all([fillItems(two, size), fillSmaller(one, size)]);
    say(`Adding up the orders from ${count(items)} items …`);
    // By merging, the orders are written in the order of their ids, as they would have come in.
    await runAll(one, ['SET enable_hashjoin = off', 'SET enable_hashagg = off']);
    await Promise.all([fill(one, 'orders', ordersSql, [size.orders, size.customers]), runAll(two, indexes.others)]);
    say(`Indexing ${count(size.orders)} orders …`);
    await runAll(one, indexes.orders);
    const [first, second] = indexes.ordersHalves;
    await Promise.all([runAll(one, first), runAll(two, second)]);
    await runAll(one, indexes.foreignKeys);
    say('Gathering statistics …');
    // The making of the shop is no part of its life.
    await runAll(one, ['SELECT pg_stat_reset()', 'SELECT pg_stat_reset_shared()']);
    const others = ['order_items', 'customers', 'products', 'reviews', 'page_views', 'email_log', 'categories'];
    await Promise.all([
      runAll(one, [setSequencesSql, 'VACUUM (ANALYZE) orders']),
      runAll(
        two,
        others.map((name) => `VACUUM (ANALYZE) ${name}`),
      ),
    ]);
    for (let round = 0; round < 4; round += 1) await one.query(bloatSql);
    await one.query('ANALYZE carts');
    await one.query(roles(password));
    await one.query('SELECT pg_stat_statements_reset()');
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
}

async function fillItems(client: pg.Client, size: ShopSize): Promise<number> {
  const items = await fill(client, 'order_items', orderItemsSql, [size.orders, size.products]);
  await runAll(client, indexes.items);
  return items;
}

async function fillSmaller(client: pg.Client, size: ShopSize): Promise<void> {
  await fill(client, 'customers', customersSql, [size.customers]);
  await fill(client, 'reviews', reviewsSql, [size.reviews, size.products, size.customers]);
  await fill(client, 'page_views', pageViewsSql, [size.pageViews, size.products]);
  await fill(client, 'carts', cartsSql, [size.carts, size.customers]);
  await fill(client, 'email_log', emailLogSql, [Math.min(5000, size.customers), size.customers]);
}

async function prepare(client: pg.Client): Promise<void> {
  await client.connect();
  await runAll(client, [
    `SET synchronous_commit = off`,
    `SET maintenance_work_mem = '192MB'`,
    `SET work_mem = '192MB'`,
    `SET jit = off`,
  ]);
}

/**
 * Fills an empty table; the random numbers are the same each time. A table truncated in the same transaction needs no
 * write-ahead log under `wal_level = minimal`.
 * @returns the number of rows.
 */
async function fill(client: pg.Client, table: string, sql: string, values: number[]): Promise<number> {
  await runAll(client, ['BEGIN', `TRUNCATE ${table}`, 'SELECT setseed(0.42)']);
  const { rowCount } = await client.query(sql, values);
  await client.query('COMMIT');
  return rowCount ?? 0;
}

async function runAll(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

const categoriesSql = `
INSERT INTO categories (id, name, slug)
SELECT n, name, lower(replace(name, ' ', '-'))
  FROM unnest(ARRAY['Kettles', 'Lamps', 'Chairs', 'Tables', 'Rugs', 'Shelves', 'Bags', 'Boots', 'Coats', 'Scarves',
                    'Bicycles', 'Helmets', 'Tents', 'Stoves', 'Knives', 'Pans', 'Cups', 'Plates', 'Clocks', 'Radios',
                    'Speakers', 'Games', 'Books', 'Plants']) WITH ORDINALITY AS c (name, n)
`;

const productsSql = `
INSERT INTO products (id, sku, name, category_id, price_cents, stock, attributes, description)
SELECT g,
       'SKU-' || lpad(g::text, 6, '0'),
       (ARRAY['Small', 'Large', 'Quiet', 'Bright', 'Plain', 'Folding', 'Heavy', 'Light'])[1 + g % 8] || ' ' ||
       (ARRAY['oak', 'steel', 'linen', 'copper', 'wool', 'glass', 'cork', 'slate', 'walnut'])[1 + g % 9] || ' ' ||
       (ARRAY['kettle', 'lamp', 'chair', 'table', 'rug', 'shelf', 'bag', 'pan', 'clock', 'tent', 'cup'])[1 + g % 11],
       1 + g % 24,
       greatest(199, (exp(random_normal(3.4, 0.8)) * 100)::int),
       (random() * 500)::int + 50,
       jsonb_build_object('weight_g', (random() * 4000)::int + 50, 'colour', (ARRAY['red', 'blue', 'green', 'grey'])[1 + g % 4]),
       repeat('Made to be used every day and repaired when it breaks. ', 2 + (random() * 4)::int)
  FROM generate_series(1, $1::bigint) AS g
`;

const customersSql = `
INSERT INTO customers (id, email, full_name, country, loyalty_points, newsletter, created_at)
SELECT g,
       first || '.' || last || g || '@example.' || (ARRAY['com', 'org', 'net'])[1 + g % 3],
       initcap(first || ' ' || last),
       (ARRAY['DE', 'DE', 'DE', 'FR', 'FR', 'PL', 'NL', 'ES', 'IT', 'SE', 'AT'])[1 + g % 11],
       (random() ^ 3 * 5000)::int,
       random() < 0.3,
       now() - interval '730 days' * random()
  FROM generate_series(1, $1::bigint) AS g,
       LATERAL (SELECT (ARRAY['ada', 'ben', 'cleo', 'dora', 'emil', 'frida', 'gus', 'hana', 'ivo', 'jana', 'karl'])[1 + g % 11] AS first,
                       (ARRAY['adler', 'bauer', 'costa', 'dubois', 'evans', 'fischer', 'garcia', 'hansen', 'ito'])[1 + g % 9] AS last) AS n
`;

/** Zipf's law with exponent 1: the logarithm of the rank is uniform. Ranks are then spread over the ids. */
const zipfProduct = (products: string): string =>
  `1 + (floor(exp(random() * ln(${products})))::bigint * 7919) % ${products}`;

const orderItemsSql = `
INSERT INTO order_items (order_id, line_no, product_id, quantity, unit_price_cents)
SELECT i.order_id, i.line_no, p.id, i.quantity, p.price_cents
  FROM (SELECT g                                             AS order_id,
               l                                             AS line_no,
               ${zipfProduct('$2::bigint')}                  AS product_id,
               CASE WHEN random() < 0.8 THEN 1 ELSE 2 END    AS quantity
          FROM generate_series(1, $1::bigint) AS g,
               generate_series(1, 1 + (hashint8(g) & 3) % 3) AS l
        OFFSET 0) AS i
  JOIN products AS p ON p.id = i.product_id
`;

const ordersSql = `
INSERT INTO orders (id, customer_id, status, total_cents, currency, shipping_country, tracking_code, placed_at, updated_at)
SELECT o.id,
       o.customer_id,
       CASE WHEN o.placed_at > now() - interval '6 hours' THEN 'paid'
            WHEN o.placed_at > now() - interval '3 days'  THEN 'shipped'
            WHEN o.chance < 0.04                          THEN 'cancelled'
            WHEN o.chance < 0.07                          THEN 'returned'
            ELSE 'delivered' END,
       i.total_cents,
       CASE o.customer_id % 11 WHEN 5 THEN 'PLN' WHEN 9 THEN 'SEK' ELSE 'EUR' END,
       (ARRAY['DE', 'DE', 'DE', 'FR', 'FR', 'PL', 'NL', 'ES', 'IT', 'SE', 'AT'])[1 + o.customer_id % 11],
       'TRK' || upper(left(md5(o.id::text), 12)),
       o.placed_at,
       o.placed_at + interval '2 days' * o.chance
  FROM (SELECT g                                                                       AS id,
               1 + floor($2::bigint * random() ^ 2.2)::bigint                          AS customer_id,
               random()                                                                AS chance,
               now() - interval '730 days' * (1 - (g::float8 / $1::bigint) ^ 0.65)     AS placed_at
          FROM generate_series(1, $1::bigint) AS g
        OFFSET 0) AS o
  JOIN (SELECT order_id, sum(quantity * unit_price_cents)::int AS total_cents
          FROM order_items
         GROUP BY order_id) AS i ON i.order_id = o.id
`;

const reviewsSql = `
INSERT INTO reviews (product_id, customer_id, rating, body, created_at)
SELECT ${zipfProduct('$2::bigint')},
       1 + floor($3::bigint * random())::bigint,
       (ARRAY[5, 5, 5, 5, 4, 4, 4, 3, 2, 1])[1 + floor(random() * 10)::int],
       (ARRAY['Does what it says.', 'Came a day late, works well.', 'I would buy it again.', 'Smaller than I thought.'])[1 + g % 4],
       now() - interval '730 days' * random()
  FROM generate_series(1, $1::bigint) AS g
`;

const pageViewsSql = `
INSERT INTO page_views (session_id, product_id, referrer, viewed_at)
SELECT md5((g / 4)::text)::uuid,
       ${zipfProduct('$2::bigint')},
       (ARRAY['search', 'newsletter', NULL, 'friend'])[1 + g % 4],
       now() - interval '30 days' * (1 - g::float8 / $1::bigint)
  FROM generate_series(1, $1::bigint) AS g
`;

const cartsSql = `
INSERT INTO carts (id, customer_id, contents)
SELECT g,
       1 + g % $2::bigint,
       jsonb_build_array(jsonb_build_object('product_id', 1 + g % 200, 'quantity', 1, 'note', repeat('gift wrap ', 20)))
  FROM generate_series(1, $1::bigint) AS g
`;

const emailLogSql = `
INSERT INTO email_log (customer_id, template, sent_at)
SELECT 1 + floor($2::bigint * random())::bigint, 'order-shipped', now() - interval '10 days' * random()
  FROM generate_series(1, $1::bigint) AS g
`;

/** Every round leaves a dead version of every cart. */
const bloatSql = `UPDATE carts SET updated_at = clock_timestamp()`;

const setSequencesSql = `
SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders)),
       setval(pg_get_serial_sequence('customers', 'id'), (SELECT max(id) FROM customers))
`;
