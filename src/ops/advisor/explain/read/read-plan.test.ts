import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { session } from '../../../../../test/support/catalog.ts';
import { sharedMajors, type TestDatabase, testDatabase } from '../../../../../test/support/postgres.ts';
import { findingsOf } from '../findings.ts';
import type { ExplainedPlan, PlanNode } from '../tree/types.ts';
import { looksLikePlan, readPlan } from './read-plan.ts';

const statements = [
  'SELECT * FROM orders WHERE customer_id = 7 AND note LIKE $$a, b%$$',
  'SELECT * FROM "Odd Name" AS "O" WHERE "Key, one" = 1 ORDER BY "Key, one" DESC, upper(other)',
  'SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id < 100 ORDER BY c.name LIMIT 5 OFFSET 2',
  'SELECT c.name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE id < 5',
  'SELECT * FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE id < 50)',
  'SELECT * FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.id < 10)',
  'SELECT * FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.id = 4',
  'WITH recent AS MATERIALIZED (SELECT * FROM orders WHERE id > 10) SELECT * FROM recent r JOIN recent s USING (id) WHERE r.id < 20',
  'WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t',
  'SELECT customer_id, count(*) FROM orders GROUP BY customer_id HAVING count(*) > 3',
  'SELECT state, customer_id, sum(id) FROM orders GROUP BY GROUPING SETS ((state), (customer_id), ())',
  'SELECT DISTINCT state FROM orders ORDER BY state',
  'SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY id) FROM orders WHERE id < 30',
  'SELECT id FROM orders INTERSECT SELECT id FROM customers',
  'SELECT id FROM orders EXCEPT ALL SELECT id FROM customers',
  'SELECT 1 UNION SELECT 2',
  'SELECT * FROM generate_series(1, 3) AS n, (VALUES (1), (2)) AS v (x)',
  'SELECT * FROM measurements WHERE day < 3',
  'SELECT * FROM orders WHERE id = ANY (ARRAY[1, 2, 3]) OR customer_id = 5',
  'SELECT * FROM orders TABLESAMPLE BERNOULLI (10) REPEATABLE (1) WHERE id > 5',
  `SELECT * FROM orders WHERE ctid = '(0,1)'`,
  'SELECT max(id), min(id) FROM orders',
  'SELECT * FROM orders o, LATERAL (SELECT * FROM customers c WHERE c.id = o.customer_id LIMIT 1) x WHERE o.id < 3',
  'SELECT * FROM orders WHERE id = (SELECT max(id) FROM customers)',
  'SELECT id FROM orders FOR UPDATE',
  'SELECT 1 WHERE false',
  `INSERT INTO customers (id, name) SELECT id + 10000, note FROM orders WHERE id < 3 ON CONFLICT (id) DO UPDATE SET name = 'x'`,
  `UPDATE orders SET note = 'y' WHERE id = 1 RETURNING id`,
  'DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE id < 3)',
  'MERGE INTO customers c USING orders o ON c.id = o.id WHEN MATCHED AND c.id < 0 THEN UPDATE SET name = o.note WHEN NOT MATCHED THEN DO NOTHING',
];

const compared = [
  'Rows Removed by Filter',
  'Rows Removed by Join Filter',
  'Rows Removed by Index Recheck',
  'Heap Fetches',
  'Exact Heap Blocks',
  'Workers Planned',
  'Workers Launched',
  'Hash Batches',
  'Cache Hits',
  'Cache Misses',
  'HashAgg Batches',
  'Index Searches',
];

/** A node with all that both forms tell, without what differs from run to run. */
function told(node: PlanNode): unknown {
  const { figure, text: _text, children, actual, buffers, schema: _schema, startupCost, totalCost, ...rest } = node;
  return {
    ...rest,
    costs: [startupCost, totalCost],
    // Where nothing was removed or fetched, the text has no line.
    figures: compared.map((name) => figure(name) ?? 0),
    run: actual && { loops: actual.loops, rows: actual.rows, timed: actual.ms !== null },
    // Where there is nothing to count, the text has no line.
    counted: buffers !== undefined && Object.values(buffers).some((blocks) => blocks > 0),
    children: children.map((child) => told(child)),
  };
}

describe.each(sharedMajors())('plans of PostgreSQL %i', (major) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase(major);
    await database.query(`
      CREATE TABLE customers (id int PRIMARY KEY, name text);
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int, state text, note text);
      CREATE TABLE "Odd Name" ("Key, one" int, other text);
      CREATE TABLE measurements (day int, value int) PARTITION BY RANGE (day);
      CREATE TABLE measurements_1 PARTITION OF measurements FOR VALUES FROM (1) TO (2);
      CREATE TABLE measurements_2 PARTITION OF measurements FOR VALUES FROM (2) TO (3);
      CREATE TABLE measurements_3 PARTITION OF measurements FOR VALUES FROM (3) TO (4);
      INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 500) n;
      INSERT INTO orders SELECT n, n % 500, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END, repeat('x', 50) FROM generate_series(1, 5000) n;
      INSERT INTO measurements SELECT 1 + n % 3, n FROM generate_series(1, 300) n;
      CREATE INDEX ON orders (customer_id);
      ANALYZE;
      SET jit = off;
      SET max_parallel_workers_per_gather = 2;
      SET parallel_setup_cost = 0;
      SET parallel_tuple_cost = 0;
      SET min_parallel_table_scan_size = 0;
      BEGIN;
    `);
  });

  afterAll(() => database[Symbol.asyncDispose]());

  async function text(options: string, statement: string): Promise<string> {
    const rows = await database.query<{ 'QUERY PLAN': string }>(`EXPLAIN (${options}) ${statement}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }

  async function json(options: string, statement: string): Promise<unknown> {
    const [row] = await database.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (${options}, FORMAT JSON) ${statement}`);
    return row?.['QUERY PLAN'];
  }

  it.each(statements)('text says what JSON says: %s', async (statement) => {
    // The workers that come differ from run to run.
    const anew = 'ROLLBACK TO SAVEPOINT explained; SET LOCAL max_parallel_workers = 0';
    await database.query('SAVEPOINT explained');
    for (const options of ['COSTS', 'COSTS OFF', 'VERBOSE', 'ANALYZE, BUFFERS, SETTINGS, WAL', 'ANALYZE, TIMING OFF']) {
      await database.query(anew);
      const read = readPlan(await text(options, statement)).plan;
      await database.query(anew);
      const known = readPlan(JSON.stringify(await json(options, statement))).plan;
      expect(told(read.root), options).toEqual(told(known.root));
      expect(read.executed).toBe(options.startsWith('ANALYZE'));
      expect(read.settings).toEqual(known.settings);
    }
    await database.query('ROLLBACK TO SAVEPOINT explained');
  });

  it('reads the figures behind the lines', async () => {
    const spilled = `SELECT * FROM orders a JOIN orders b ON a.note = b.note AND a.id = b.customer_id ORDER BY a.note, b.id`;
    await database.query(
      `SET LOCAL work_mem = '64kB'; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_mergejoin = off`,
    );
    const { plan } = readPlan(await text('ANALYZE, BUFFERS', spilled));
    const known = readPlan(JSON.stringify(await json('ANALYZE, BUFFERS', spilled))).plan;
    const figures = [
      'Sort Space Used',
      'Hash Batches',
      'Original Hash Batches',
      'Peak Memory Usage',
      'Rows Removed by Filter',
    ];
    expect(plan.nodes.map((node) => figures.map((name) => node.figure(name) ?? 0))).toEqual(
      known.nodes.map((node) => figures.map((name) => node.figure(name) ?? 0)),
    );
    expect(plan.nodes.map((node) => node.text('Sort Space Type'))).toContain('Disk');
    expect(plan.nodes.map((node) => plan.own(node).buffers?.tempWritten)).toEqual(
      known.nodes.map((node) => known.own(node).buffers?.tempWritten),
    );
    expect(plan.executionMs).toBeGreaterThan(0);
    expect(plan.planningMs).toBeGreaterThan(0);
  });

  it('reads triggers and JIT', async () => {
    await database.query(`
      CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (parent_id int CONSTRAINT of_parent REFERENCES parent);
      INSERT INTO parent SELECT generate_series(1, 50);
      SET LOCAL jit = on; SET LOCAL jit_above_cost = 0;
    `);
    const { plan } = readPlan(await text('ANALYZE', 'DELETE FROM parent WHERE id < 40'));
    expect(plan.triggers).toMatchObject([{ constraint: 'of_parent', calls: 39 }]);
    const known = readPlan(JSON.stringify(await json('ANALYZE', 'DELETE FROM parent WHERE id >= 40'))).plan;
    expect(plan.jit === undefined).toBe(known.jit === undefined);
    await database.query('SET LOCAL jit = off');
  });

  it.each(['text', 'json'])('reads what auto_explain logs as %s', async (format) => {
    await using client = await session(database.url);
    const logged: string[] = [];
    client.on('notice', ({ message }) => void logged.push(message ?? ''));
    await client.query(`
      CREATE TEMP TABLE notes AS SELECT n AS id, 'x' AS note FROM generate_series(1, 50) n;
      LOAD 'auto_explain';
      SET auto_explain.log_min_duration = 0;
      SET auto_explain.log_analyze = on;
      SET auto_explain.log_buffers = on;
      SET auto_explain.log_format = ${format};
      SET client_min_messages = log;
    `);
    const statement = `SELECT count(*)\n  FROM notes WHERE note > 'a: b' AND id > $1`;
    await client.query(statement, [40]);
    const { plan } = readPlan(
      `2026-05-12 14:02:11 UTC [7] LOG:  ${logged.find((line) => line.includes('count(*)')) ?? ''}`,
    );
    expect(plan.queryText?.replaceAll(/\s+/g, ' ')).toBe(statement.replaceAll(/\s+/g, ' '));
    expect(plan.executed).toBe(true);
    expect(plan.nodes.at(-1)).toMatchObject({ relation: 'notes', filter: expect.stringContaining("'a: b'") });
    expect(plan.nodes.some(({ buffers }) => buffers !== undefined)).toBe(true);
  });

  it('gives each node what it took by itself, and no more than the whole', async () => {
    const statement = `WITH c AS MATERIALIZED (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1)
      SELECT * FROM c JOIN customers ON id = customer_id WHERE n > (SELECT avg(n) FROM c)`;
    for (const options of ['COSTS', 'ANALYZE, BUFFERS']) {
      const { plan } = readPlan(await text(options, statement));
      const shares = plan.nodes.map((node) => plan.own(node).share ?? -1);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
      const sum = shares.reduce((total, share) => total + share, 0);
      expect(sum).toBeGreaterThan(0.7);
      expect(sum).toBeLessThan(1.35);
    }
  });
});

describe('pasted plans', () => {
  const plain = [
    'Limit  (cost=0.29..8.30 rows=1 width=4) (actual time=0.010..0.011 rows=1 loops=1)',
    '  ->  Index Scan using "Odd idx" on shop.orders o  (cost=0.29..8.30 rows=1 width=4) (actual time=0.009..0.009 rows=1 loops=1)',
    '        Index Cond: (id = 7)',
    '        Buffers: shared hit=3',
    'Planning Time: 0.100 ms',
    'Execution Time: 0.030 ms',
  ];
  const width = Math.max(...plain.map(({ length }) => length));

  it.each([
    ['psql', [' QUERY PLAN ', '-'.repeat(width), ...plain.map((line) => ` ${line}`), '(6 rows)', '', 'Time: 1.234 ms']],
    ['psql in a cell', plain.map((line, index) => ` ${line.padEnd(width)}${index < 5 ? ' +' : ''}`)],
    ['a frame', ['+----+', '| QUERY PLAN |', '+----+', ...plain.map((line) => `| ${line.padEnd(width)} |`), '+----+']],
    ['pgAdmin', plain.map((line) => `"${line.replaceAll('"', '""')}"`)],
    ['a mail', plain.map((line) => `> ${line}`)],
    ['markdown', ['```sql', ...plain, '```']],
    ['Windows', plain.map((line) => `${line}\r`)],
    [
      'auto_explain',
      [
        '2026-05-12 14:02:11.123 UTC [77] app@shop LOG:  duration: 0.031 ms  plan:',
        '\tQuery Text: SELECT id FROM orders o',
        '\t  WHERE id = 7 LIMIT 1',
        ...plain.slice(0, 4).map((line) => `\t${line}`),
      ],
    ],
    ['wrapped lines', plain.flatMap((line) => line.split(/(?<=cost=0\.29\.\.8\.30) /))],
  ])('are read with %s around', (_name, lines) => {
    const { plan } = readPlan(lines.join('\n'));
    expect(plan.nodes.map(({ label, indexCond }) => [label, indexCond])).toEqual([
      ['Limit', undefined],
      ['Index Scan using Odd idx on orders o', '(id = 7)'],
    ]);
    expect(plan.nodes[1]).toMatchObject({ schema: 'shop', alias: 'o', rows: 1, buffers: { sharedHit: 3 } });
    expect(plan.executed).toBe(true);
    expect(looksLikePlan(lines.join('\n'))).toBe(true);
  });

  it('auto_explain tells the statement', () => {
    const text = [
      'LOG:  duration: 1 ms  plan:',
      '\tQuery Text: SELECT 1',
      '\t  FROM a',
      '\tSeq Scan on a  (cost=0.00..1.00 rows=1 width=4)',
    ];
    expect(readPlan(text.join('\n')).plan.queryText).toBe('SELECT 1\n          FROM a');
    const json = `LOG:  duration: 1 ms  plan:\n\t{\n\t  "Query Text": "SELECT 1",\n\t  "Plan": { "Node Type": "Result", "Total Cost": 0.01 }\n\t}`;
    expect(readPlan(json).plan).toMatchObject({ queryText: 'SELECT 1', root: { type: 'Result', totalCost: 0.01 } });
  });

  it('JSON is read as psql shows it', () => {
    const document = JSON.stringify([{ Plan: { 'Node Type': 'Seq Scan', 'Relation Name': 'a', Alias: 'a' } }], null, 2);
    const lines = document.split('\n');
    const framed = [
      '   QUERY PLAN',
      '----------',
      ...lines.map((line, index) => ` ${line.padEnd(40)}${index < lines.length - 1 ? '+' : ''}`),
      '(1 row)',
    ];
    expect(readPlan(framed.join('\n')).plan.root.label).toBe('Seq Scan on a');
    expect(readPlan(JSON.stringify([{ 'QUERY PLAN': JSON.parse(document) }])).plan.root.label).toBe('Seq Scan on a');
  });

  it('other formats are refused by name, and what is no plan too', () => {
    expect(() => readPlan('- Plan:\n    Node Type: "Seq Scan"')).toThrow(/YAML/);
    expect(() =>
      readPlan('<explain xmlns="x"><Query><Plan><Node-Type>Seq Scan</Node-Type></Plan></Query></explain>'),
    ).toThrow(/XML/);
    for (const text of ['', 'SELECT 1', '[1, 2]', '{"Plan": 1}', '\0', '->', '{"Plan": {"Node Type": "x"']) {
      expect(() => readPlan(text), text).toThrow(/no plan/);
    }
    expect(looksLikePlan('SELECT * FROM plans')).toBe(false);
    expect(looksLikePlan("SELECT 'Seq Scan on a  (cost=0'")).toBe(false);
  });

  it('hostile texts take no longer than others', () => {
    const long = 400_000;
    const scan = 'Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)';
    for (const text of [
      `|${' '.repeat(long)}x`,
      `"${'"'.repeat(long)}x`,
      `"a"${' '.repeat(long)}x"`,
      `${scan}\n  Filter: ${'('.repeat(long)}`,
      `${scan}\n  Filter: ${'(a = 1) AND '.repeat(long / 12)}`,
      `${scan}\n  Buckets: ${'A'.repeat(long)}`,
      `${scan}\n  Buffers: ${'a'.repeat(long)}`,
      `${scan}\n  WAL: ${'a '.repeat(long / 2)}`,
      `${scan}\nSettings: ${'a'.repeat(long)}`,
      `Seq Scan on a${' '.repeat(long)}(x`,
      '\n'.repeat(long),
      '+\n'.repeat(long / 2),
      '> '.repeat(long / 2),
      '[ '.repeat(long / 2),
      `{"Plan": ${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`,
      Array.from({ length: 4000 }, (_, depth) => `${' '.repeat(depth)}->  ${scan}`)
        .join('\n')
        .slice(0, long),
      `${scan}\n${Array.from({ length: 6000 }, (_, n) => `  InitPlan ${n}\n    ->  Result`).join('\n')}`,
    ]) {
      const plan = attempt(text);
      expect(plan === undefined || findingsOf(plan).length <= 50).toBe(true);
      looksLikePlan(text);
    }
  });
});

function attempt(text: string): ExplainedPlan | undefined {
  try {
    return readPlan(text).plan;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^E_(BAD_REQUEST|UNSUPPORTED)$/) });
    return undefined;
  }
}

it('a plan that is nested without end is refused', () => {
  const nested = (levels: number): string =>
    `[{"Plan": ${'{"Node Type": "Limit", "Plans": ['.repeat(levels)}{"Node Type": "Result"}${']}'.repeat(levels)}}]`;
  expect(readPlan(nested(900)).plan.nodes).toHaveLength(901);
  expect(() => readPlan(nested(20_000))).toThrowError(
    expect.objectContaining({ code: 'E_BAD_REQUEST', detail: 'It is nested deeper than 1000 nodes.' }),
  );
});
