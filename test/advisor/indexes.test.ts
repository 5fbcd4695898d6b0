import type { Finding } from '../../src/ops/advisor/index.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Advised, definitionsOf, fixesOf, withTwin, workloadOf } from '../support/advised.ts';
import { scratchReplica, scratchServer, testDatabase, type TestDatabase } from '../support/postgres.ts';

const schema = `
  CREATE EXTENSION pg_trgm;
  CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text NOT NULL, note text NOT NULL);
  CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL, total int NOT NULL,
    tracking_code text NOT NULL, doc jsonb NOT NULL, tags text[] NOT NULL, placed_at timestamptz NOT NULL, gone_at timestamptz
  );
  CREATE TABLE "Größe ""x""" ("Nr" int PRIMARY KEY, "der Wert" text, "select" int);
  CREATE TABLE events (at date NOT NULL, kind int NOT NULL, body text) PARTITION BY RANGE (at);
  CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY RANGE (at);
  CREATE TABLE events_2025_1 PARTITION OF events_2025 FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
  CREATE TABLE events_2025_2 PARTITION OF events_2025 FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
  CREATE VIEW open_orders AS SELECT id AS nr, tracking_code AS code, customer_id FROM orders WHERE status = 'open';
  INSERT INTO customers
  SELECT i, 'User' || i || '@example.com', (ARRAY['de', 'fr', 'it'])[1 + i % 3], repeat(md5(i::text), 3)
    FROM generate_series(1, 5000) i;
  INSERT INTO orders
  SELECT i, 1 + i * 7919 % 5000, CASE WHEN i * 31 % 100 = 0 THEN 'open' ELSE 'done' END, i * 37 % 1000, md5(i::text),
         jsonb_build_object('color', i % 500, 'size', i % 7), ARRAY['t' || i % 900, 'u' || i % 3],
         '2024-01-01'::timestamptz + i * 7919 % 40000 * interval '1 minute',
         CASE WHEN i * 13 % 50 = 0 THEN now() END
    FROM generate_series(1, 40000) i;
  INSERT INTO "Größe ""x""" SELECT i, md5(i::text), i * 7919 % 20000 FROM generate_series(1, 20000) i;
  INSERT INTO events SELECT '2024-01-01'::date + i % 700, i % 5000, md5(i::text) FROM generate_series(1, 40000) i;
`;

let database: TestDatabase;
let advised: Advised;

beforeAll(async () => {
  database = await testDatabase(18);
  await database.query(schema);
  await database.query('VACUUM ANALYZE');
  advised = await withTwin(database.url);
}, 120_000);

afterAll(async () => {
  await advised?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

test.each([
  ['SELECT * FROM orders WHERE tracking_code = $1', ['orders (tracking_code)']],
  ['SELECT * FROM customers WHERE lower(email) = lower($1)', ['customers (lower(email))']],
  ['SELECT * FROM orders WHERE placed_at BETWEEN $1 AND $2 AND total = $3', ['orders (total, placed_at)']],
  ['SELECT * FROM orders ORDER BY placed_at DESC LIMIT 10', ['orders (placed_at)']],
  ['SELECT * FROM orders WHERE total = 5 ORDER BY placed_at DESC, id LIMIT 3', ['orders (total, placed_at, id DESC)']],
  ['SELECT max(total) FROM orders WHERE customer_id = $1', ['orders (customer_id, total)']],
  [`SELECT total, placed_at FROM orders WHERE total > 900`, ['orders (total) INCLUDE (placed_at)']],
  [`SELECT * FROM orders WHERE status = 'open' ORDER BY total LIMIT 5`, ['orders (status, total)']],
  [
    'SELECT * FROM orders WHERE gone_at IS NOT NULL ORDER BY placed_at LIMIT 5',
    ['orders (placed_at) WHERE gone_at IS NOT NULL'],
  ],
  [`SELECT * FROM orders WHERE doc @> '{"color": 7}'`, ['orders USING gin (doc jsonb_path_ops)']],
  [`SELECT * FROM orders WHERE doc ? 'nothing'`, ['orders USING gin (doc)']],
  [`SELECT * FROM orders WHERE doc ->> 'color' = '7'`, [`orders ((doc ->> 'color'))`]],
  [`SELECT * FROM orders WHERE tags @> ARRAY['t7']`, ['orders USING gin (tags)']],
  [`SELECT id FROM customers WHERE note ILIKE '%abcdef%'`, ['customers USING gin (note gin_trgm_ops)']],
  [`SELECT * FROM customers WHERE email LIKE 'User77%'`, ['customers (email text_pattern_ops)']],
  ['SELECT * FROM open_orders WHERE code = $1', ["orders (tracking_code) WHERE status = 'open'::text"]],
  [
    `SELECT sum(total) FROM orders JOIN customers c ON c.id = customer_id WHERE c.email = 'x'`,
    ['customers (email, id)', 'orders (customer_id) INCLUDE (total)'],
  ],
  ['SELECT * FROM "Größe ""x""" WHERE "der Wert" = $1', ['"Größe ""x""" ("der Wert")']],
  ['SELECT * FROM "Größe ""x""" g WHERE g."select" = $1', ['"Größe ""x""" ("select")']],
])('%s', async (text, expected) => {
  const advice = await advised.advise(workloadOf(text));
  expect(definitionsOf(advice).toSorted()).toEqual(expected);
  expect(advice.cost.after).toBeLessThan(advice.cost.before);
  expect(advice.cost.gap).toBe(0);
  expect(advice.leftOut).toEqual([]);
});

test.each([
  ['SELECT * FROM orders WHERE id = $1'],
  ['SELECT * FROM orders'],
  [`SELECT * FROM orders WHERE status = 'done'`],
  ['SELECT count(*) FROM pg_class WHERE relname = $1'],
  ['INSERT INTO orders (id) VALUES (1)'],
])('nothing is advised for %s', async (text) => {
  const advice = await advised.advise(workloadOf(text));
  expect(advice.findings).toEqual([]);
  expect(advice.cost.after).toBe(advice.cost.before);
});

test('an index can be made as it is advised, is used, and can be taken back', async () => {
  const text = `SELECT * FROM "Größe ""x""" WHERE "der Wert" = 'x'`;
  const [index] = (await advised.advise(workloadOf(text))).indexes;
  const { fix = [], undo = [] } = index?.finding.remedy ?? {};
  for (const statement of fix) await database.query(statement);
  const plan = JSON.stringify(await database.query(`EXPLAIN (FORMAT JSON) ${text}`));
  expect(plan).toContain(index?.name ?? '?');
  const [made] = await database.query<{ bytes: string }>(
    `SELECT pg_relation_size(indexrelid) AS bytes FROM pg_stat_user_indexes WHERE indexrelname = $1`,
    [index?.name],
  );
  expect(Number(made?.bytes) / (index?.sizeBytes ?? 0)).toBeCloseTo(1, 0);
  for (const statement of undo) await database.query(statement);
  expect(await database.query('SELECT FROM pg_class WHERE relname = $1', [index?.name])).toEqual([]);
});

test('a partitioned table gets its index partition by partition', async () => {
  const advice = await advised.advise(workloadOf('SELECT * FROM events WHERE kind = $1'));
  const fixes = fixesOf(advice);
  expect(fixes[0]).toBe('CREATE INDEX events_kind_idx ON ONLY public.events (kind)');
  expect(fixes).toHaveLength(1 + 4 * 2);
  for (const statement of fixes) await database.query(statement);
  const rows = await database.query<{ valid: boolean }>(
    `SELECT indisvalid AS valid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'events%kind_idx%'`,
  );
  expect(rows.map(({ valid }) => valid)).toEqual([true, true, true, true, true]);
  const again = await withTwin(database.url);
  try {
    const { indexes } = await again.advise(workloadOf('SELECT * FROM events WHERE kind = $1'));
    expect(indexes).toEqual([]);
  } finally {
    await again[Symbol.asyncDispose]();
    for (const statement of advice.indexes[0]?.finding.remedy?.undo ?? []) await database.query(statement);
  }
}, 60_000);

test('one index serves several statements, and the set is chosen as a whole', async () => {
  const advice = await advised.advise(
    workloadOf(
      'SELECT count(*) FROM orders WHERE customer_id = $1',
      'SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 5',
      'SELECT * FROM orders WHERE customer_id = $1 AND placed_at > $2',
    ),
  );
  expect(definitionsOf(advice)).toEqual(['orders (customer_id, placed_at)']);
  expect(advice.indexes[0]?.statements).toHaveLength(3);
  expect(advice.statements).toEqual({ planned: 3, partly: 0, improved: 3 });
});

test('a budget is kept, and spent on what gains most', async () => {
  const workload = workloadOf(
    { text: 'SELECT * FROM orders WHERE tracking_code = $1', callsPerHour: 5 },
    { text: 'SELECT * FROM orders WHERE total = $1', callsPerHour: 1 },
    { text: 'SELECT * FROM customers WHERE email = $1', callsPerHour: 1 },
  );
  const free = await advised.advise(workload);
  expect(free.indexes).toHaveLength(3);
  const budgetBytes = free.sizeBytes - 1;
  const bound = await advised.advise(workload, { budgetBytes });
  expect(bound.sizeBytes).toBeLessThanOrEqual(budgetBytes);
  expect(definitionsOf(bound).join()).toContain('tracking_code');
  expect(bound.cost.after).toBeLessThan(bound.cost.before / 5);
  expect((await advised.advise(workload, { budgetBytes: 1000 })).indexes).toEqual([]);
});

describe('writes count', () => {
  const query = { text: 'SELECT * FROM orders WHERE total = $1', callsPerHour: 1 };
  const inserting = 'INSERT INTO orders SELECT * FROM orders WHERE id = $1';

  test('an index that costs more than it spares is not advised', async () => {
    const few = await advised.advise(workloadOf(query, { text: inserting, callsPerHour: 10 }));
    expect(definitionsOf(few)).toEqual(['orders (total)']);
    expect(few.indexes[0]?.writeCostPerHour).toBeGreaterThan(0);
    const many = await advised.advise(workloadOf(query, { text: inserting, callsPerHour: 100_000 }));
    expect(many.findings).toEqual([]);
  });

  test('updates of the column that would no longer be HOT count more than those of others', async () => {
    const updating = (column: string) => ({
      text: `UPDATE orders SET ${column} = $1 WHERE id = $2`,
      callsPerHour: 100,
    });
    const own = await advised.advise(workloadOf(query, updating('total')));
    const other = await advised.advise(workloadOf(query, updating('gone_at')));
    expect(own.indexes[0]?.lostHotPerHour).toBeGreaterThan(0);
    expect(other.indexes[0]?.lostHotPerHour).toBe(0);
    expect(own.indexes[0]?.writeCostPerHour).toBeGreaterThan(other.indexes[0]?.writeCostPerHour ?? Infinity);
  });

  test('deletes from a parent pay for a foreign key without an index', async () => {
    const advice = await advised.advise(workloadOf('DELETE FROM customers WHERE id = $1'));
    expect(definitionsOf(advice)).toEqual(['orders (customer_id)']);
    expect(advice.indexes[0]?.statements[0]?.id).toMatch(/^foreign key orders_customer_id_fkey/);
  });
});

test('values that few rows have count where the text has a placeholder, and a generic plan would not tell', async () => {
  const text = 'SELECT * FROM orders WHERE status = $1';
  expect(definitionsOf(await advised.advise(workloadOf(text)))).toEqual(['orders (status)']);
  // Values that are known to be asked for go before the statistics: here an index would find nearly all rows.
  expect(definitionsOf(await advised.advise(workloadOf({ text, samples: [['done']] })))).toEqual([]);
});

test('times that were measured decide what counts', async () => {
  const statements = [
    { id: 'cheap', text: 'SELECT * FROM orders WHERE tracking_code = $1', callsPerHour: 10, meanMs: 1 },
    { id: 'slow', text: 'SELECT * FROM customers WHERE email = $1', callsPerHour: 10, meanMs: 90 },
  ];
  const advice = await advised.advise({ ...workloadOf(...statements), source: 'pg_stat_statements' });
  expect(definitionsOf(advice)).toEqual(['customers (email)', 'orders (tracking_code)']);
  expect(advice.msPerHour?.before).toBeCloseTo(910, 0);
  expect(advice.indexes[0]?.msPerHour).toBeGreaterThan(800);
});

test('what cannot be planned or indexed is named, with the reason', async () => {
  const advice = await advised.advise(
    workloadOf(
      'SELECT * FROM nowhere WHERE a = 1',
      'VACUUM',
      `SELECT id FROM orders WHERE date_trunc('day', placed_at) = $1`,
    ),
  );
  expect(advice.leftOut).toEqual([
    { text: 'VACUUM', reason: 'it has no plan' },
    { text: expect.stringContaining(`date_trunc('day', placed_at)`), reason: expect.stringContaining('IMMUTABLE') },
  ]);
});

test('findings have a stable key, evidence, and a name that is not taken', async () => {
  await database.query('CREATE VIEW orders_total_idx AS SELECT 1');
  try {
    const advice = await advised.advise(workloadOf('SELECT * FROM orders WHERE total = $1'));
    const [finding] = advice.findings;
    expect(finding).toMatchObject({
      check: 'missing-index',
      key: 'missing-index:public.orders (total)',
      severity: 'warning',
      subject: { kind: 'table', schema: 'public', name: 'orders' },
      gain: { workloadShare: expect.closeTo(0.9, 0) },
      remedy: {
        kind: 'create-index',
        fix: ['CREATE INDEX CONCURRENTLY orders_total_idx1 ON public.orders (total)'],
        undo: ['DROP INDEX CONCURRENTLY public.orders_total_idx1'],
        appliable: true,
      },
    });
    expect(finding?.evidence).toContainEqual({ label: 'Statements that gain', value: 1 });
  } finally {
    await database.query('DROP VIEW orders_total_idx');
  }
});

test('progress is told, and a signal ends it', async () => {
  const abort = new AbortController();
  const phases = new Set<string>();
  const workload = workloadOf('SELECT * FROM orders WHERE total = $1');
  await advised.advise(workload, { onProgress: ({ phase }) => phases.add(phase) });
  expect([...phases]).toEqual(expect.arrayContaining(['reading', 'planning', 'choosing']));
  abort.abort();
  await expect(advised.advise(workload, { signal: abort.signal })).rejects.toThrow(/abort/i);
});

function dropping(table: string, name: string): Finding {
  return {
    check: 'unused-index',
    key: `unused-index:public.${name}`,
    severity: 'info',
    subject: { kind: 'index', schema: 'public', table, name },
    title: `${name} was not used`,
    explanation: '',
    evidence: [],
    gain: null,
    remedy: {
      kind: 'drop-index',
      fix: [`DROP INDEX CONCURRENTLY ${name}`],
      undo: [],
      risk: 'low',
      riskDetail: '',
      appliable: true,
    },
  };
}

test('indexes to drop are held against the workload, and against what else needs them', async () => {
  await using made = await testDatabase(18);
  await made.query(`
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES parents, a int, b int, c int);
    INSERT INTO t SELECT i, NULL, i * 7919 % 20000, i % 100, i FROM generate_series(1, 20000) i;
    CREATE INDEX t_parent ON t (parent);
    CREATE INDEX t_a ON t (a);
    CREATE INDEX t_b ON t (b);
    CREATE UNIQUE INDEX t_c ON t (c);
  `);
  await made.query('VACUUM ANALYZE t');
  await using own = await withTwin(made.url);
  const drops = ['t_parent', 't_a', 't_b', 't_c', 't_gone'].map((name) => dropping('t', name));
  const workload = workloadOf('SELECT * FROM t WHERE a = 5', { text: 'INSERT INTO t VALUES ($1)', callsPerHour: 10 });
  const advice = await own.advise(workload, { drops });
  const told = advice.drops.map(({ index, confirmed, neededFor, statements }) => [
    index.name,
    confirmed,
    neededFor ?? statements.length,
  ]);
  expect(told).toEqual([
    ['t_parent', false, 'the foreign key t_parent_fkey'],
    ['t_a', false, 1],
    ['t_b', true, 0],
    ['t_c', false, 'uniqueness'],
    ['t_gone', false, 0],
  ]);
  expect(advice.drops[2]?.savedPerHour).toBeGreaterThan(0);
  expect(advice.findings.map(({ key }) => key)).toEqual(['unused-index:public.t_b']);
}, 60_000);

test('a role that may not read statistics is told so, and gets what can be known', async () => {
  await using made = await testDatabase(18);
  await made.query(`
    CREATE TABLE t (a int, b text);
    INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 30000) i;
    CREATE ROLE ${made.name} LOGIN PASSWORD 'weak';
  `);
  await made.query('VACUUM ANALYZE t');
  const url = new URL(made.url);
  url.username = made.name;
  url.password = 'weak';
  try {
    await using weak = await withTwin(url.href);
    const advice = await weak.advise(workloadOf('SELECT * FROM t WHERE b = $1'));
    expect(advice.gaps.map(({ subject }) => subject)).toContain('statistics of public.t');
    expect(advice.leftOut).toEqual([]);
  } finally {
    await made.query(`DROP ROLE ${made.name}`);
  }
}, 60_000);

test('a standby is as good a source', async () => {
  await using primary = await scratchServer(18);
  await using replica = await scratchReplica(primary, 18);
  const { default: pg } = await import('pg');
  const client = new pg.Client(primary.url());
  await client.connect();
  await client.query('CREATE TABLE t (a int, b text)');
  await client.query('INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 30000) i');
  await client.query('VACUUM ANALYZE t');
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn');
  await client.end();
  const standby = new pg.Client(replica.url());
  await standby.connect();
  await expect
    .poll(async () => (await standby.query(`SELECT pg_last_wal_replay_lsn() >= $1 AS caught`, [rows[0]?.lsn])).rows, {
      timeout: 30_000,
    })
    .toEqual([{ caught: true }]);
  await standby.end();
  await using source = await withTwin(replica.url());
  expect(source.profile.isStandby).toBe(true);
  expect(definitionsOf(await source.advise(workloadOf('SELECT * FROM t WHERE b = $1')))).toEqual(['t (b)']);
}, 120_000);
