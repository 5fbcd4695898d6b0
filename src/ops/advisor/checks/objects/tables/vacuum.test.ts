import { describe, expect, test } from 'vitest';
import { ask, counted, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const small = { thresholds: { smallTableRows: 1000 } };

const tables = `
  CREATE TABLE "Bücher" (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
  CREATE TABLE patient (id int PRIMARY KEY) WITH (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 10);
  CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') WITH (autovacuum_enabled = off);
  INSERT INTO "Bücher" SELECT i, 'note' FROM generate_series(1, 5000) i;
  INSERT INTO patient SELECT generate_series(1, 5000);
  INSERT INTO part SELECT i, '2024-01-02' FROM generate_series(1, 5000) i;
`;
const deletes = `
  DELETE FROM "Bücher" WHERE id % 2 = 0;
  DELETE FROM patient WHERE id % 2 = 0;
  DELETE FROM part WHERE id % 2 = 0;
`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('dead rows beyond the threshold of the table itself are found and vacuumed', async () => {
    await using database = await testDatabase(major);
    await counted(database, tables);
    expect(await ask(database.url, 'vacuum-behind', small)).toMatchObject({ status: 'fine' });
    await counted(database, deletes);
    const answer = await ask(database.url, 'vacuum-behind', small);
    expect(foundNames(answer)).toEqual(['Bücher', 'part_1']);
    expect(found(answer)[0]).toMatchObject({
      severity: 'warning',
      explanation: expect.stringContaining('Autovacuum is turned off for it'),
      evidence: expect.arrayContaining([{ label: 'Dead rows', value: 2500, unit: 'rows' }]),
    });
    expect(await ask(database.url, 'vacuum-behind')).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'vacuum-behind', small))).toEqual(['Bücher', 'part_1']);
    await expectFixAndUndo(database, 'vacuum-behind', small);
  });

  test('what keeps VACUUM from removing them is named: a transaction, a prepared one', async () => {
    await using server = await scratchServer(major, { max_prepared_transactions: '5', autovacuum: 'off' });
    const url = server.url();
    await using client = await session(url);
    await client.query(`CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)`);
    const vacuumed = async (): Promise<void> => {
      await client.query(`VACUUM t`);
      await client.query(`SELECT pg_stat_force_next_flush()`);
    };
    const finding = async () => found(await ask(url, 'vacuum-behind', small))[0];
    {
      await using reader = await session(`${url}?application_name=report`);
      await reader.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t`);
      await client.query(`DELETE FROM t WHERE id % 2 = 0`);
      await vacuumed();
      const held = await finding();
      expect(held?.explanation).toMatch(/^Dead rows .* while the session \d+ \(report, idle in transaction/);
      expect(held?.remedy).toMatchObject({ kind: 'session', appliable: false });
      await client.query(held?.remedy?.fix[0] ?? '');
    }
    await expect
      .poll(
        async () => (await client.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'report'`)).rowCount,
      )
      .toBe(0);
    await vacuumed();
    expect(await ask(url, 'vacuum-behind', small)).toMatchObject({ status: 'fine' });
    await client.query(`BEGIN`);
    await client.query(`CREATE TABLE other ()`);
    await client.query(`PREPARE TRANSACTION 'it''s'`);
    await client.query(`DELETE FROM t WHERE id % 5 <> 0`);
    await vacuumed();
    expect((await finding())?.explanation).toContain(`while the prepared transaction it's may need them`);
    expect((await finding())?.remedy?.riskDetail).toContain(`ROLLBACK PREPARED 'it''s'`);
    await client.query(`ROLLBACK PREPARED 'it''s'`);
  });

  test('rows too old to stay unfrozen are found, with who holds them back', async () => {
    await using database = await testDatabase(major);
    await counted(
      database,
      `CREATE TABLE old (id int PRIMARY KEY, long text) WITH (autovacuum_freeze_max_age = 100000, autovacuum_enabled = off);
       INSERT INTO old VALUES (1);
       CREATE TABLE young (id int PRIMARY KEY)`,
    );
    expect(await ask(database.url, 'freeze-age')).toMatchObject({ status: 'fine' });
    await using holder = await session(database.url);
    await holder.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM old`);
    await database.query(`DO $$ BEGIN FOR i IN 1..125000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$`);
    const answer = await ask(database.url, 'freeze-age');
    expect(foundNames(answer)).toEqual(['old']);
    expect(found(answer)[0]).toMatchObject({
      severity: 'warning',
      explanation: expect.stringContaining('while the session'),
      remedy: { kind: 'session', appliable: false },
    });
    await holder.query(`COMMIT`);
    await expectFixAndUndo(database, 'freeze-age');
  });
});

test('a standby counts nothing, a server without track_counts neither: not known', async () => {
  await using primary = await scratchServer(18, { track_counts: 'off' });
  await using replica = await scratchReplica(primary, 18);
  for (const check of ['vacuum-behind', 'stale-statistics']) {
    expect(await ask(primary.url(), check), check).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('track_counts is off'),
    });
    expect(await ask(replica.url(), check), check).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('A standby does not count'),
    });
  }
  expect(await ask(replica.url(), 'freeze-age')).toMatchObject({ status: 'fine' });
  expect(await ask(replica.url(), 'bloated-table')).toMatchObject({ status: 'unknown' });
});

test('a query on a standby that holds rows back is named by its slot', async () => {
  await using primary = await scratchServer(18, { autovacuum: 'off' });
  await using client = await session(primary.url());
  await client.query(`ALTER SYSTEM SET hot_standby_feedback = on`);
  await client.query(`ALTER SYSTEM SET wal_receiver_status_interval = '100ms'`);
  await client.query(`CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)`);
  await using replica = await scratchReplica(primary, 18, 'reports');
  await using writer = await session(primary.url());
  await using reader = await session(replica.url());
  await expect
    .poll(async () => (await reader.query(`SELECT count(*)::int AS count FROM t`)).rows)
    .toEqual([{ count: 5000 }]);
  await reader.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t`);
  const slot = `SELECT xmin::text FROM pg_replication_slots WHERE xmin IS NOT NULL`;
  await expect.poll(async () => (await writer.query(slot)).rowCount).toBe(1);
  await writer.query(`DELETE FROM t WHERE id % 2 = 0`);
  await writer.query(`VACUUM t`);
  await writer.query(`SELECT pg_stat_force_next_flush()`);
  const [finding] = found(await ask(primary.url(), 'vacuum-behind', small));
  expect(finding?.explanation).toContain(
    'while the replication slot "reports", by queries on its standby may need them',
  );
  expect(finding?.remedy).toMatchObject({ kind: 'manual', appliable: false });
});
