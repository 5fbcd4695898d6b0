import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const traps = `
  CREATE EXTENSION btree_gist;
  CREATE TABLE t (id int PRIMARY KEY, a int, b int, "Größe" text, c text COLLATE "C", j jsonb, r int4range);
  CREATE INDEX plain ON t (a);
  CREATE INDEX descending ON t (a DESC);
  CREATE INDEX nulls_first ON t (a NULLS FIRST);
  CREATE INDEX partial ON t (a) WHERE b > 0;
  CREATE INDEX partial_other ON t (a) WHERE b > 1;
  CREATE INDEX hashed ON t USING hash (a);
  CREATE INDEX brin ON t USING brin (a);
  CREATE INDEX two ON t (a, b);
  CREATE INDEX two_swapped ON t (b, a);
  CREATE INDEX included ON t (b) INCLUDE (a);
  CREATE INDEX lower_text ON t (lower("Größe"));
  CREATE INDEX upper_text ON t (upper("Größe"));
  CREATE INDEX text_default ON t ("Größe");
  CREATE INDEX text_pattern ON t ("Größe" text_pattern_ops);
  CREATE INDEX text_c ON t ("Größe" COLLATE "C");
  CREATE INDEX gin_all ON t USING gin (j);
  CREATE INDEX gin_path ON t USING gin (j jsonb_path_ops);
  CREATE UNIQUE INDEX nulls_equal ON t (b) NULLS NOT DISTINCT;
  CREATE UNIQUE INDEX nulls_differ ON t (b);
  ALTER TABLE t ADD CONSTRAINT late UNIQUE (a, c) DEFERRABLE;
  CREATE UNIQUE INDEX at_once ON t (a, c);
  CREATE INDEX range_gist ON t USING gist (r);
  CREATE TABLE other (a int);
  CREATE INDEX other_a ON other (a);
`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('indexes that differ in anything are no duplicates', async () => {
    await using database = await testDatabase(major);
    await database.query(traps);
    expect(await ask(database.url, 'duplicate-index')).toMatchObject({ status: 'fine' });
  });

  test('indexes that do nothing that another does not do are found, and the right one is kept', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE SCHEMA "Läden";
      CREATE TABLE "Läden"."Ware ""x""" (id int PRIMARY KEY, a int, b int, "Größe" text);
      CREATE INDEX "a" ON "Läden"."Ware ""x""" (a);
      CREATE INDEX "a zwei" ON "Läden"."Ware ""x""" (a);
      CREATE UNIQUE INDEX id_again ON "Läden"."Ware ""x""" (id);
      CREATE INDEX id_plain ON "Läden"."Ware ""x""" (id);
      CREATE INDEX b ON "Läden"."Ware ""x""" (b) WITH (fillfactor = 70);
      CREATE INDEX b_more ON "Läden"."Ware ""x""" (b) INCLUDE (a, "Größe");
      CREATE INDEX l1 ON "Läden"."Ware ""x""" (lower("Größe"),  a DESC) WHERE a   > 5 AND "Größe" <> 'it''s';
      COMMENT ON INDEX "Läden".l1 IS 'it''s kept';
      CREATE INDEX l2 ON "Läden"."Ware ""x""" (  lower( "Größe" ), a DESC) WHERE (a > 5) AND ("Größe" <> 'it''s');
      CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
      CREATE INDEX part_at ON part (at);
      CREATE INDEX local_at ON part_1 (at);
    `);
    const answer = await ask(database.url, 'duplicate-index');
    expect(foundNames(answer)).toEqual(['a zwei', 'b', 'id_again', 'id_plain', 'l2', 'local_at']);
    const byName = new Map(found(answer).map((finding) => [finding.subject.name, finding]));
    expect(byName.get('id_again')?.explanation).toContain('the constraint Ware "x"_pkey needs it');
    expect(byName.get('b')?.explanation).toContain('it includes more columns');
    expect(byName.get('a zwei')?.remedy?.fix).toEqual(['DROP INDEX CONCURRENTLY "Läden"."a zwei"']);
    expect(byName.get('b')?.remedy?.undo[0]).toMatch(/^CREATE INDEX CONCURRENTLY b ON .* WITH \(fillfactor='70'\)$/);
    await expectFixAndUndo(database, 'duplicate-index');
  });

  test('the one with the most scans is kept; the replica identity and what foreign keys rest on are never dropped', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (a int NOT NULL, b int NOT NULL);
      INSERT INTO t SELECT i, i FROM generate_series(1, 2000) i;
      CREATE INDEX first ON t (a);
      ANALYZE t;
      SET enable_seqscan = off;
      SELECT count(*) FROM t WHERE a = 7;
      CREATE INDEX earlier ON t (a);
      CREATE UNIQUE INDEX identity ON t (b);
      CREATE UNIQUE INDEX b_unique ON t (b);
      ALTER TABLE t REPLICA IDENTITY USING INDEX identity;
      CREATE TABLE child (b int REFERENCES t (b));
      SELECT pg_stat_force_next_flush();
    `);
    const used = await database.query<{ conname: string; rests: string }>(
      `SELECT conname, conindid::regclass::text AS rests FROM pg_constraint WHERE contype = 'f'`,
    );
    const answer = await ask(database.url, 'duplicate-index');
    // Both unique ones are needed when the foreign key happens to rest on the other.
    expect(foundNames(answer)).toEqual(used[0]?.rests === 'identity' ? ['b_unique', 'earlier'] : ['earlier']);
    expect(found(answer).find(({ subject }) => subject.name === 'earlier')?.explanation).toContain('it is used more');
  });

  test('a role without rights finds the same; a definition under an exclusive lock is not waited for', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (a int); CREATE INDEX one ON t (a); CREATE INDEX two ON t (a)`);
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'duplicate-index'))).toEqual(['two']);
    await using holder = await session(database.url);
    await holder.query(`BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE`);
    const answer = await ask(database.url, 'duplicate-index');
    expect(foundNames(answer)).toEqual(['two']);
    expect(found(answer)[0]?.remedy).toBeNull();
  });

  test('a unique constraint that repeats the primary key is for a person to drop', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id int PRIMARY KEY, a int, UNIQUE (a), CONSTRAINT other UNIQUE (a, id));
      ALTER TABLE t ADD CONSTRAINT "noch mal" UNIQUE (id);
      CREATE TABLE rests (id int PRIMARY KEY, a int UNIQUE);
      ALTER TABLE rests ADD CONSTRAINT second UNIQUE (a);
      CREATE TABLE child (a int REFERENCES rests (a));
    `);
    const answer = await ask(database.url, 'duplicate-index');
    expect(foundNames(answer)).toHaveLength(2);
    const finding = found(answer).find(({ subject }) => subject.table === 't');
    expect(finding).toMatchObject({
      subject: { name: 'noch mal' },
      remedy: { kind: 'schema', fix: ['ALTER TABLE "public"."t" DROP CONSTRAINT "noch mal"'], appliable: false },
    });
    for (const { remedy } of found(answer)) for (const statement of remedy?.fix ?? []) await database.query(statement);
    expect(await ask(database.url, 'duplicate-index')).toMatchObject({ status: 'fine' });
    for (const { remedy } of found(answer)) for (const statement of remedy?.undo ?? []) await database.query(statement);
    expect(foundNames(await ask(database.url, 'duplicate-index'))).toHaveLength(2);
  });

  test('an invalid index repeats nothing and replaces nothing', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE INDEX good ON t (a)`);
    await expect(database.query(`CREATE UNIQUE INDEX CONCURRENTLY bad ON t (a)`)).rejects.toThrow('could not create');
    expect(await ask(database.url, 'duplicate-index')).toMatchObject({ status: 'fine' });
  });
});
