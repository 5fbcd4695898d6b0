import { beforeAll, expect, test } from 'vitest';
import { loadParser } from '../describe/index.ts';
import { singleTableOf } from './single-table.ts';

beforeAll(loadParser);

test.each([
  ['SELECT * FROM orders WHERE id = $1', { schema: undefined, name: 'orders' }],
  ['SELECT a.b FROM "Shop".orders AS a ORDER BY 1 FOR UPDATE OF a SKIP LOCKED', { schema: 'Shop', name: 'orders' }],
  ['UPDATE orders SET status = $1 WHERE id = $2', { schema: undefined, name: 'orders' }],
  ['DELETE FROM ONLY orders WHERE placed_at < now()', { schema: undefined, name: 'orders' }],
  ['INSERT INTO orders (id) VALUES (1), (2) RETURNING id', { schema: undefined, name: 'orders' }],
])('%s', (text, table) => {
  expect(singleTableOf(text)).toEqual(table);
});

test.each([
  'SELECT 1',
  'SELECT * FROM a, b',
  'SELECT * FROM a AS x, a AS y',
  'SELECT * FROM a JOIN b USING (id)',
  'SELECT * FROM (SELECT * FROM a) AS x',
  'SELECT * FROM a WHERE id IN (SELECT 1)',
  'SELECT *, (SELECT max(id) FROM b) FROM a',
  'WITH x AS (SELECT 1) SELECT * FROM a',
  'SELECT 1 UNION ALL SELECT id FROM a',
  'SELECT * FROM generate_series(1, 2)',
  'SELECT * FROM a, generate_series(1, 2)',
  'SELECT * FROM a TABLESAMPLE SYSTEM (1)',
  'INSERT INTO a SELECT * FROM b',
  'INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2',
  'UPDATE a SET id = b.id FROM b',
  'DELETE FROM a USING b WHERE a.id = b.id',
  'SELECT * FROM a; SELECT * FROM a',
  'SELECT * FRO a',
])('nothing is said of %s', (text) => {
  expect(singleTableOf(text)).toBeUndefined();
});
