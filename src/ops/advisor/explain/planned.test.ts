import { sharedMajors, type TestDatabase, testDatabase } from '../../../../test/support/postgres.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlanContext, type PlanFinding, planFindings } from './index.ts';

const context: PlanContext = {
  workMemBytes: 64 * 1024,
  tables: [
    { schema: 'public', name: 'orders', estimatedRows: 50_000, liveRows: 50_000 },
    { schema: 'public', name: 'customers', estimatedRows: 2000, liveRows: 2000 },
  ],
};

describe.each(sharedMajors())('findings in plans of PostgreSQL %i', (major) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase(major);
    await database.query(`
      CREATE TABLE customers (id int PRIMARY KEY, name text);
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int, state text, note text);
      INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 2000) n;
      INSERT INTO orders
        SELECT n, n % 2000, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END, repeat('x', 50) FROM generate_series(1, 50000) n;
      CREATE FUNCTION recent() RETURNS SETOF int LANGUAGE sql STABLE STRICT SECURITY DEFINER AS 'SELECT 1';
      ANALYZE customers;
      ANALYZE orders;
      SET max_parallel_workers_per_gather = 0;
      SET jit = off;
    `);
  });

  afterAll(() => database[Symbol.asyncDispose]());

  async function findings(statement: string, known: PlanContext = context): Promise<PlanFinding[]> {
    const [row] = await database.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${statement}`);
    return planFindings(row?.['QUERY PLAN'], known);
  }

  const messages = (found: PlanFinding[]): string[] => found.map(({ message }) => message);

  it('sees a large table read whole for few rows', async () => {
    const [found] = await findings('SELECT * FROM orders WHERE customer_id = 7');
    expect(found).toMatchObject({ severity: 'warning', node: 'Seq Scan on orders' });
    expect(found?.message).toMatch(/^Reads all 50,000 rows of orders to keep about \d+: \(customer_id = 7\)$/);
    expect(await findings('SELECT * FROM orders WHERE customer_id = 7', {})).toMatchObject([
      { message: expect.stringMatching(/^Reads the whole of orders to keep about \d+/) },
    ]);
  });

  it('finds nothing in what is well', async () => {
    for (const statement of [
      'SELECT * FROM orders WHERE id = 7',
      'SELECT * FROM orders',
      "SELECT * FROM orders WHERE state = 'done'",
      "SELECT * FROM customers WHERE name = 'x'",
      'SELECT * FROM orders ORDER BY id LIMIT 10',
      'SELECT * FROM orders ORDER BY note LIMIT 10000',
      'SELECT c.name, n FROM customers c, generate_series(1, 3) n WHERE c.id = n',
      'SELECT * FROM orders WHERE customer_id NOT IN (SELECT id FROM customers WHERE id < 100)',
    ]) {
      expect({
        statement,
        found: messages(await findings(statement)).filter((text) => !text.includes('disk')),
      }).toEqual({ statement, found: [] });
    }
  });

  it('sees sorts and hashes that go to disk', async () => {
    expect(messages(await findings('SELECT * FROM orders ORDER BY note'))).toEqual([
      expect.stringMatching(
        /^Sorts about 50,000 rows of \d+ bytes \(.* MB\), more than the 64 kB it may use: it will go to disk$/,
      ),
    ]);
    expect(await findings('SELECT * FROM orders ORDER BY note', {})).toEqual([]);
    await database.query('SET enable_mergejoin = off');
    const found = await findings('SELECT * FROM orders a JOIN orders b ON a.customer_id = b.id + 0');
    await database.query('RESET enable_mergejoin');
    expect(messages(found)).toEqual([expect.stringMatching(/^Hashes about 50,000 rows of .* more than the 128 kB/)]);
  });

  it('sees joins without a condition', async () => {
    const found = await findings('SELECT * FROM orders, customers');
    expect(found[0]).toMatchObject({ severity: 'warning', node: 'Nested Loop' });
    expect(found[0]?.message).toMatch(/joined with every row of the other: about 50,000 × 2,000 rows/);
  });

  it('sees subqueries that run for every row', async () => {
    const found = await findings(
      'SELECT c.name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c',
    );
    expect(messages(found)).toContain('A subquery runs once for each row of the result, at least about 2,000 times');
  });

  it('sees an OFFSET by what it costs', async () => {
    const [found, ...others] = await findings('SELECT * FROM orders ORDER BY id LIMIT 10 OFFSET 30000');
    expect(found).toMatchObject({ severity: 'warning', node: 'Limit' });
    expect(found?.message).toMatch(
      /^Produces about (29,[89]|30,[01])00 rows only to skip them|^Produces about 30,000 rows/,
    );
    expect(others).toEqual([]);
    expect(await findings('SELECT * FROM orders ORDER BY id LIMIT 10 OFFSET 100')).toEqual([]);
  });

  it('sees an index that finds far more than is kept', async () => {
    await database.query(`
      CREATE TABLE events (day int, kind text);
      INSERT INTO events SELECT n % 4, 'kind ' || n % 5000 FROM generate_series(1, 80000) n;
      CREATE INDEX ON events (day);
      ANALYZE events;
      SET enable_seqscan = off;
      SET enable_indexscan = off;
    `);
    const found = await findings("SELECT * FROM events WHERE day = 1 AND kind = 'kind 77'");
    await database.query('RESET enable_seqscan; RESET enable_indexscan; DROP TABLE events');
    expect(messages(found)).toEqual([
      expect.stringMatching(/^The index finds about (19|20),\d00 rows, of which about \d+ are kept/),
    ]);
  });

  it('sees a table that a nested loop reads again and again', async () => {
    await database.query('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off');
    const found = await findings(
      'SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id * 2 AND o.note = c.name',
    );
    await database.query('RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material');
    expect(messages(found)).toContainEqual(
      expect.stringMatching(/^Reads the whole of (orders|customers) again for each of about/),
    );
  });

  it('sees a sort that an index would spare', async () => {
    expect(await findings("SELECT * FROM orders WHERE state = 'done' ORDER BY note LIMIT 10")).toMatchObject([
      {
        rule: 'sort-for-limit',
        node: 'Limit',
        nodeId: 0,
        message: expect.stringMatching(/^Sorts about 49,\d00 rows to return the first 10$/),
        advice: 'An index on orders (state, note) gives them in this order, without a sort.',
      },
    ]);
  });

  it('says that rows of a function are guessed', async () => {
    expect(await findings('SELECT * FROM recent()')).toMatchObject([
      { severity: 'info', node: 'Function Scan on recent', message: expect.stringContaining('1,000 rows') },
    ]);
  });
});

describe('planFindings', () => {
  it('finds nothing in what is no plan', () => {
    for (const value of [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      [{ Plan: 1 }],
      [{ Plan: {} }],
      [{ Plan: { Plans: [1, null, {}] } }],
    ]) {
      expect(planFindings(value, context)).toEqual([]);
    }
  });
});
