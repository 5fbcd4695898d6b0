import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

/** Servers of tests are young: what they have counted is taken for enough. */
const atOnce = { thresholds: { unusedDays: 0 } };

const shop = `
  CREATE TABLE customers (id int PRIMARY KEY, mail text UNIQUE);
  CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, note text, at date, during daterange,
                       EXCLUDE USING gist (during WITH &&));
  CREATE INDEX orders_customer ON orders (customer);
  CREATE INDEX "orders ""Notiz""" ON orders (note);
  CREATE INDEX orders_lower ON orders (lower(note));
  CREATE UNIQUE INDEX orders_at ON orders (at);
  CREATE TABLE part (id int, at date, note text) PARTITION BY RANGE (at);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE INDEX part_note ON part (note);
  CREATE INDEX part_at ON part (at);
  INSERT INTO part SELECT i, '2024-01-01'::date + i % 700, 'note ' || i FROM generate_series(1, 1000) i;
  ANALYZE part;
`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('indexes that nothing read are found, those that something else needs are not', async () => {
    await using database = await testDatabase(major);
    await database.query(shop);
    await database.query(`SET enable_seqscan = off; SELECT count(*) FROM part_2 WHERE at = '2025-02-03'`);
    await database.query(`SELECT pg_stat_force_next_flush()`);
    const answer = await ask(database.url, 'unused-index', atOnce);
    expect(foundNames(answer)).toEqual(['orders "Notiz"', 'orders_customer', 'orders_lower', 'part_note']);
    const byName = new Map(found(answer).map((finding) => [finding.subject.name, finding]));
    expect(byName.get('orders_customer')?.explanation).toContain('the only index that serves the foreign key');
    expect(byName.get('orders_lower')?.explanation).toContain('statistics of an expression');
    expect(byName.get('part_note')).toMatchObject({
      evidence: expect.arrayContaining([{ label: 'Partitions', value: 2 }]),
    });
    // Dropping the index of a partitioned table locks it: not without a person.
    const remedy = byName.get('part_note')?.remedy;
    expect(remedy).toMatchObject({ appliable: false, fix: ['DROP INDEX "public"."part_note"'] });
    for (const statement of [...(remedy?.fix ?? []), ...(remedy?.undo ?? [])]) await database.query(statement);
    const parts = await database.query(`SELECT 1 FROM pg_inherits WHERE inhparent = 'part_note'::regclass`);
    expect(parts).toHaveLength(2);
    await database.query(`DROP INDEX part_note`);
    await expectFixAndUndo(database, 'unused-index', atOnce);
  });

  test('too young, or not counted, is not known; all in use is fine however young', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (id int PRIMARY KEY, a int)`);
    expect(await ask(database.url, 'unused-index')).toMatchObject({ status: 'fine' });
    await database.query(`CREATE INDEX t_a ON t (a)`);
    await using role = await plainRole(database);
    expect(await ask(role.url, 'unused-index')).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining(
        '1 index is not used by the servers that were asked, but that is known for 0 days only',
      ),
    });
    await database.query(`INSERT INTO t SELECT i, i FROM generate_series(1, 100) i; SET enable_seqscan = off`);
    await database.query(`SELECT * FROM t WHERE a = 5; SELECT pg_stat_force_next_flush()`);
    expect(await ask(role.url, 'unused-index')).toMatchObject({ status: 'fine' });
    await database.query(`CREATE INDEX t_b ON t (a DESC); ALTER DATABASE ${database.name} SET track_counts = off`);
    expect(await ask(database.url, 'unused-index', atOnce)).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('track_counts is off'),
    });
  });

  test('the history of the store counts: its length, its uses, and what it saw come', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (a int, b int, c int, d int)`);
    await database.query(
      `CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); CREATE INDEX t_c ON t (c); CREATE INDEX t_d ON t (d)`,
    );
    const ago = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    const uses = [
      { schema: 'public', name: 't_a', scans: 0 },
      { schema: 'public', name: 't_b', scans: 3 },
      { schema: 'public', name: 't_c', scans: 0, since: ago(2) },
    ];
    const answer = await ask(database.url, 'unused-index', { indexHistory: { since: ago(40), uses } });
    expect(foundNames(answer)).toEqual(['t_a']);
    expect(found(answer)[0]?.title).toBe('The index t_a (a) on t was not used in the 40 days that are known');
    expect(answer).toMatchObject({ untold: [{ reason: '2 indexes are known for too short a time to be judged' }] });
  });

  test('replicas count as the primary does; one that cannot be asked makes it unknown', async () => {
    await using primary = await scratchServer(major);
    const url = primary.url();
    await using client = await session(url);
    await client.query(shop);
    await using replica = await scratchReplica(primary, major);
    await using reader = await session(replica.url());
    await reader.query(`SET enable_seqscan = off`);
    await expect
      .poll(async () => (await reader.query(`SELECT count(*)::int FROM part`)).rows)
      .toEqual([{ count: 1000 }]);
    await reader.query(`SELECT count(*) FROM orders WHERE note = 'x'`);
    await reader.query(`SELECT count(*) FROM part WHERE at = '2024-02-03'`);
    await reader.end();
    const replicas = [{ name: 'reports', url: replica.url() }];
    const unused = async () => foundNames(await ask(url, 'unused-index', { ...atOnce, replicas }));
    await expect.poll(unused).toEqual(['orders_customer', 'orders_lower', 'part_note']);
    const [finding] = found(await ask(url, 'unused-index', { ...atOnce, replicas }));
    expect(finding?.title).toContain('on the primary and 1 replica');
    expect(await ask(url, 'unused-index', atOnce)).toMatchObject({
      status: 'unknown',
      reason: expect.stringMatching(/^5 indexes are not used .* but replica at 127.0.0.1 could not be asked$/),
    });
    expect(await ask(replica.url(), 'unused-index', atOnce)).toMatchObject({
      status: 'unknown',
      reason: 'A standby does not know how its primary uses indexes',
    });
  });
});

test('an index that is younger than what is known is not judged where commits have their times', async () => {
  await using server = await scratchServer(18, { track_commit_timestamp: 'on' });
  await using client = await session(server.url());
  await client.query(`CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)`);
  const uses = [{ schema: 'public', name: 't_a', scans: 0 }];
  const indexHistory = { since: new Date(Date.now() - 40 * 86_400_000), uses };
  expect(await ask(server.url(), 'unused-index', { indexHistory })).toMatchObject({
    status: 'unknown',
    reason: '1 index is known for too short a time to be judged',
  });
});
