import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const small = { thresholds: { smallTableRows: 1000 } };
const exact = { ...small, exact: true };

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('columns that depend on each other are found in a sample, and only there', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE alone (id int PRIMARY KEY, a int);
      CREATE TABLE "Städte" (id int PRIMARY KEY, "Stadt" int, land int, other int);
      INSERT INTO "Städte" SELECT i, i % 100, i % 100 / 10, i * 7919 % 13 FROM generate_series(1, 5000) i;
      INSERT INTO alone SELECT i, i FROM generate_series(1, 5000) i;
    `);
    await database.query(`ANALYZE`);
    expect(await ask(database.url, 'extended-statistics', small)).toMatchObject({ status: 'fine' });
    await database.query(`CREATE INDEX ON "Städte" ("Stadt", land, id); CREATE INDEX ON "Städte" (other, land)`);
    expect(await ask(database.url, 'extended-statistics', small)).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('2 pairs of columns'),
      fix: 'ask for exact answers',
    });
    const answer = await ask(database.url, 'extended-statistics', exact);
    expect(found(answer).map(({ title }) => title)).toEqual(['Stadt and land of "Städte" depend on each other']);
    expect(found(answer)[0]?.evidence[0]).toEqual({ label: 'Times as many as planned for', value: 10 });
    await using role = await plainRole(database);
    expect(await ask(role.url, 'extended-statistics', exact)).toMatchObject({ status: 'unknown' });
    await expectFixAndUndo(database, 'extended-statistics', exact);
  });

  test('a long tail of frequent values needs a longer list', async () => {
    await using database = await testDatabase(major);
    // Value k is in about 4,000 / k rows: far more values are frequent than are listed.
    await database.query(`
      CREATE TABLE t (skewed int, even int, unindexed int);
      INSERT INTO t SELECT k, random() * 5000, k FROM generate_series(1, 4000) k, LATERAL generate_series(1, 4000 / k) n;
      INSERT INTO t SELECT 1000000 + i, random() * 5000, i FROM generate_series(1, 20000) i;
      CREATE INDEX ON t (skewed);
      CREATE INDEX ON t (even);
    `);
    await database.query(`ANALYZE t`);
    const answer = await ask(database.url, 'statistics-target', small);
    expect(foundNames(answer)).toEqual(['skewed']);
    expect(found(answer)[0]?.explanation).toContain('filters on the next ones are planned for');
    expect(await ask(database.url, 'statistics-target')).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    expect(await ask(role.url, 'statistics-target', small)).toMatchObject({ status: 'unknown' });
    await expectFixAndUndo(database, 'statistics-target', small);
  });
});
