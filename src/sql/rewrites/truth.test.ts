import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import { loadParser } from '../describe/index.ts';
import { type RewriteCatalog, type RewriteColumn, rewritesOf } from './index.ts';

let database: TestDatabase;
let catalog: RewriteCatalog;

beforeAll(async () => {
  await loadParser();
  database = await testDatabase();
  // Few different values, so that conditions meet; every column that may be NULL is so here and there.
  await database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed timestamp, day date, note text, "Odd" int NOT NULL);
    CREATE TABLE customers (id int PRIMARY KEY, email text, limited int);
    CREATE TABLE blocked (customer int NOT NULL, reason text);
    INSERT INTO orders
      SELECT n, nullif(n % 7, 0), CASE WHEN n % 5 > 0 THEN timestamp '2024-12-30' + n * interval '5 hours' END,
             CASE WHEN n % 6 > 0 THEN date '2024-12-31' + n % 40 END, CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN 'a' WHEN 2 THEN 'a%' ELSE 'b' END, n % 3
      FROM   generate_series(-5, 300) n;
    INSERT INTO customers SELECT n, nullif('mail ' || n, 'mail 3'), nullif(n % 3, 0) FROM generate_series(0, 9) n;
    INSERT INTO blocked SELECT n % 5, nullif('r' || n % 3, 'r0') FROM generate_series(1, 12) n;
    ANALYZE;
  `);
  const rows = await database.query<RewriteColumn & { table: string }>(`
    SELECT relname AS "table", attname AS name, typname AS type, attnotnull AS "notNull"
    FROM   pg_attribute
    JOIN   pg_class ON pg_class.oid = attrelid
    JOIN   pg_type ON pg_type.oid = atttypid
    WHERE  relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
    ORDER  BY attnum`);
  const tables = Map.groupBy(rows, ({ table }) => table);
  catalog = { columns: ({ name }) => tables.get(name) };
});

afterAll(() => database[Symbol.asyncDispose]());

async function answer(text: string): Promise<string[]> {
  const rows = await database.query(text);
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

/** Runs every certain rewrite of a statement; answers how many there were. */
async function compared(text: string): Promise<string[]> {
  const { rewrites = [] } = rewritesOf(text, catalog);
  const certain = rewrites.filter(({ rewritten, provided }) => rewritten !== null && provided === null);
  if (certain.length === 0) return [];
  const expected = await answer(text);
  for (const { rule, rewritten } of certain) {
    expect({ rule, rewritten, rows: await answer(rewritten ?? '') }).toEqual({ rule, rewritten, rows: expected });
  }
  return certain.map(({ rule }) => rule);
}

const small = fc.integer({ min: -3, max: 9 });
const compare = fc.constantFrom('=', '<>', '<', '>', '<=', '>=');
const day = fc.constantFrom('2024-12-31', '2025-01-01', '2025-01-15', '2025-02-01', '2025-02-28');
const text = fc.constantFrom('a', 'b', 'a%', 'c');
const integerColumn = fc.constantFrom('customer_id', 'o.customer_id', 'o.id', '"Odd"', 'o."Odd"');
const within = (condition: string): string => `(SELECT count(*) FROM blocked b WHERE ${condition})`;

const condition = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'date(placed)',
        'o.placed::date',
        'CAST(placed AS date)',
        "date_trunc('day', placed)",
        'day::date',
      ),
      day,
    )
    .map(([of, on]) => `${of} = '${on}'`),
  fc.tuple(fc.constantFrom('month', 'year'), day).map(([unit, on]) => `date_trunc('${unit}', o.placed) = '${on}'`),
  fc
    .tuple(fc.constantFrom('placed', 'o.day'), fc.integer({ min: 2023, max: 2026 }))
    .map(([of, year]) => `extract(year FROM ${of}) = ${year}`),
  fc
    .tuple(integerColumn, fc.constantFrom('+', '-'), fc.nat(3), compare, small)
    .map(([of, sign, step, operator, value]) => `${of} ${sign} ${step} ${operator} ${value}`),
  fc.tuple(integerColumn, compare, small).map(([of, operator, value]) => `NOT (${of} ${operator} ${value})`),
  fc.tuple(small, compare, integerColumn).map(([value, operator, of]) => `NOT (${value} ${operator} ${of})`),
  fc.tuple(integerColumn, small, small).map(([of, otherwise, value]) => `coalesce(${of}, ${otherwise}) = ${value}`),
  fc.tuple(integerColumn, small, small, small).map(([of, a, b, c]) => `(${of} = ${a} OR ${of} = ${b} OR ${of} = ${c})`),
  fc.tuple(text, text).map(([a, b]) => `(note = '${a}' OR note = '${b}')`),
  fc.tuple(fc.constantFrom('LIKE', 'NOT LIKE'), text).map(([operator, value]) => `o.note ${operator} '${value}'`),
  fc
    .tuple(integerColumn, compare, fc.constantFrom('5', '-2', '0', '05'))
    .map(([of, operator, value]) => `${of}::text ${operator} '${value}'`),
  fc
    .tuple(integerColumn, compare, fc.constantFrom('5.0', '2.00', '3.5'))
    .map(([of, operator, value]) => `${of} ${operator} ${value}`),
  fc
    .tuple(integerColumn, fc.constantFrom('', " WHERE reason = 'r1'", " WHERE reason = 'r1' OR reason IS NULL"))
    .map(([of, where]) => `${of} NOT IN (SELECT customer FROM blocked${where})`),
  fc
    .tuple(
      fc.constantFrom('> 0', '= 0', '>= 1', '< 1', '<> 0', '> 1', '= 1'),
      fc.constantFrom('b.customer = o.customer_id', "reason = 'r2'", 'false'),
    )
    .map(([operator, where]) => `${within(where)} ${operator}`),
);

const conditions: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    condition,
    fc.tuple(tie('any'), fc.constantFrom('AND', 'OR'), tie('any')).map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('any').map((inner) => `NOT (${inner})`),
    fc.tuple(tie('any'), fc.constantFrom('IS TRUE', 'IS NOT TRUE')).map(([inner, truth]) => `(${inner}) ${truth}`),
  ),
})).any;

test('what is certain gives the same rows, NULLs and all', async () => {
  const used = new Set<string>();
  const frames = [
    (where: string) => `SELECT o.id FROM orders o WHERE ${where}`,
    (where: string) => `SELECT o.id, ${where} AS fits FROM orders AS o`,
    (where: string) =>
      `SELECT c.id, o.id FROM customers c LEFT JOIN orders o ON c.id = o.customer_id AND (${where}) WHERE c.limited = 1`,
    (where: string) =>
      `SELECT c.id, o.id FROM customers c LEFT JOIN orders o ON c.id = o.customer_id WHERE ${where} ORDER BY 1, 2`,
    (where: string) => `SELECT customer_id, count(*) FROM orders o WHERE ${where} GROUP BY customer_id`,
    (where: string) => `SELECT CASE WHEN ${where} THEN 1 ELSE 2 END AS x, o.id FROM orders o WHERE ${where}`,
  ];
  await fc.assert(
    fc.asyncProperty(conditions, fc.constantFrom(...frames), async (where, frame) => {
      for (const rule of await compared(frame(where))) used.add(rule);
    }),
    { numRuns: 400 },
  );
  expect([...used].toSorted()).toEqual([
    'cast-column',
    'coalesced-column',
    'column-arithmetic',
    'count-to-exist',
    'decimal-value',
    'negated-comparison',
    'not-in-subquery',
    'or-of-one-column',
    'period-of-column',
    'plain-like',
  ]);
});

test('queries as a whole', async () => {
  for (const [rule, statement] of [
    ['select-star', 'SELECT * FROM orders WHERE id < 5'],
    ['select-star', 'SELECT o.*, c.email FROM orders o JOIN customers c ON c.id = o.customer_id'],
    ['select-star', 'SELECT * FROM orders o JOIN blocked ON customer = o.id'],
    ['distinct-groups', 'SELECT DISTINCT note, count(*) FROM orders GROUP BY note'],
    ['distinct-groups', 'SELECT DISTINCT count(*), note, customer_id FROM orders GROUP BY 2, customer_id'],
    ['having-key', 'SELECT customer_id, sum(id) FROM orders GROUP BY customer_id HAVING customer_id > 3'],
    ['having-key', `SELECT note, count(*) FROM orders GROUP BY note HAVING coalesce(note, 'a') = 'a' ORDER BY 2`],
  ] as const) {
    expect(await compared(statement)).toContain(rule);
  }
});
