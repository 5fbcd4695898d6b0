import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { testDatabase } from '../support/postgres.ts';

test('index analyze advises indexes for a file of statements', async () => {
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
  writeFileSync(file, '-- calls: 100\nSELECT * FROM orders WHERE code = $1;\nSELECT * FROM orders WHERE id = 3;\n');
  const args = ['index', 'analyze', '--database', database.url, '--workload', file];
  const { stdout, stderr, code } = await pitcrew([...args, '--data-dir', join(folder, 'data')]);
  console.log(stdout, stderr);
  expect(stdout).toContain('CREATE INDEX CONCURRENTLY orders_code_idx ON public.orders (code);');
  expect(code).toBe(1);
}, 120_000);
