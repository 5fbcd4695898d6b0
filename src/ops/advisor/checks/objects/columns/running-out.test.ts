import { describe, expect, test } from 'vitest';
import { ask, counted, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';
import { daysLeft, severityOf } from './running-out.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('sequences near their end, or near that of the column that they fill', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE "Käufe" (id serial PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY, s smallserial);
      CREATE TABLE wide (id bigint PRIMARY KEY);
      CREATE SEQUENCE narrow AS integer OWNED BY wide.id;
      CREATE SEQUENCE "rund um" AS smallint CYCLE;
      CREATE SEQUENCE chosen MAXVALUE 1000;
      CREATE SEQUENCE fresh;
    `);
    expect(await ask(database.url, 'sequence-exhaustion')).toMatchObject({ status: 'fine' });
    await database.query(`
      SELECT setval('"Käufe_id_seq"', 2000000000), setval('"Käufe_s_seq"', 26000), setval('narrow', 1700000000),
             setval('"rund um"', 32000), setval('chosen', 990)
    `);
    const answer = await ask(database.url, 'sequence-exhaustion');
    expect(foundNames(answer)).toEqual(['Käufe_id_seq', 'Käufe_s_seq', 'chosen', 'narrow']);
    const byName = new Map(found(answer).map((finding) => [finding.subject.name, finding]));
    expect(byName.get('Käufe_id_seq')).toMatchObject({
      severity: 'critical',
      title: 'The sequence "Käufe_id_seq", which fills id of "Käufe", has used 93 % of its values',
      remedy: {
        fix: [
          'ALTER TABLE "public"."Käufe" ALTER COLUMN "id" TYPE bigint',
          'ALTER SEQUENCE "public"."Käufe_id_seq" AS bigint',
        ],
        appliable: false,
      },
    });
    expect(byName.get('Käufe_s_seq')?.severity).toBe('warning');
    expect(byName.get('chosen')?.remedy).toMatchObject({ fix: [], appliable: false });
    // What needs a person works too.
    for (const name of ['Käufe_id_seq', 'Käufe_s_seq']) {
      for (const statement of byName.get(name)?.remedy?.fix ?? []) await database.query(statement);
    }
    await database.query(`DROP SEQUENCE chosen`);
    await expectFixAndUndo(database, 'sequence-exhaustion');
    await using role = await plainRole(database);
    await using owner = await session(database.url);
    await owner.query(`ALTER SEQUENCE narrow AS bigint`);
    expect(await ask(role.url, 'sequence-exhaustion')).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('may not be read by this role'),
    });
  });

  test('integer keys by their histogram, or exactly by the table', async () => {
    await using database = await testDatabase(major);
    await counted(
      database,
      `CREATE TABLE parent (id bigint PRIMARY KEY);
       CREATE TABLE "Teile" (nr int PRIMARY KEY, small smallint UNIQUE, note int, parent int REFERENCES parent);
       INSERT INTO parent SELECT 1900000000 + i FROM generate_series(1, 500) i;
       INSERT INTO "Teile" SELECT i, i, 2147483647, 1900000000 + i FROM generate_series(1, 500) i`,
    );
    expect(await ask(database.url, 'integer-keys')).toMatchObject({
      status: 'unknown',
      reason: '3 key columns have no statistics, "Teile".nr among them',
      fix: 'ANALYZE',
    });
    await counted(database, `ANALYZE`);
    const answer = await ask(database.url, 'integer-keys');
    expect(foundNames(answer)).toEqual(['parent']);
    expect(found(answer)[0]).toMatchObject({
      severity: 'warning',
      explanation: expect.stringContaining('It refers to public.parent'),
    });
    await database.query(`INSERT INTO "Teile" VALUES (2147000000, 32000)`);
    expect(foundNames(await ask(database.url, 'integer-keys'))).toEqual(['parent']);
    expect(foundNames(await ask(database.url, 'integer-keys', { exact: true }))).toEqual(['nr', 'parent', 'small']);
    for (const { remedy } of found(await ask(database.url, 'integer-keys', { exact: true }))) {
      for (const statement of remedy?.fix ?? []) await database.query(statement);
    }
    expect(await ask(database.url, 'integer-keys')).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    await database.query(`CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1); ANALYZE other`);
    expect(await ask(role.url, 'integer-keys')).toMatchObject({
      status: 'unknown',
      fix: `GRANT pg_read_all_data TO ${role.name}`,
    });
  });
});

test('what lasts for days only is grave, however little is used', () => {
  const now = new Date('2026-06-30T00:00:00Z');
  const since = new Date('2026-06-20T00:00:00Z');
  expect(daysLeft(1_000_000, 500_000, since, now)).toBe(20);
  expect(daysLeft(1_000_000, 500_000, new Date(now.getTime() - 3_600_000), now)).toBeNull();
  expect(daysLeft(1_000_000, 0, since, now)).toBeNull();
  expect([
    severityOf(0.2, 20),
    severityOf(0.2, 80),
    severityOf(0.2, 400),
    severityOf(0.8, null),
    severityOf(0.95, null),
  ]).toEqual(['critical', 'warning', undefined, 'warning', 'critical']);
});
