import { describe, expect, test } from 'vitest';
import { ask, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

const good = `
  CREATE TABLE parent (id bigint PRIMARY KEY, code text UNIQUE);
  CREATE TABLE fine (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES parent, code varchar(255) REFERENCES parent (code),
    name varchar(255), kind char(2), at timestamptz, price numeric(12, 2), ratio float8, data jsonb, raw json, note text
  );
  CREATE TABLE local (id int PRIMARY KEY, at timestamp);
  CREATE INDEX ON fine (note);
  INSERT INTO fine (note) SELECT CASE WHEN i % 2 = 0 THEN i::text ELSE 'x' || i END FROM generate_series(1, 500) i;
`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what is a matter of taste is not spoken of', async () => {
    await using database = await testDatabase(major);
    await database.query(good);
    await database.query(`ANALYZE`);
    expect(foundNames(await ask(database.url, 'column-type'))).toEqual([]);
  });

  test('types that hurt are found, and the changes proposed for them work, forth and back', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE EXTENSION pg_stat_statements;
      CREATE TABLE parent (id bigint PRIMARY KEY, n numeric UNIQUE, i int UNIQUE);
      CREATE TABLE "Übel" (
        nr numeric(20, 0) PRIMARY KEY, narrow int REFERENCES parent, cast_needed int REFERENCES parent (n), wider bigint REFERENCES parent (i),
        code char(10), amount money, total_price real, zoned timestamptz, plain timestamp,
        asked json, "gefragt" json, silent json, uuid text UNIQUE, number varchar UNIQUE
      );
      CREATE INDEX ON "Übel" ((asked ->> 'a'));
      INSERT INTO "Übel" (nr, code, amount, total_price, asked, gefragt, uuid, number)
        SELECT i, 'x', 1, 1.5, '{}', '{}', gen_random_uuid(), i FROM generate_series(1, 200) i;
    `);
    await database.query(`ANALYZE`);
    await database.query(`SELECT "gefragt" ->> 'b' FROM "Übel" WHERE nr = 1`);
    const answer = await ask(database.url, 'column-type');
    expect(foundNames(answer)).toEqual(
      [
        'amount',
        'asked',
        'cast_needed',
        'code',
        'gefragt',
        'narrow',
        'nr',
        'number',
        'plain',
        'total_price',
        'uuid',
      ].toSorted(),
    );
    const byName = new Map(found(answer).map((finding) => [finding.subject.name, finding]));
    expect(byName.get('narrow')).toMatchObject({
      severity: 'warning',
      explanation: expect.stringContaining('cannot hold all'),
    });
    expect(byName.get('cast_needed')?.explanation).toContain('an index on the column that is cast is not used');
    expect(byName.get('uuid')?.remedy?.fix).toEqual([
      'ALTER TABLE "public"."Übel" ALTER COLUMN "uuid" TYPE uuid USING "uuid"::uuid',
    ]);
    for (const way of ['fix', 'undo', 'fix'] as const) {
      for (const { remedy } of found(answer))
        for (const statement of remedy?.[way] ?? []) await database.query(statement);
    }
    await database.query(`ANALYZE`);
    expect(foundNames(await ask(database.url, 'column-type'))).toEqual(['nr', 'number', 'plain']);
    // Without statistics what the values look like is not spoken of.
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'column-type'))).toEqual(['nr', 'plain']);
  });
});
