import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query(`
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed timestamp, note text);
    INSERT INTO orders SELECT n, n % 2000, timestamp '2026-01-01' + n * interval '1 minute', repeat('x', 50) FROM generate_series(1, 50000) n;
    ANALYZE orders;
  `);
});

afterAll(() => database[Symbol.asyncDispose]());

interface Document {
  executed: boolean;
  findings: { rule: string; nodeId: number }[];
  rewrites: { rule: string; rewritten: string | null }[];
  nodes: { label: string; parent: number | null; own: { share: number } }[];
}

const onDatabase = (...args: string[]) => pitcrew(['explain', '--database', database.url, ...args]);

test('a statement is planned, its plan shown as a tree and read', async () => {
  const statement = "SELECT id, note FROM orders WHERE customer_id = 7 AND date(placed) = '2026-01-05' ORDER BY note";
  const { code, stdout } = await onDatabase('--no-indexes', statement);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Planned, not run · cost /);
  expect(stdout).toMatch(/ {2}└ Seq Scan on orders {2}\[1\]$/m);
  expect(stdout).toMatch(/Reads all 50,000 rows of orders to keep about 1/);
  expect(stdout).toContain('An index on orders (customer_id');
  expect(stdout).toMatch(
    /The same result:\n +SELECT id, note FROM orders WHERE customer_id = 7 AND \(placed >= DATE '2026-01-05'/,
  );
  expect(stdout.split('\n').filter((line) => line.length > 100 && !line.includes('SELECT'))).toEqual([]);

  const json = await onDatabase('--json', '--no-indexes', statement);
  const found = JSON.parse(json.stdout) as Document;
  expect(found).toMatchObject({ executed: false, findings: [{ rule: 'filtered-scan', nodeId: 1 }] });
  expect(found.nodes.map(({ parent }) => parent)).toEqual([null, 0]);
  expect(json.code).toBe(1);
  expect((await onDatabase('SELECT note FROM orders WHERE id = 7')).code).toBe(0);
});

test('a query is run with --analyze and consent only, and only when it certainly changes nothing', async () => {
  const query = 'SELECT customer_id, count(*) FROM orders GROUP BY customer_id';
  const { stdout, code } = await onDatabase('--analyze', '--yes', '--json', query);
  expect(JSON.parse(stdout)).toMatchObject({ executed: true, executionMs: expect.any(Number), findings: [] });
  expect(code).toBe(0);
  expect(await onDatabase('--analyze', query)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  for (const [text, expected] of [
    ['DELETE FROM orders', 4],
    ['WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone', 4],
    ['SELECT pg_terminate_backend(pid) FROM pg_stat_activity', 4],
    ['SELECT id FROM orders FOR UPDATE', 4],
    ['SELECT id FROM orders; DROP TABLE orders', 4],
    ['SELECT id FROM orders WHERE id = $1', 2],
  ] as const) {
    expect({ text, code: (await onDatabase('--analyze', '--yes', text)).code }).toEqual({ text, code: expected });
  }
  const slow = await onDatabase('--analyze', '--yes', '--timeout', '0.2', 'SELECT count(*) FROM orders a, orders b');
  expect(slow).toMatchObject({ code: 3, stderr: expect.stringContaining('timeout') });
  expect(await database.query('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 50_000 }]);
});

test('what the server refuses ends otherwise than a warning', async () => {
  expect(await onDatabase('SELECT nothing FROM orders')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('(E_QUERY)'),
  });
  const { code, stdout } = await onDatabase('--json', 'SELECT id FROM missing');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_QUERY', sqlState: '42P01' } });
  expect((await onDatabase('VACUUM orders')).code).toBe(2);
});

test('a statement of pg_stat_statements is planned by its id', async () => {
  const query = 'SELECT note FROM orders WHERE note = (SELECT max(note) FROM orders WHERE customer_id > 5)';
  await database.query(query);
  const [row] = await database.query<{ id: string }>(
    `SELECT queryid::text AS id FROM pg_stat_statements WHERE query LIKE 'SELECT note FROM orders WHERE note = (SELECT max%'`,
  );
  const { stdout } = await onDatabase('--json', '--queryid', row?.id ?? '');
  expect(JSON.parse(stdout)).toMatchObject({ query: expect.stringContaining('customer_id > $1'), generic: true });
  expect(await onDatabase('--queryid', '1')).toMatchObject({ code: 2, stderr: expect.stringContaining('query id 1') });
});

test('a plan from a file is read without a database', async () => {
  const folder = testFolder();
  const plan = [
    '                              QUERY PLAN',
    '-----------------------------------------------------------------------',
    ' Sort  (cost=100.00..105.00 rows=5 width=40) (actual time=900.100..950.000 rows=200000 loops=1)',
    '   Sort Key: note',
    '   Sort Method: external merge  Disk: 20480kB',
    '   ->  Seq Scan on orders  (cost=0.00..90.00 rows=5 width=40) (actual time=0.010..400.000 rows=200000 loops=1)',
    '         Filter: (state = $1)',
    ' Planning Time: 0.100 ms',
    ' Execution Time: 960.000 ms',
    '(7 rows)',
  ].join('\n');
  const file = join(folder, 'plan.txt');
  writeFileSync(file, plan);
  const { code, stdout } = await pitcrew(['explain', '--file', file], { cwd: folder });
  expect(code).toBe(1);
  expect(stdout).toContain('The sort went to disk with 20 MB');
  expect(stdout).toContain("work_mem = '64MB'");
  expect(stdout).toMatch(/5 rows were expected and 200,000 came: 40,000 times as many/);
  expect(stdout).toMatch(/42\.1 % +400 ms +5 +200k +1 {2}└ Seq Scan on orders {2}\[\d\]/);
  writeFileSync(file, 'SELECT 1 + 1');
  expect(await onDatabase('--file', file)).toMatchObject({ code: 0 });
  expect(await pitcrew(['explain', '--file', file])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no database'),
  });
});

test.each([
  [['explain'], 'nothing to explain'],
  [['explain', 'SELECT 1', '--queryid', '7'], 'more than one thing'],
  [['explain', '--queryid', 'x'], 'must be a number'],
  [['explain', '--file', '/nowhere/plan'], 'cannot be read'],
  [['explain', '--', '- Plan:\n    Node Type: "Seq Scan"'], 'YAML'],
])('%j is refused', async (args, reason) => {
  expect(await pitcrew(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) });
});
