import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { findingsOf, type PlanFinding, readPlan } from './index.ts';

describe.each(testedMajors(18, 15))('findings in plans that were run by PostgreSQL %i', (major) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase(major);
    await database.query(`
      CREATE TABLE customers (id int PRIMARY KEY, country text, city text);
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int, state text, note text);
      INSERT INTO customers SELECT n, CASE WHEN n % 10 < 9 THEN 'DE' ELSE 'FR' END, CASE WHEN n % 10 < 9 THEN 'Berlin' ELSE 'Paris' END
        FROM generate_series(1, 2000) n;
      INSERT INTO orders
        SELECT n, n % 2000, CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END, repeat(md5(n::text), 2) FROM generate_series(1, 50000) n;
      CREATE INDEX orders_customer ON orders (customer_id);
      ANALYZE customers, orders;
      SET max_parallel_workers_per_gather = 0;
      SET jit = off;
    `);
  });

  afterAll(() => database[Symbol.asyncDispose]());

  /** Runs a statement under some settings, and reads its plan in text form, from which all else can be told as well. */
  async function findings(
    statement: string,
    settings: Record<string, string | number> = {},
    options = 'ANALYZE, BUFFERS, SETTINGS',
  ): Promise<PlanFinding[]> {
    await database.query('BEGIN');
    for (const [name, value] of Object.entries(settings)) await database.query(`SET LOCAL ${name} = '${value}'`);
    const rows = await database.query<{ 'QUERY PLAN': string }>(`EXPLAIN (${options}) ${statement}`);
    await database.query('ROLLBACK');
    return findingsOf(readPlan(rows.map((row) => row['QUERY PLAN']).join('\n')).plan);
  }

  async function found(
    rule: string,
    statement: string,
    settings?: Record<string, string | number>,
  ): Promise<PlanFinding | undefined> {
    return (await findings(statement, settings)).find((each) => each.rule === rule);
  }

  it('finds nothing in what is well', async () => {
    for (const statement of [
      'SELECT * FROM orders WHERE id = 7',
      'SELECT count(*) FROM orders WHERE customer_id = 5',
      'SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 7',
      'SELECT * FROM orders ORDER BY id LIMIT 10',
      "SELECT * FROM orders WHERE state = 'done'",
      'SELECT customer_id, count(*) FROM orders GROUP BY customer_id',
      'INSERT INTO customers VALUES (-1)',
    ]) {
      expect({ statement, found: await findings(statement, { work_mem: '64MB' }) }).toEqual({ statement, found: [] });
    }
  });

  it('says how many rows were read for nothing, and which index would find them', async () => {
    expect(await found('filtered-scan', "SELECT * FROM orders WHERE note = 'x' AND state = 'open'")).toMatchObject({
      severity: 'warning',
      node: 'Seq Scan on orders',
      message: expect.stringMatching(/^Reads 50,000 rows of orders to keep 0: /),
      advice: expect.stringContaining('An index on orders (note, state)'),
      share: expect.closeTo(1, 0),
    });
    expect(
      await found('index-filter', "SELECT * FROM orders WHERE id < 20000 AND note = 'x'", { enable_seqscan: 'off' }),
    ).toMatchObject({ message: expect.stringMatching(/^The index finds 19,999 rows, of which 0 are kept/) });
  });

  it('says what went to disk, and what would hold it', async () => {
    const small = { work_mem: '64kB', hash_mem_multiplier: 1 };
    const sort = await found('sort-spill', 'SELECT * FROM orders ORDER BY note', small);
    expect(sort?.message).toMatch(/^The sort went to disk with \d(\.\d+)? MB$/);
    const [, needed = ''] = /work_mem = '(\w+)'/.exec(sort?.advice ?? '') ?? [];
    expect(await found('sort-spill', 'SELECT * FROM orders ORDER BY note', { work_mem: needed })).toBeUndefined();

    const join = 'SELECT * FROM orders a JOIN orders b ON a.note = b.note';
    const hashed = { enable_mergejoin: 'off', enable_nestloop: 'off' };
    const hash = await found('hash-spill', join, { ...small, ...hashed });
    expect(hash?.message).toMatch(/went through disk in \d+ parts/);
    const [, room = ''] = /work_mem = '(\w+)'/.exec(hash?.advice ?? '') ?? [];
    expect(await found('hash-spill', join, { ...hashed, work_mem: room, hash_mem_multiplier: 1 })).toBeUndefined();

    const groups = 'SELECT note, count(*) FROM orders GROUP BY note';
    const aggregate = await found('aggregate-spill', groups, { ...small, enable_sort: 'off' });
    expect(aggregate?.message).toMatch(/^Grouping went to disk with /);
    const [, space = ''] = /work_mem = '(\w+)'/.exec(aggregate?.advice ?? '') ?? [];
    expect(
      await found('aggregate-spill', groups, { work_mem: space, hash_mem_multiplier: 1, enable_sort: 'off' }),
    ).toBeUndefined();

    const cte = 'WITH c AS MATERIALIZED (SELECT * FROM orders) SELECT count(*) FROM c a, c b WHERE a.id = b.id';
    expect(await found('temporary-files', cte, small)).toMatchObject({ node: expect.stringContaining('CTE Scan') });
  });

  it('says where estimates begin to be wrong', async () => {
    // Each is right by itself: the planner multiplies both.
    const statement =
      "SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country = 'FR' AND c.city = 'Berlin'";
    const none = await found('misestimate', statement);
    expect(none).toMatchObject({
      node: expect.stringContaining('Scan on customers'),
      message: expect.stringMatching(/^1\d\d rows were expected and 0 came: 1\/1\d\d of them$/),
      advice: expect.stringContaining('CREATE STATISTICS ON country, city FROM customers'),
    });
    const all = await findings('SELECT * FROM orders WHERE id % 10 < 9 ORDER BY note');
    expect(all.filter(({ rule }) => rule === 'misestimate')).toEqual([]);
    const many = await found(
      'misestimate',
      "SELECT * FROM orders WHERE id % 1000 >= 0 AND id % 999 >= 0 AND id % 998 >= 0 AND lower(state) = 'done' ORDER BY note",
      { work_mem: '64MB' },
    );
    expect(many).toMatchObject({ severity: 'warning', message: expect.stringMatching(/times as many$/) });
    // A LIMIT stops early: that fewer came says nothing.
    expect(await found('misestimate', 'SELECT * FROM orders LIMIT 1')).toBeUndefined();
  });

  it('says what ran again and again', async () => {
    const loop = {
      enable_hashjoin: 'off',
      enable_mergejoin: 'off',
      enable_material: 'off',
      enable_memoize: 'off',
      work_mem: '64MB',
    };
    const looped = 'SELECT * FROM orders o LEFT JOIN customers c ON c.id = o.customer_id';
    expect(await findings(looped, loop, 'ANALYZE, TIMING OFF')).toMatchObject([
      { rule: 'many-loops', message: 'The inner side of the nested loop ran 50,000 times' },
    ]);
    expect(
      await found('repeated-scan', 'SELECT * FROM customers c JOIN orders o ON o.note = c.city WHERE c.id <= 30', loop),
    ).toMatchObject({
      message: expect.stringMatching(
        /^Reads the whole of (orders again for each of 30|customers again for each of 50,000)/,
      ),
    });
    expect(
      await found(
        'repeated-subquery',
        'SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id + 0 = c.id) FROM customers c WHERE id < 50',
      ),
    ).toMatchObject({ message: expect.stringMatching(/ 49 times, .* in all$/) });
    expect(await found('cross-join', 'SELECT count(*) FROM customers a, customers b WHERE a.id < 200')).toMatchObject({
      message: expect.stringMatching(/(199 × 2,000|2,000 × 199) rows$/),
    });
    expect(
      await found('materialized-cte', 'WITH c AS MATERIALIZED (SELECT * FROM orders) SELECT * FROM c WHERE id = 7'),
    ).toMatchObject({ message: expect.stringMatching(/^c is computed whole \(50,000 rows\), of which 1 are used/) });
  });

  it('says what order costs', async () => {
    expect(
      await found('sort-for-limit', "SELECT * FROM orders WHERE state = 'done' ORDER BY note DESC LIMIT 3"),
    ).toMatchObject({
      message: 'Sorts 49,500 rows to return the first 3',
      advice: 'An index on orders (state, note DESC) gives them in this order, without a sort.',
    });
    expect(await found('skipped-rows', 'SELECT * FROM orders ORDER BY id LIMIT 10 OFFSET 30000')).toMatchObject({
      message: 'Produces 30,000 rows only to skip them (OFFSET)',
    });
    expect(
      await found('limited-search', "SELECT * FROM orders WHERE note = 'x' ORDER BY id LIMIT 1", {
        enable_seqscan: 'off',
        enable_sort: 'off',
      }),
    ).toMatchObject({ message: expect.stringMatching(/throws 50,000 rows away until 0 fit$/) });
  });

  it('says what a bitmap and an index-only scan could not do', async () => {
    const bitmap = { work_mem: '64kB', enable_seqscan: 'off', enable_indexscan: 'off', enable_sort: 'off' };
    await database.query(`
      CREATE TABLE wide (id int, filler text) WITH (fillfactor = 10);
      INSERT INTO wide SELECT n, repeat('x', 100) FROM generate_series(1, 30000) n;
      CREATE INDEX wide_id ON wide (id);
      CREATE TABLE fresh (id int PRIMARY KEY) WITH (autovacuum_enabled = false);
      INSERT INTO fresh SELECT generate_series(1, 20000);
      ANALYZE wide; ANALYZE fresh;
    `);
    const lossy = await found('lossy-bitmap', 'SELECT count(filler) FROM wide WHERE id > 10', bitmap);
    expect(lossy?.message).toMatch(
      /^The bitmap of found rows was too large for work_mem: .* pages were searched whole/,
    );
    const [, needed = ''] = /work_mem = '(\w+)'/.exec(lossy?.advice ?? '') ?? [];
    expect(
      await found('lossy-bitmap', 'SELECT count(filler) FROM wide WHERE id > 10', { ...bitmap, work_mem: needed }),
    ).toBeUndefined();
    const fresh = 'SELECT count(id) FROM fresh WHERE id > 0';
    const indexOnly = { enable_seqscan: 'off', enable_bitmapscan: 'off' };
    expect(await found('heap-fetches', fresh, indexOnly)).toMatchObject({
      advice: expect.stringMatching(/^VACUUM fresh;/),
    });
    await database.query('VACUUM fresh');
    expect(await found('heap-fetches', fresh, indexOnly)).toBeUndefined();
  });

  it('says what is about the whole', async () => {
    await database.query(`
      CREATE TABLE parents (id int PRIMARY KEY);
      CREATE TABLE children (parent_id int CONSTRAINT children_of REFERENCES parents, filler text);
      INSERT INTO parents SELECT generate_series(1, 300);
      INSERT INTO children SELECT 1 + n % 10, repeat('x', 50) FROM generate_series(1, 40000) n;
      CREATE TABLE measures (day int, value int) PARTITION BY LIST (day);
    `);
    expect(await found('trigger-time', 'DELETE FROM parents WHERE id > 100')).toMatchObject({
      severity: 'warning',
      node: 'Plan',
      nodeId: null,
      message: expect.stringMatching(/^Checking the foreign key children_of took .* in 200 calls$/),
      advice: expect.stringContaining('An index on the columns of the table that refers here'),
    });
    for (let day = 0; day < 24; day += 1) {
      await database.query(`CREATE TABLE measures_${day} PARTITION OF measures FOR VALUES IN (${day})`);
    }
    await database.query('INSERT INTO measures SELECT n % 24, n FROM generate_series(1, 2400) n; ANALYZE measures');
    expect(await found('partitions-not-pruned', 'SELECT * FROM measures WHERE value = 77')).toMatchObject({
      message: '23 of 24 partitions were read for nothing',
    });
    expect(await found('partitions-not-pruned', 'SELECT * FROM measures WHERE day = 7 AND value = 77')).toBeUndefined();
    const parallel = {
      max_parallel_workers_per_gather: 2,
      max_parallel_workers: 0,
      parallel_setup_cost: 0,
      parallel_tuple_cost: 0,
      min_parallel_table_scan_size: 0,
    };
    expect(await found('workers-missing', 'SELECT count(*) FROM orders WHERE note > $$$$', parallel)).toMatchObject({
      message: expect.stringMatching(/^None of \d planned parallel workers came$/),
    });
    if (major >= 18) {
      expect(await found('disabled-node', 'SELECT * FROM orders', { enable_seqscan: 'off' })).toMatchObject({
        node: 'Seq Scan on orders',
      });
    }
  });
});

describe('findings in plans of other servers', () => {
  const lines = (...text: string[]): PlanFinding[] => findingsOf(readPlan(text.join('\n')).plan);

  it('JIT that took a good part of the time', () => {
    const [jit] = lines(
      'Aggregate  (cost=1.00..2.00 rows=1 width=8) (actual time=400.0..400.0 rows=1 loops=1)',
      '  ->  Seq Scan on a  (cost=0.00..1.00 rows=1 width=0) (actual time=0.1..100.0 rows=1 loops=1)',
      'Planning Time: 0.1 ms',
      'JIT:',
      '  Functions: 30',
      '  Options: Inlining true, Optimization true, Expressions true, Deforming true',
      '  Timing: Generation 5.0 ms (Deform 1.0 ms), Inlining 50.0 ms, Optimization 150.0 ms, Emission 95.0 ms, Total 300.0 ms',
      'Execution Time: 410.0 ms',
    );
    expect(jit).toMatchObject({
      rule: 'jit-cost',
      severity: 'warning',
      message: 'Compiling 30 functions (JIT) took 300 ms of 410 ms, 73 %',
    });
  });

  it('planning that took longer than running, and skip scans that searched often', () => {
    const found = lines(
      'Index Only Scan using i on a  (cost=0.4..9.0 rows=3 width=4) (actual time=0.1..8.0 rows=3.00 loops=1)',
      '  Index Cond: (b = 3)',
      '  Heap Fetches: 0',
      '  Index Searches: 3001',
      'Planning Time: 90.0 ms',
      'Execution Time: 8.1 ms',
    );
    expect(found.map(({ rule, message }) => [rule, message])).toEqual([
      ['planning-time', 'Planning took 90 ms, running it 8.1 ms'],
      ['index-searches', 'The index was searched 3,001 times in one scan to find 3 rows'],
    ]);
  });

  it('never more findings than anybody reads', () => {
    const scans = Array.from({ length: 200 }, (_, n) => [
      `  ->  Seq Scan on p${n}  (cost=0.00..9000.00 rows=5 width=4) (actual time=0.1..5.0 rows=2 loops=1)`,
      '        Filter: (a = 1)',
      '        Rows Removed by Filter: 100000',
    ]).flat();
    expect(
      lines('Append  (cost=0.00..1.00 rows=1 width=4) (actual time=0.1..900.0 rows=400 loops=1)', ...scans),
    ).toHaveLength(50);
  });
});
