import { afterAll, beforeAll, expect, test } from 'vitest';
import { adviseIndexes, type AdviseOptions, type IndexAdvice } from '../../src/ops/advisor/indexes/index.ts';
import type { Selection, SelectionProblem, Workload } from '../../src/ops/advisor/index.ts';
import { loadParser } from '../../src/sql/index.ts';
import { type Advised, withTwin, workloadOf } from '../support/advised.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let advised: Advised;

const schema = `
  CREATE EXTENSION pg_trgm;
  CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text NOT NULL, note text);
  CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL, total int NOT NULL,
    tracking_code text NOT NULL, doc jsonb NOT NULL, tags text[] NOT NULL, placed_at timestamptz NOT NULL, gone_at timestamptz
  );
  INSERT INTO customers
  SELECT i, 'User' || i || '@example.com', (ARRAY['de', 'fr', 'it'])[1 + i % 3], repeat(md5(i::text), 3)
    FROM generate_series(1, 5000) i;
  INSERT INTO orders
  SELECT i, 1 + i * 7919 % 5000, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END, i % 1000, md5(i::text),
         jsonb_build_object('color', i % 500, 'size', i % 7), ARRAY['t' || i % 900, 'u' || i % 3],
         '2024-01-01'::timestamptz + i * 7919 % 40000 * interval '1 minute', CASE WHEN i % 50 = 0 THEN now() END
    FROM generate_series(1, 40000) i;
`;

beforeAll(async () => {
  await loadParser();
  database = await testDatabase(18);
  await database.query(schema);
  await database.query('VACUUM ANALYZE');
  advised = await withTwin(database.url);
}, 120_000);

afterAll(async () => {
  await advised?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

function greedy(problem: SelectionProblem): Selection {
  const chosen = new Set<string>();
  const costOf = (set: ReadonlySet<string>): number =>
    problem.queries.reduce((sum, { id, weight }) => {
      const able = problem.costs.filter((entry) => entry.query === id && entry.indexes.every((one) => set.has(one)));
      return sum + weight * Math.min(...able.map(({ cost }) => cost));
    }, 0) + problem.indexes.filter(({ id }) => set.has(id)).reduce((sum, { writeCost }) => sum + writeCost, 0);
  let cost = costOf(chosen);
  for (;;) {
    const size = problem.indexes.filter(({ id }) => chosen.has(id)).reduce((sum, each) => sum + each.size, 0);
    const best = problem.indexes
      .filter((each) => !chosen.has(each.id) && size + each.size <= problem.budget)
      .map(({ id }) => ({ id, cost: costOf(new Set([...chosen, id])) }))
      .toSorted((a, b) => a.cost - b.cost)[0];
    if (!best || best.cost >= cost) break;
    chosen.add(best.id);
    cost = best.cost;
  }
  return { selected: [...chosen].toSorted(), cost, bound: cost, gap: 0, seconds: 0 };
}

async function advise(workload: Workload, more: Partial<AdviseOptions> = {}): Promise<IndexAdvice> {
  const { connection, profile, twin } = advised;
  return adviseIndexes({ connection, profile, whatIf: twin, workload, selectIndexes: greedy, ...more });
}

function statementsOf(advice: IndexAdvice): string[] {
  return advice.indexes.flatMap(({ finding }) => finding.remedy?.fix ?? []);
}

test.each([
  [`SELECT * FROM orders WHERE tracking_code = 'x'`],
  ['SELECT * FROM customers WHERE lower(email) = lower($1)'],
  ['SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 10'],
  ['SELECT count(*) FROM orders WHERE customer_id = 3'],
  [`SELECT id FROM orders WHERE status = 'open' AND total > 900`],
  [`SELECT * FROM orders WHERE doc @> '{"color": 7}'`],
  [`SELECT * FROM orders WHERE doc ->> 'color' = '7'`],
  [`SELECT * FROM orders WHERE tags @> ARRAY['t7']`],
  [`SELECT id FROM customers WHERE note ILIKE '%abcdef%'`],
  [`SELECT id FROM customers WHERE email LIKE 'User77%'`],
  [`SELECT sum(total) FROM orders JOIN customers c ON c.id = customer_id WHERE c.email = 'x'`],
  [`SELECT * FROM orders WHERE placed_at > now() - interval '1 hour'`],
  ['SELECT max(total) FROM orders WHERE customer_id = $1'],
])('%s', async (text) => {
  const advice = await advise(workloadOf(text));
  console.log(
    text,
    '\n  ',
    statementsOf(advice).join('\n   '),
    advice.cost.before,
    advice.cost.after,
    advice.plans,
    advice.candidates,
    advice.seconds.toFixed(2),
    JSON.stringify(advice.leftOut),
    JSON.stringify(advice.gaps),
  );
  expect(advice.indexes).toHaveLength(1);
});
