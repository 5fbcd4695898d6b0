import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const parent = `CREATE TABLE parent (a int, b int, t text COLLATE "C" UNIQUE, PRIMARY KEY (a, b), UNIQUE (a))`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what only seems to serve a foreign key does not', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      ${parent};
      CREATE TABLE "Kind" (id int PRIMARY KEY, a int CONSTRAINT to_a REFERENCES parent (a), b int, t text COLLATE "C" REFERENCES parent (t),
                           CONSTRAINT pair FOREIGN KEY (a, b) REFERENCES parent);
      CREATE INDEX second ON "Kind" (id, a);
      CREATE INDEX partial ON "Kind" (a, b) WHERE id > 5;
      CREATE INDEX half ON "Kind" (b, id, a);
      CREATE INDEX brin ON "Kind" USING brin (a);
      CREATE INDEX expression ON "Kind" ((a + 0), b);
      CREATE INDEX collated ON "Kind" (t COLLATE "de-x-icu");
      CREATE TABLE small (a int REFERENCES parent (a));
      CREATE TABLE "Kind_a_b_idx" ();
      INSERT INTO "Kind" (id) SELECT generate_series(1, 12000);
      ANALYZE "Kind";
    `);
    const answer = await ask(database.url, 'unindexed-foreign-key');
    expect(
      found(answer)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual([
      'unindexed-foreign-key:public.Kind.Kind_t_fkey',
      'unindexed-foreign-key:public.Kind.pair',
      'unindexed-foreign-key:public.Kind.to_a',
    ]);
    expect(found(answer)[0]).toMatchObject({ severity: 'warning', subject: { kind: 'table', name: 'Kind' } });
    // A name that is taken is not given again.
    const fixes = found(answer).flatMap(({ remedy }) => remedy?.fix ?? []);
    expect(fixes).toContain('CREATE INDEX CONCURRENTLY "Kind_a_b_idx1" ON "public"."Kind" ("a", "b")');
    // One index serves both keys that begin with the same column.
    expect(new Set(fixes).size).toBe(2);
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'unindexed-foreign-key'))).toHaveLength(3);
    await expectFixAndUndo(database, 'unindexed-foreign-key');
  });

  test('any order, more columns, no NULLs and hash all serve', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      ${parent};
      CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES parent (a), b int, t text COLLATE "C" REFERENCES parent (t),
                          FOREIGN KEY (a, b) REFERENCES parent);
      CREATE INDEX swapped ON child (b, a, id);
      CREATE INDEX hashed ON child USING hash (t);
      CREATE INDEX filled ON child (a) WHERE a IS NOT NULL;
      CREATE TABLE other (a int, b int, FOREIGN KEY (a, b) REFERENCES parent);
      CREATE INDEX both_filled ON other (a, b) WHERE b IS NOT NULL AND a IS NOT NULL;
      INSERT INTO child (id) SELECT generate_series(1, 12000);
      INSERT INTO other SELECT NULL, i FROM generate_series(1, 12000) i;
      ANALYZE child, other;
    `);
    expect(await ask(database.url, 'unindexed-foreign-key')).toMatchObject({
      status: 'fine',
      message: 'Every foreign key has an index',
      evidence: [{ value: 4 }],
    });
  });

  test('partitions: one finding for the table, built on one partition after the other', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE parent (a int PRIMARY KEY) PARTITION BY HASH (a);
      CREATE TABLE parent_0 PARTITION OF parent FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE parent_1 PARTITION OF parent FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE part (id int, a int REFERENCES parent) PARTITION BY RANGE (id);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10000);
      CREATE TABLE "part 2" PARTITION OF part FOR VALUES FROM (10000) TO (20000);
      INSERT INTO part SELECT generate_series(1, 12000);
      ANALYZE part;
    `);
    const answer = await ask(database.url, 'unindexed-foreign-key');
    expect(found(answer)).toMatchObject([{ subject: { name: 'part' }, severity: 'warning' }]);
    expect(found(answer)[0]?.remedy?.fix).toHaveLength(5);
    await expectFixAndUndo(database, 'unindexed-foreign-key');
    // Where only one lacks it, the others have theirs.
    await database.query(`CREATE INDEX ON part_1 (a)`);
    expect(found(await ask(database.url, 'unindexed-foreign-key'))[0]?.explanation).toContain(
      '1 of 2 partitions lack it',
    );
    await expectFixAndUndo(database, 'unindexed-foreign-key');
    await database.query(`CREATE INDEX ON "part 2" (a)`);
    expect(await ask(database.url, 'unindexed-foreign-key')).toMatchObject({ status: 'fine' });
  });

  test('a small table is not spoken of', async () => {
    await using database = await testDatabase(major);
    await database.query(`${parent}; CREATE TABLE small (a int REFERENCES parent (a))`);
    expect(await ask(database.url, 'unindexed-foreign-key')).toMatchObject({
      status: 'fine',
      message: 'Every foreign key has an index, but for 1 small table',
    });
  });
});
