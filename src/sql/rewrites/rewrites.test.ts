import { beforeAll, expect, test } from 'vitest';
import { loadParser } from '../describe/index.ts';
import { type Rewrite, type RewriteCatalog, rewritesOf } from './index.ts';

const column = (name: string, type: string, notNull = false) => ({ name, type, notNull });
const tables: Record<string, ReturnType<typeof column>[]> = {
  orders: [
    column('id', 'int4', true),
    column('customer_id', 'int4'),
    column('placed', 'timestamp'),
    column('seen', 'timestamptz'),
    column('note', 'text'),
  ],
  customers: [column('id', 'int4', true), column('email', 'text')],
  blocked: [column('customer', 'int4', true), column('Reason', 'text')],
};
const catalog: RewriteCatalog = { columns: ({ name }) => tables[name] };

beforeAll(() => loadParser());

function found(text: string, known: RewriteCatalog | undefined = catalog): readonly Rewrite[] {
  const { rewrites, reason } = rewritesOf(text, known);
  expect(reason).toBeUndefined();
  return rewrites ?? [];
}

/** Beginnings that all statements here share. */
const where = (condition: string): string => `SELECT id FROM orders WHERE ${condition}`;

test.each([
  ['period-of-column', "date(placed) = '2026-05-12'", "(placed >= DATE '2026-05-12' AND placed < DATE '2026-05-13')"],
  ['period-of-column', "'2026-02-28' = placed::date", "(placed >= DATE '2026-02-28' AND placed < DATE '2026-03-01')"],
  [
    'period-of-column',
    "date_trunc('month', orders.placed) = DATE '2026-12-01'",
    "(orders.placed >= DATE '2026-12-01' AND orders.placed < DATE '2027-01-01')",
  ],
  [
    'period-of-column',
    'extract(year FROM placed) = 2025',
    "(placed >= DATE '2025-01-01' AND placed < DATE '2026-01-01')",
  ],
  ['column-arithmetic', 'id + 1 > 10', 'id > 9'],
  ['column-arithmetic', '100 <= orders.id - 5', '105 <= orders.id'],
  ['coalesced-column', 'coalesce(customer_id, 0) = 7', 'customer_id = 7'],
  ['coalesced-column', 'coalesce(customer_id, 0) = 0', '(customer_id = 0 OR customer_id IS NULL)'],
  ['or-of-one-column', "note = 'a' OR note = 'b' OR note = $1", null],
  ['or-of-one-column', "note = 'a' OR note = 'b'", "note IN ('a', 'b')"],
  ['or-of-one-column', '(id = 1 OR id = 2)', '(id IN (1, 2))'],
  ['plain-like', "note LIKE 'abc'", "note = 'abc'"],
  ['plain-like', "note NOT LIKE 'abc'", "note <> 'abc'"],
  ['cast-column', "id::text = '5'", 'id = 5'],
  ['cast-column', "id::text = '05'", null],
  ['decimal-value', 'id = 5.0', 'id = 5'],
  ['decimal-value', 'id < 5.5', null],
  ['negated-comparison', 'NOT (id = 5)', '(id <> 5)'],
  [
    'not-in-subquery',
    'id NOT IN (SELECT customer FROM blocked)',
    'NOT EXISTS (SELECT 1 FROM blocked WHERE blocked.customer = orders.id)',
  ],
  [
    'not-in-subquery',
    `id NOT IN (SELECT b.customer FROM blocked AS b WHERE b."Reason" = 'x' OR b."Reason" IS NULL)`,
    `NOT EXISTS (SELECT 1 FROM blocked AS b WHERE (b."Reason" = 'x' OR b."Reason" IS NULL) AND b.customer = orders.id)`,
  ],
  ['not-in-subquery', 'customer_id NOT IN (SELECT customer FROM blocked)', null],
  ['not-in-subquery', 'id NOT IN (SELECT max(customer) FROM blocked)', null],
  [
    'count-to-exist',
    '(SELECT count(*) FROM blocked b WHERE b.customer = orders.id) > 0',
    'EXISTS (SELECT 1 FROM blocked b WHERE b.customer = orders.id)',
  ],
  [
    'count-to-exist',
    '0 = (select count(*) from blocked b where b.customer = orders.id)',
    'NOT EXISTS (SELECT 1 from blocked b where b.customer = orders.id)',
  ],
])('%s: %s', (rule, condition, written) => {
  const rewrite = found(where(condition)).find((each) => each.rule === rule);
  expect(rewrite).toMatchObject({ rewritten: written === null ? null : where(written), provided: null });
});

test.each([
  [
    'select-star',
    'SELECT * FROM orders WHERE id = 1',
    'SELECT id, customer_id, placed, seen, note FROM orders WHERE id = 1',
  ],
  [
    'select-star',
    'SELECT b.*, o.id FROM orders o JOIN blocked b ON b.customer = o.id WHERE o.id = 1',
    'SELECT b.customer, b."Reason", o.id FROM orders o JOIN blocked b ON b.customer = o.id WHERE o.id = 1',
  ],
  ['select-star', 'SELECT * FROM orders JOIN blocked USING (id)', null],
  ['unbounded-read', 'SELECT id FROM orders', null],
  ['offset-page', 'SELECT id FROM orders ORDER BY id DESC LIMIT 10 OFFSET 5000', null],
  ['random-order', 'SELECT id FROM orders ORDER BY random() LIMIT 3', null],
  [
    'distinct-groups',
    'SELECT DISTINCT customer_id, count(*) FROM orders GROUP BY customer_id',
    'SELECT customer_id, count(*) FROM orders GROUP BY customer_id',
  ],
  ['distinct-join', 'SELECT DISTINCT c.id, c.email FROM customers c JOIN orders o ON o.customer_id = c.id', null],
  ['distinct-union', 'SELECT id FROM orders UNION SELECT id FROM customers', null],
  [
    'having-key',
    'SELECT customer_id, count(*) FROM orders GROUP BY customer_id HAVING customer_id > 5 ORDER BY 1',
    'SELECT customer_id, count(*) FROM orders WHERE customer_id > 5 GROUP BY customer_id  ORDER BY 1',
  ],
  ['missing-join-condition', 'SELECT o.id FROM orders o, customers c WHERE o.id = 3', null],
  [
    'missing-join-condition',
    'SELECT 1 FROM orders o, customers c, blocked b WHERE o.customer_id = c.id AND email IS NULL',
    null,
  ],
  ['whole-table-change', 'UPDATE orders SET note = $1', null],
  ['whole-table-change', 'DELETE FROM orders', null],
  ['null-comparison', 'SELECT id FROM orders WHERE note = NULL', null],
  ['leading-wildcard', "SELECT id FROM orders WHERE note LIKE '%x'", null],
  ['caseless-like', 'SELECT id FROM orders WHERE note ILIKE $1', null],
  ['function-of-column', 'SELECT id FROM customers WHERE lower(email) = $1', null],
  ['between-days', "SELECT id FROM orders WHERE placed BETWEEN '2026-01-01' AND '2026-01-31'", null],
  ['or-of-columns', 'SELECT id FROM orders WHERE note = $1 OR customer_id = $2', null],
  [
    'scalar-subquery',
    'SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE id < 3',
    null,
  ],
  ['long-in-list', `SELECT id FROM orders WHERE id IN (${Array.from({ length: 100 }, (_, n) => n).join(', ')})`, null],
])('%s: %s', (rule, text, written) => {
  const rewrites = found(text).filter((each) => each.rule === rule);
  expect(rewrites).toHaveLength(1);
  expect(rewrites[0]).toMatchObject({ rewritten: written, provided: null });
  expect(`${rewrites[0]?.message} ${rewrites[0]?.advice}`).not.toMatch(/undefined|null\b/);
});

test('what is well written is left alone', () => {
  for (const text of [
    where('id = $1'),
    where('placed >= now() - $1::interval AND note LIKE $2'),
    where("note LIKE 'abc%'"),
    where('EXISTS (SELECT FROM blocked WHERE blocked.customer = orders.id)'),
    'SELECT count(*) FROM orders',
    'SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id > $1 ORDER BY o.id LIMIT 20',
    'SELECT o.id FROM orders o CROSS JOIN customers c WHERE o.id = 1',
    'INSERT INTO orders (id) VALUES ($1)',
    'UPDATE orders SET note = $1 WHERE id = $2',
    'SELECT id FROM orders WHERE (customer_id, id) > ($1, $2) ORDER BY customer_id, id LIMIT 10',
  ]) {
    expect({ text, found: found(text) }).toEqual({ text, found: [] });
  }
});

test('what depends is told with what it depends on', () => {
  const [seen] = found(where("seen::date = '2026-05-12'"));
  expect(seen).toMatchObject({
    rewritten: expect.stringContaining('seen >= DATE'),
    provided: expect.stringContaining('midnight'),
  });
  const text = `SELECT x FROM t WHERE x + 1 > 3 AND y LIKE 'a' AND z NOT IN (SELECT a FROM b)`;
  const unknown = (rewritesOf(text).rewrites ?? []).map(({ rule, rewritten, provided }) => [
    rule,
    rewritten === null,
    provided,
  ]);
  expect(unknown).toEqual([
    ['column-arithmetic', false, 'x is an integer'],
    ['not-in-subquery', true, null],
    ['plain-like', false, expect.stringContaining('y is of type text')],
  ]);
});

test('texts keep their form, their comments and their characters', () => {
  const text = `SELECT id -- été 😀\nFROM   orders\nWHERE  note = 'é' /* ü */ AND id + 1 = 5`;
  expect(found(text).find(({ rule }) => rule === 'column-arithmetic')?.rewritten).toBe(
    `SELECT id -- été 😀\nFROM   orders\nWHERE  note = 'é' /* ü */ AND id = 4`,
  );
});

test.each([
  ['', 'it is not one statement'],
  ['SELECT 1; SELECT 2', 'it is not one statement'],
  ['SELECT FROM WHERE', 'it cannot be parsed'],
  [`SELECT '${'x'.repeat(50_001)}'`, 'it is longer than 50000 characters'],
])('%# says why there is nothing', (text, reason) => {
  expect(rewritesOf(text)).toEqual({ reason });
});
