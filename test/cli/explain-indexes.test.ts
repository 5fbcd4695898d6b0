import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runStatements } from '../support/answers.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { noHypopg, startHypopgServer } from '../support/debian-postgres.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scratchReplica, scratchServer, type TestDatabase, testDatabase } from '../support/postgres.ts';

const orders = [
  'CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed timestamp, note text)',
  `INSERT INTO orders SELECT n, n % 2000, timestamp '2026-01-01' + n * interval '1 minute', repeat('x', 50) FROM generate_series(1, 50000) n`,
  // Without VACUUM no page is known to be visible to all: reading an index alone saves nothing.
  'ANALYZE orders',
];

const missing = noHypopg();
if (missing) process.stderr.write(`Not tested here: explain with HypoPG. ${missing}\n`);

let database: TestDatabase;
const folder = temporaryFolder();
const dataDir = folder.path;

beforeAll(async () => {
  database = await testDatabase();
  for (const text of orders) await database.query(text);
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Document {
  indexes: object | null;
  rewrites: object[];
}

const args = (...more: string[]): string[] => ['explain', '--database', database.url, '--data-dir', dataDir, ...more];
const explain = (...more: string[]) => pitcrew(args(...more));
const documentOf = async (...more: string[]): Promise<Document> =>
  JSON.parse((await explain('--json', '--quiet', ...more)).stdout) as Document;

const byCustomer = 'SELECT note FROM orders WHERE customer_id = 7';
const create = 'CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id)';

test('where a finding calls for an index, those that help are proposed, with what they bring', async () => {
  const { code, stdout, stderr } = await explain(byCustomer);
  expect(stdout).toContain(`Indexes\n    ${create};\n      about `);
  expect(stdout).toMatch(/ {6}cost 1\d{3} → \d\d\n {6}plan: .*Index Scan .*orders_customer_id_idx/);
  expect(stdout.indexOf('Findings')).toBeLessThan(stdout.indexOf('Indexes'));
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  expect(stderr).toContain('twin: making the schema');
  expect(code).toBe(1);
  // The twin holds samples of data: nothing of it stays.
  expect(readdirSync(join(dataDir, 'twins', 'main'))).toEqual([]);
});

test('without a finding nobody waits for a twin, unless asked', async () => {
  const byKey = 'SELECT note FROM orders WHERE id = 7';
  const plain = await explain(byKey);
  expect(plain).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('--indexes asks for them') });
  expect(await explain('--indexes', byKey)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('No further index'),
  });
  const none = await explain('--no-indexes', byCustomer);
  expect(none).toMatchObject({ code: 1, stderr: '' });
  expect(none.stdout).not.toMatch(/^Indexes|--indexes/m);
  expect((await documentOf('--no-indexes', byCustomer)).indexes).toBeNull();
});

test('placeholders are given typical values', async () => {
  const { indexes } = await documentOf('SELECT note FROM orders WHERE customer_id = $1');
  expect(indexes).toMatchObject({
    backend: 'twin',
    statement: {
      status: 'proposed',
      indexes: [{ name: 'orders_customer_id_idx', table: 'public.orders', create: [create] }],
      statements: [
        {
          text: null,
          cost: { before: expect.any(Number), after: expect.any(Number) },
          typicalValues: expect.arrayContaining([[expect.stringMatching(/^\d+$/)]]),
          plan: expect.stringContaining('orders_customer_id_idx'),
        },
      ],
    },
    rewritten: null,
  });
});

test('what it would cost written better is told, and which index would help it then', async () => {
  const query = "SELECT note FROM orders WHERE date(placed) = '2026-01-05'";
  const { rewrites } = await documentOf('--no-indexes', query);
  expect(rewrites).toMatchObject([
    { rule: 'period-of-column', cost: { before: expect.any(Number), after: expect.any(Number) } },
  ]);
  const { stdout } = await explain('--indexes', query);
  expect(stdout).toMatch(/The same result:\n.*\n {6}cost 1\d{3} → 1\d{3}$/m);
  expect(stdout).toMatch(/Written better \(period-of-column, above\)[^]*ON public\.orders \(placed\)/);
});

test('what cannot be told is said, with the reason', async () => {
  const hypopg = await explain('--backend', 'hypopg', byCustomer);
  expect(hypopg.stdout).toMatch(/Whether an index would help cannot be told: .*[Hh]ypo/);
  expect(hypopg.code).toBe(1);
  expect(await explain('--indexes', 'SELECT 1')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('it reads no table of the database'),
  });
  const pasted = await explain('--indexes', 'Seq Scan on orders  (cost=0.00..90.00 rows=5 width=40)');
  expect(pasted).toMatchObject({ code: 2, stderr: expect.stringContaining('with a plan alone') });
});

test('on a standby it is said that they are made on its primary', async () => {
  await using primary = await scratchServer();
  await runStatements(primary.url(), orders);
  // It begins with all that is there.
  await using replica = await scratchReplica(primary, 18);
  const { stdout } = await pitcrew(['explain', '--database', replica.url(), '--data-dir', dataDir, byCustomer]);
  expect(stdout).toContain(`${create};`);
  expect(stdout).toContain('make them on its primary');
});

test.skipIf(missing)('with HypoPG they are planned on the server', async () => {
  await using server = await startHypopgServer();
  await runStatements(server.url(), [...orders, 'CREATE EXTENSION hypopg']);
  const env = { PITCREW_ADVISOR_BACKEND: 'hypopg' };
  const { stdout, stderr } = await pitcrew(['explain', '--database', server.url(), byCustomer], { env });
  expect(stdout).toContain(`${create};`);
  expect(stdout).toMatch(/ {6}plan: .*orders_customer_id_idx/);
  expect(stderr).not.toContain('twin');
});

test('interrupted, the plan is there and nothing of the twin', async () => {
  const command = startPitcrew(args(byCustomer));
  await command.saw(/twin: making the schema/);
  command.child.kill('SIGINT');
  const { code, stdout } = await command.ended;
  expect(code).toBe(130);
  expect(stdout).toContain('Seq Scan on orders');
  expect(stdout).not.toContain('CREATE INDEX');
  expect(readdirSync(join(dataDir, 'twins', 'main'))).toEqual([]);
});
