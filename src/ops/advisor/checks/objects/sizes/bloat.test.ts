import { describe, expect, test } from 'vitest';
import { ask, counted, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole } from '../../../../../../test/support/catalog.ts';
import { type TestDatabase, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

/** Tables of tests are small. */
const small = { thresholds: { bloatFromBytes: 200_000 } };
const rows = 50_000;

const kinds = `
  CREATE TABLE "bläht" (id int PRIMARY KEY, hash text, few int, note text, maybe int) WITH (autovacuum_enabled = off);
  INSERT INTO "bläht" SELECT i, md5(i::text), i % 10, 'note ' || i, CASE WHEN i % 3 = 0 THEN i END FROM generate_series(1, ${rows}) i;
  CREATE INDEX hash ON "bläht" (hash);
  CREATE INDEX few ON "bläht" (few);
  CREATE INDEX pair ON "bläht" (few, id);
  CREATE INDEX maybe ON "bläht" (maybe);
`;

/** How much of an index is empty, by pgstattuple. */
async function emptyShare(database: TestDatabase, name: string): Promise<number> {
  const [row] = await database.query<{ share: number }>(
    `SELECT 1 - (ceil(leaf_pages * avg_leaf_density / 90) + internal_pages + 1) * 8192 / index_size AS share FROM pgstatindex($1)`,
    [name],
  );
  return row?.share ?? Number.NaN;
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('fresh is fine, what was mostly deleted is found, with an estimate that pgstattuple bears out', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pgstattuple`);
    await database.query(kinds);
    await counted(database, `VACUUM ANALYZE "bläht"`);
    for (const check of ['bloated-index', 'bloated-table']) {
      expect(await ask(database.url, check, small), check).toMatchObject({ status: 'fine' });
      expect(await ask(database.url, check, { ...small, exact: true }), check).toMatchObject({ status: 'fine' });
    }
    // Of each page some rows stay, so that VACUUM can give nothing back.
    await database.query(`DELETE FROM "bläht" WHERE id % 5 <> 0`);
    await counted(database, `VACUUM ANALYZE "bläht"`);
    const indexes = found(await ask(database.url, 'bloated-index', small));
    expect(indexes.map(({ subject }) => subject.name).toSorted()).toEqual([
      'bläht_pkey',
      'few',
      'hash',
      'maybe',
      'pair',
    ]);
    for (const { subject, evidence } of indexes) {
      const said = (label: string): number => Number(evidence.find((each) => each.label === label)?.value);
      const truth = await emptyShare(database, `"${subject.name}"`);
      const message = `${subject.name}: ${said('Empty, estimated')} estimated, ${truth} in truth`;
      expect(Math.abs(said('Empty, estimated') - truth), message).toBeLessThan(0.03);
      expect(said('Empty, at least') - 0.02, message).toBeLessThan(truth);
      expect(said('Empty, at most') + 0.02, message).toBeGreaterThan(truth);
    }
    const [table] = found(await ask(database.url, 'bloated-table', small));
    const [truth] = await database.query<{ share: number }>(
      `SELECT (approx_free_space + dead_tuple_len) / table_len::float8 AS share FROM pgstattuple_approx('"bläht"')`,
    );
    expect(table?.key).toBe('bloated-table:public.bläht');
    expect(Math.abs(Number(table?.evidence[3]?.value) - (truth?.share ?? 0))).toBeLessThan(0.05);
    expect(table?.remedy).toMatchObject({ kind: 'manual', fix: [], appliable: false });
    const exact = found(await ask(database.url, 'bloated-index', { ...small, exact: true }));
    expect(exact.map(({ subject }) => subject.name).toSorted()).toEqual(['bläht_pkey', 'few', 'hash', 'maybe', 'pair']);
    expect(exact[0]?.title).toMatch(/^\d+ % of the index/);
    expect(foundNames(await ask(database.url, 'bloated-table', { ...small, exact: true }))).toEqual(['bläht']);
    await expectFixAndUndo(database, 'bloated-index', small);
  });

  test('an index that grew by random inserts is not bloated', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (hash text, several int);
      CREATE INDEX hash ON t (hash);
      CREATE INDEX several ON t (several);
      INSERT INTO t SELECT md5(i::text), (random() * 3000)::int FROM generate_series(1, ${rows}) i;
    `);
    await counted(database, `VACUUM ANALYZE t`);
    expect(await ask(database.url, 'bloated-index', small)).toMatchObject({ status: 'fine' });
    expect(await ask(database.url, 'bloated-table', small)).toMatchObject({ status: 'fine' });
  });

  test('what cannot be known is told, with what would change that', async () => {
    await using database = await testDatabase(major);
    await database.query(kinds);
    await counted(database, `VACUUM "bläht"`);
    const untold = async (check: string, url = database.url, more = {}) => {
      const answer = await ask(url, check, { ...small, ...more });
      return answer.status === 'unknown' ? [answer] : (answer.untold ?? []);
    };
    expect(await untold('bloated-index')).toContainEqual({
      reason: 'Columns of few have no statistics',
      fix: 'ANALYZE "public"."bläht"',
    });
    expect(await untold('bloated-table')).toContainEqual({
      reason: 'Columns of "bläht" have no statistics',
      fix: 'ANALYZE "public"."bläht"',
    });
    await counted(database, `ANALYZE "bläht"`);
    await using role = await plainRole(database);
    expect(await untold('bloated-index', role.url)).toContainEqual({
      reason: 'This role may not see statistics of the columns of hash',
      fix: `GRANT SELECT ON "public"."bläht" TO ${role.name}`,
    });
    expect(await untold('bloated-table', role.url)).toHaveLength(1);
    expect(await untold('bloated-index', database.url, { exact: true })).toContainEqual({
      reason: 'Exact sizes were asked for, but the extension pgstattuple is not installed',
      fix: 'CREATE EXTENSION pgstattuple',
    });
    await database.query(`CREATE EXTENSION pgstattuple`);
    expect(await untold('bloated-index', role.url, { exact: true })).toContainEqual({
      reason: expect.stringContaining('hash could not be measured: permission denied'),
      fix: null,
    });
    await database.query(`DELETE FROM "bläht" WHERE id > 20000; SELECT pg_stat_force_next_flush()`);
    expect(await untold('bloated-table')).toContainEqual({
      reason: '30,000 rows of "bläht" changed since they were counted',
      fix: 'ANALYZE "public"."bläht"',
    });
  });

  test('columns that came or went widen the bounds instead of making the estimate wrong', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id int, gone text, stays text);
      INSERT INTO t SELECT i, repeat('x', 60), repeat('y', 40) FROM generate_series(1, 20000) i;
      ALTER TABLE t DROP COLUMN gone;
      ALTER TABLE t ADD COLUMN came text NOT NULL DEFAULT repeat('z', 200);
      ANALYZE t;
    `);
    const answer = await ask(database.url, 'bloated-table', small);
    expect(answer).toMatchObject({ status: 'fine' });
  });
});
