import { expect, test } from 'vitest';
import { calibrate, createIndexStatement, type HypotheticalIndex, planShape } from '../../src/ops/whatif/index.ts';
import { testDatabase, type TestDatabase, testedMajors } from '../support/postgres.ts';
import { trapSchema, trapStatements } from '../support/twin-schema.ts';
import { hypothetical, twinOf } from '../support/whatif.ts';

async function trapDatabase(major: number): Promise<TestDatabase> {
  const database = await testDatabase(major);
  for (const sql of trapSchema(major)) await database.query(sql);
  return database;
}

const statements = trapStatements.map((text, index) => ({ id: String(index), text }));

test('a twin plans as PostgreSQL 18 itself does, whatever the schema', async () => {
  await using database = await trapDatabase(18);
  await using made = await twinOf(database.url);
  expect(made.twin.gaps).toEqual([]);
  const calibration = await calibrate({ ...made, whatIf: made.twin, statements });
  expect(calibration.leftOut).toEqual([]);
  expect(calibration.statements.filter(({ sameShape }) => !sameShape)).toEqual([]);
  // What PostgreSQL keeps on the first page of a GIN index cannot be known; all else is equal to the last digit.
  const apart = calibration.statements.filter(({ difference }) => difference > 0);
  for (const { id, difference } of apart) {
    expect(trapStatements[Number(id)]).toMatch(/tags @>|data @>|doc @@|LIKE '%/);
    expect(difference).toBeLessThan(0.01);
  }
});

test.runIf(testedMajors(15).length > 0)('a twin of PostgreSQL 15 says that it plans as 18 does', async () => {
  await using database = await trapDatabase(15);
  await using made = await twinOf(database.url);
  expect(made.twin.gaps.map(({ subject }) => subject)).toEqual(['planner of PostgreSQL 15']);
  const calibration = await calibrate({ ...made, whatIf: made.twin, statements });
  expect(calibration.leftOut).toEqual([]);
  expect(calibration.median).toBe(0);
  // Which ones, rather than how many, when it fails.
  const apart = calibration.statements.filter(({ difference }) => difference > 0.05);
  const costs = apart.map(({ id, ...cost }) => ({ ...cost, text: trapStatements[Number(id)] }));
  expect(costs.length, JSON.stringify(costs, undefined, 2)).toBeLessThanOrEqual(2);
  expect(calibration.sameShape).toBeGreaterThan(0.95);
});

const wished: { index: HypotheticalIndex; text: string }[] = [
  { index: hypothetical('w1', 'orders', ['customer']), text: `SELECT * FROM orders WHERE customer = 77` },
  {
    index: hypothetical('w2', 'orders', ['at']),
    text: `SELECT * FROM orders WHERE at BETWEEN '2024-03-01' AND '2024-03-02'`,
  },
  {
    index: hypothetical('w3', 'orders', ['at'], { where: `status = 'open'` }),
    text: `SELECT * FROM orders WHERE status = 'open' ORDER BY at LIMIT 20`,
  },
  {
    index: hypothetical('w4', 'orders', ['status', 'at'], {
      keys: [{ expression: 'status' }, { expression: 'at', descending: true, nulls: 'last' }],
    }),
    text: `SELECT * FROM orders WHERE status = 'open' ORDER BY at DESC NULLS LAST LIMIT 5`,
  },
  {
    index: hypothetical('w5', 'orders', ['customer'], { include: ['total'] }),
    text: `SELECT sum(total) FROM orders WHERE customer = 5`,
  },
  { index: hypothetical('w6', 'orders', ['total']), text: `SELECT * FROM orders WHERE total = 12.5` },
  {
    index: hypothetical('w7', 'customers', ['name'], {
      keys: [{ expression: 'name', operatorClass: 'text_pattern_ops' }],
    }),
    text: `SELECT * FROM customers WHERE name LIKE 'name 77%'`,
  },
  {
    index: hypothetical('w8', 'orders', ['customer'], { method: 'hash' }),
    text: `SELECT * FROM orders WHERE customer = 78`,
  },
  {
    index: hypothetical('w9', 'orders', ['at'], { method: 'brin' }),
    text: `SELECT count(*) FROM orders WHERE at BETWEEN '2024-02-01' AND '2024-03-01'`,
  },
  {
    index: hypothetical('w10', 'events', ['kind']),
    text: `SELECT * FROM events WHERE kind = 77 AND day >= '2025-01-01'`,
  },
  {
    index: hypothetical('w11', 'orders', ['status']),
    text: `SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer = c.id WHERE o.status = 'open'`,
  },
];

async function shop(): Promise<TestDatabase> {
  const database = await testDatabase(18);
  await database.query(`
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric, status text, at timestamptz);
    CREATE TABLE events (day date NOT NULL, kind int) PARTITION BY RANGE (day);
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO customers SELECT i, 'name ' || i FROM generate_series(1, 5000) i;
    INSERT INTO orders SELECT i, 1 + i * 7 % 5000, i % 9000 / 2.0, CASE WHEN i % 50 = 0 THEN 'open' ELSE 'done' END,
                              timestamptz '2024-01-01' + i * interval '2 minutes' FROM generate_series(1, 100000) i;
    INSERT INTO events SELECT date '2024-01-01' + i % 700, i % 900 FROM generate_series(1, 50000) i;
    CREATE INDEX orders_total ON orders (total);
  `);
  await database.query('VACUUM ANALYZE');
  return database;
}

async function realPlan(database: TestDatabase, text: string): Promise<{ cost: number; plan: unknown }> {
  const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `EXPLAIN (FORMAT JSON, VERBOSE) ${text}`,
  );
  const plan = row?.['QUERY PLAN'][0];
  return { cost: plan?.Plan['Total Cost'] ?? Number.NaN, plan };
}

test('an index that does not exist is planned with as if it did', async () => {
  await using database = await shop();
  // Of two that are alike the planner may take either.
  await database.query('DROP INDEX orders_total');
  await using made = await twinOf(database.url);
  const { twin } = made;
  const before = await twin.plan({ text: `SELECT * FROM orders WHERE customer = 77` });
  for (const { index, text } of wished) {
    const planned = await twin.plan({ text }, { add: [index] });
    await database.query(createIndexStatement(index, { name: index.id }));
    const real = await realPlan(database, text);
    await database.query(`DROP INDEX ${index.id}`);
    expect([text, planned.uses]).toEqual([text, index.table === 'events' ? ['w10'] : [index.id]]);
    const nameless = (plan: unknown): string => planShape(plan).replaceAll(/events_2025_kind_idx\w*/g, 'part');
    expect(nameless(planned.plan)).toBe(nameless(real.plan));
    expect(Math.abs(planned.cost / real.cost - 1), text).toBeLessThan(0.02);
  }
  // The next plan knows nothing of it.
  expect(await twin.plan({ text: `SELECT * FROM orders WHERE customer = 77` })).toEqual(before);
});

test('an index that is hidden is planned without as if it were dropped', async () => {
  await using database = await shop();
  await using made = await twinOf(database.url);
  for (const [text, name, dropped] of [
    [`SELECT * FROM orders WHERE total = 12.5`, 'orders_total', 'DROP INDEX orders_total'],
    [
      `SELECT * FROM customers WHERE id = 5`,
      'customers_pkey',
      'ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE',
    ],
  ] as const) {
    const before = await made.twin.plan({ text });
    expect(before.usesExisting).toEqual([{ schema: 'public', name }]);
    const without = await made.twin.plan({ text }, { hide: [{ schema: 'public', name }] });
    expect(without.usesExisting).toEqual([]);
    await database.query(dropped);
    const real = await realPlan(database, text);
    expect(without.cost).toBe(real.cost);
    expect(planShape(without.plan)).toBe(planShape(real.plan));
    expect(await made.twin.plan({ text })).toEqual(before);
  }
});

test('statements are planned with values, without, and as pg_stat_statements shows them', async () => {
  await using database = await shop();
  await using made = await twinOf(database.url);
  const { twin } = made;
  const text = `SELECT * FROM orders WHERE status = $1`;
  const [rare, often, generic] = [
    await twin.plan({ text, parameters: ['open'] }),
    await twin.plan({ text, parameters: ['done'] }),
    await twin.plan({ text }),
  ];
  expect(rare.cost).toBe((await realPlan(database, `SELECT * FROM orders WHERE status = 'open'`)).cost);
  expect(often.cost).toBe((await realPlan(database, `SELECT * FROM orders WHERE status = 'done'`)).cost);
  const rows = (plan: unknown): unknown => JSON.parse(JSON.stringify(plan)).Plan['Plan Rows'];
  expect(rows(rare.plan)).toBeLessThan(Number(rows(generic.plan)));
  expect(rows(generic.plan)).toBeLessThan(Number(rows(often.plan)));
  await twin.plan({ text: `SELECT * FROM orders WHERE at > now() - INTERVAL $1` });
  await twin.plan({ text: `SELECT $1::text IS NULL`, parameters: [null] });
  await twin.plan({ text: `SELECT * FROM orders WHERE status = $1`, parameters: [`it's \\ "x"`] });
  await twin.plan({ text: `SELECT * FROM customers`, searchPath: 'public, pg_catalog' });
  await expect(twin.plan({ text: `SELECT * FROM customers`, searchPath: 'elsewhere' })).rejects.toMatchObject({
    code: 'E_QUERY',
    sqlState: '42P01',
  });
});
