import { describe, expect, test } from 'vitest';
import { ask, counted, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('tables whose rows cannot be named are found, partitions not beside their table', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE keyed (id int PRIMARY KEY);
      CREATE TABLE unique_filled (id int NOT NULL UNIQUE);
      CREATE EXTENSION pg_stat_statements;
    `);
    expect(await ask(database.url, 'no-primary-key')).toMatchObject({ status: 'fine' });
    await counted(
      database,
      `CREATE TABLE "Lose" (code int, name text);
       INSERT INTO "Lose" SELECT i, 'same' FROM generate_series(1, 2000) i;
       CREATE TABLE unique_with_nulls (id int UNIQUE);
       CREATE TABLE partly (id int NOT NULL, a int); CREATE UNIQUE INDEX ON partly (id) WHERE a > 0;
       CREATE TABLE expressed (id int NOT NULL); CREATE UNIQUE INDEX ON expressed ((id + 1));
       CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
       CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');`,
      `ANALYZE "Lose"`,
    );
    const answer = await ask(database.url, 'no-primary-key');
    expect(foundNames(answer)).toEqual(['Lose', 'expressed', 'part', 'partly', 'unique_with_nulls']);
    const [first] = found(answer);
    expect(first).toMatchObject({ subject: { name: 'Lose' }, severity: 'warning', remedy: { appliable: false } });
    for (const statement of first?.remedy?.fix ?? []) await database.query(statement);
    expect(foundNames(await ask(database.url, 'no-primary-key'))).not.toContain('Lose');
    for (const statement of first?.remedy?.undo ?? []) await database.query(statement);
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'no-primary-key'))).toHaveLength(5);
  });

  test('a published table without an identity refuses updates: its unique index can be it', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id int NOT NULL UNIQUE, a int);
      INSERT INTO t VALUES (1, 1);
      CREATE PUBLICATION changes FOR TABLE t;
    `);
    await expect(database.query(`UPDATE t SET a = 2`)).rejects.toThrow('does not have a replica identity');
    expect(found(await ask(database.url, 'no-primary-key'))[0]?.title).toBe(
      't is published without a replica identity',
    );
    await expectFixAndUndo(database, 'no-primary-key');
    await database.query(`ALTER TABLE t REPLICA IDENTITY FULL`);
    expect(await ask(database.url, 'no-primary-key')).toMatchObject({ status: 'fine' });
  });

  test('a large log in the order of time is worth partitioning, other large tables are not', async () => {
    await using database = await testDatabase(major);
    const limits = { thresholds: { partitionFromBytes: 100_000 } };
    const rows = `SELECT i, '2024-01-01'::timestamptz + i * interval '1 minute', 'x' FROM generate_series(1, 5000) i`;
    await counted(
      database,
      `CREATE TABLE log (id int, at timestamptz, note text);
       CREATE TABLE busy (id int, at timestamptz, note text);
       CREATE TABLE mixed (id int, at timestamptz, note text);
       INSERT INTO log ${rows};
       INSERT INTO busy ${rows};
       INSERT INTO mixed ${rows} ORDER BY i % 7;
       UPDATE busy SET note = 'y';
       DELETE FROM log WHERE id < 1000;`,
      `VACUUM ANALYZE log`,
      `VACUUM ANALYZE busy`,
      `VACUUM ANALYZE mixed`,
    );
    const answer = await ask(database.url, 'partition-candidate', limits);
    expect(foundNames(answer)).toEqual(['log']);
    expect(found(answer)[0]?.explanation).toContain('Rows are deleted from it');
    expect(await ask(database.url, 'partition-candidate')).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    expect(await ask(role.url, 'partition-candidate', limits)).toMatchObject({ status: 'unknown' });
    const machine = { memoryBytes: 200_000, cpus: 2, disk: 'ssd' } as const;
    expect(foundNames(await ask(database.url, 'partition-candidate', { machine }))).toEqual(['log']);
  });
});
