import { describe, expect, test } from 'vitest';
import { ask, counted, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const small = { thresholds: { smallTableRows: 1000 } };
const off = `WITH (autovacuum_enabled = off)`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('tables never analyzed, or changed since, and partitioned ones that nobody analyzes', async () => {
    await using database = await testDatabase(major);
    await counted(
      database,
      `CREATE TABLE never (id int PRIMARY KEY) ${off};
       CREATE TABLE "nur vacuum" (id int PRIMARY KEY) ${off};
       CREATE TABLE changed (id int PRIMARY KEY, a int) ${off};
       CREATE TABLE patient (id int PRIMARY KEY, a int) WITH (autovacuum_enabled = off, autovacuum_analyze_scale_factor = 5);
       CREATE TABLE tiny (id int PRIMARY KEY) ${off};
       CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
       CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') ${off};
       INSERT INTO never SELECT generate_series(1, 3000);
       INSERT INTO "nur vacuum" SELECT generate_series(1, 3000);
       INSERT INTO changed SELECT generate_series(1, 3000);
       INSERT INTO patient SELECT generate_series(1, 3000);
       INSERT INTO tiny SELECT generate_series(1, 100);
       INSERT INTO part SELECT i, '2024-01-02' FROM generate_series(1, 3000) i;`,
      `VACUUM "nur vacuum"`,
      `ANALYZE changed, patient, part_1`,
      `UPDATE changed SET a = 1; UPDATE patient SET a = 1`,
    );
    const answer = await ask(database.url, 'stale-statistics', small);
    expect(foundNames(answer)).toEqual(['changed', 'never', 'nur vacuum', 'part']);
    const titles = Object.fromEntries(found(answer).map(({ subject, title }) => [subject.name, title]));
    expect(titles).toEqual({
      changed: '3,000 rows of changed changed since it was analyzed',
      never: 'never (3,000 rows) was never analyzed',
      'nur vacuum': '"nur vacuum" (3,000 rows) was never analyzed',
      part: 'The partitioned table part (3,000 rows) was never analyzed',
    });
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'stale-statistics', small))).toHaveLength(4);
    await expectFixAndUndo(database, 'stale-statistics', small);
    await counted(
      database,
      `INSERT INTO part SELECT i, '2024-01-02' FROM generate_series(1, 3000) i`,
      `ANALYZE part_1`,
    );
    expect(found(await ask(database.url, 'stale-statistics', small))[0]?.title).toBe(
      'The partitioned table part was analyzed with 3,000 rows and now has 6,000',
    );
    expect(await ask(database.url, 'stale-statistics')).toMatchObject({ status: 'fine' });
  });
});
