import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { indexes, tables } from '../../src/ops/demo/schema.ts';
import type { IndexAdvice } from '../../src/ops/advisor/index.ts';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { scratchServer, testDatabase } from '../support/postgres.ts';

interface Document {
  databases: (Pick<IndexAdvice, 'indexes' | 'drops' | 'cost' | 'msPerHour'> & { workload: { source: string } })[];
}

test('index analyze advises indexes for a file of statements, and exits with 1 where there are any', async () => {
  await using database = await testDatabase(18);
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, code text, placed_at timestamptz);
    INSERT INTO orders SELECT n, md5(n::text), now() FROM generate_series(1, 20000) n;
    CREATE INDEX orders_placed_at_idx ON orders (placed_at);
    CREATE INDEX index_orders_on_placed_at ON orders (placed_at);
  `);
  await database.query('VACUUM ANALYZE orders');
  const folder = testFolder();
  const file = join(folder, 'workload.sql');
  const dataDir = join(folder, 'data');
  const args = ['index', 'analyze', '--database', database.url, '--workload', file, '--data-dir', dataDir];

  writeFileSync(file, '-- calls: 100\nSELECT * FROM orders WHERE code = $1;\nSELECT * FROM orders WHERE id = 3;\n');
  const found = await pitcrew(args);
  expect(found.stdout).toContain('main  2 statements from file');
  expect(found.stdout).toContain('CREATE INDEX CONCURRENTLY orders_code_idx ON public.orders (code);');
  expect(found.stdout).toMatch(/437 → 8 {2}SELECT \* FROM orders WHERE code = \$1/);
  expect(found.stdout).toMatch(/DROP INDEX CONCURRENTLY .*orders_placed_at_idx/);
  expect(found.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(found.stderr).toMatch(/main planning: \d of 2 statements/);
  expect(found.code).toBe(1);
  // The twin holds samples of data: nothing of it stays.
  expect(readdirSync(join(dataDir, 'twins', 'main'))).toEqual([]);

  await database.query('DROP INDEX orders_placed_at_idx');
  writeFileSync(file, 'SELECT * FROM orders WHERE id = 3; SELECT max(placed_at) FROM orders;');
  const nothing = await pitcrew([...args, '--quiet']);
  expect(nothing.stdout).toContain('no new index would pay');
  expect(nothing.stderr).toBe('');
  expect(nothing.code).toBe(0);
}, 120_000);

test('what is asked of it wrongly is refused', async () => {
  const folder = testFolder();
  await using database = await testDatabase(18);
  const args = ['index', 'analyze', '--data-dir', folder, '--database', database.url];
  const budget = await pitcrew([...args, '--budget', 'much']);
  expect(budget.stderr).toContain('Give a size such as 512MB or 1GB');
  expect(budget.code).toBe(2);
  const file = await pitcrew([...args, '--workload', join(folder, 'nothing.sql')]);
  expect(file.stderr).toContain('nothing.sql cannot be read');
  expect(file.code).toBe(2);
  const statements = await pitcrew(args);
  expect(statements.stderr).toContain('pg_stat_statements');
  expect(statements.code).toBe(2);
  expect(existsSync(join(folder, 'twins'))).toBe(false);
});

const rows = `
  INSERT INTO customers (id, email, full_name, country)
  SELECT i, 'Some.Body' || i || '@example.com', 'Some Body', 'de' FROM generate_series(1, 5000) i;
  INSERT INTO orders (id, customer_id, status, total_cents, currency, shipping_country, tracking_code)
  SELECT i, 1 + i % 5000, 'paid', i % 900, 'EUR', 'de', 'TRK' || left(md5(i::text), 12) FROM generate_series(1, 20000) i;
  INSERT INTO order_items SELECT i, 1, 1 + i % 200, 1, 100 FROM generate_series(1, 20000) i;
`;

test('the shop’s missing indexes are found in what pg_stat_statements has counted', async () => {
  await using server = await scratchServer(18);
  const client = new pg.Client(server.url());
  await client.connect();
  const { items, others, orders, ordersHalves } = indexes;
  const made = [...items, ...others, ...orders, ...ordersHalves.flat()].filter((each) => !each.includes('FOREIGN KEY'));
  for (const text of [tables, rows, ...made, 'ANALYZE', 'CREATE EXTENSION pg_stat_statements'])
    await client.query(text);
  await client.query('SELECT pg_stat_statements_reset()');
  for (let turn = 0; turn < 25; turn++) {
    const { rows: found } = await client.query<{ tracking_code: string; email: string }>(
      'SELECT tracking_code, email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1',
      [turn * 7 + 1],
    );
    const [{ tracking_code: code, email } = { tracking_code: '', email: '' }] = found;
    await client.query('SELECT "orders".* FROM "orders" WHERE "orders"."tracking_code" = $1 LIMIT $2', [code, 1]);
    await client.query('SELECT id, full_name FROM customers WHERE lower(email) = lower($1)', [email]);
    await client.query('SELECT * FROM order_items WHERE order_id = $1', [turn + 1]);
  }
  await client.end();
  const { stdout, code } = await pitcrew([
    'index',
    'analyze',
    '--json',
    '--quiet',
    '--budget',
    '100MB',
    '--database',
    server.url(),
    '--data-dir',
    testFolder(),
  ]);
  const [shop] = (JSON.parse(stdout) as Document).databases;
  expect(code).toBe(1);
  expect(shop?.workload.source).toBe('pg_stat_statements');
  const keys = shop?.indexes.map(({ finding }) => finding.key);
  expect(keys).toContain('missing-index:public.orders (tracking_code)');
  expect(keys).toContain('missing-index:public.customers (lower(email))');
  expect(shop?.msPerHour?.after).toBeLessThan(shop?.msPerHour?.before ?? 0);
  const drops = shop?.drops.map(({ index, confirmed }) => [index.name, confirmed]);
  expect(drops).toEqual([[expect.stringMatching(/^(?:index_orders_on_customer_id|orders_customer_id_idx)$/), true]]);
}, 180_000);
