import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { plainRole, session } from '../../../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what failed is built anew, what REINDEX left is dropped', async () => {
    await using database = await testDatabase(major);
    await database.query(
      `CREATE TABLE "T t" (a int); INSERT INTO "T t" VALUES (1), (1); CREATE INDEX fine ON "T t" (a)`,
    );
    expect(await ask(database.url, 'invalid-index')).toMatchObject({ status: 'fine' });
    await expect(database.query(`CREATE UNIQUE INDEX CONCURRENTLY "bad one" ON "T t" (a)`)).rejects.toThrow();
    // Reindexing the invalid one fails for the same reason, and leaves its copy behind.
    await expect(database.query(`REINDEX INDEX CONCURRENTLY "bad one"`)).rejects.toThrow();
    const answer = await ask(database.url, 'invalid-index');
    expect(foundNames(answer)).toEqual(['bad one', 'bad one_ccnew']);
    const byName = new Map(found(answer).map((finding) => [finding.subject.name, finding]));
    expect(byName.get('bad one')?.remedy?.fix).toEqual(['REINDEX INDEX CONCURRENTLY "public"."bad one"']);
    expect(byName.get('bad one_ccnew')?.remedy?.fix).toEqual(['DROP INDEX CONCURRENTLY "public"."bad one_ccnew"']);
    await using role = await plainRole(database);
    expect(foundNames(await ask(role.url, 'invalid-index'))).toEqual(['bad one', 'bad one_ccnew']);
    await database.query(`DELETE FROM "T t" WHERE ctid = '(0,1)'`);
    await expectFixAndUndo(database, 'invalid-index');
  });

  test('an index that is being built is left alone, and not known to a role that may not see it', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (a int); INSERT INTO t VALUES (1)`);
    await using writer = await session(database.url);
    await writer.query(`BEGIN; INSERT INTO t VALUES (2)`);
    await using builder = await session(database.url);
    const built = builder.query(`CREATE INDEX CONCURRENTLY t_a ON t (a)`);
    const waits = `SELECT 1 FROM pg_stat_progress_create_index WHERE datname = current_database()`;
    await expect.poll(() => database.query(waits)).toHaveLength(1);
    expect(await ask(database.url, 'invalid-index')).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    expect(await ask(role.url, 'invalid-index')).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('hidden from this role'),
      fix: `GRANT pg_read_all_stats TO ${role.name}`,
    });
    await writer.query(`COMMIT`);
    await built;
  });

  test('a partitioned index without all of its parts is for a person', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
      CREATE INDEX part_at ON ONLY part (at);
    `);
    expect(found(await ask(database.url, 'invalid-index'))[0]).toMatchObject({
      subject: { name: 'part_at' },
      remedy: { kind: 'manual', appliable: false },
    });
  });
});

test('a standby does not know whether its primary is building', async () => {
  await using primary = await scratchServer();
  await using client = await session(primary.url());
  await client.query(`CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)`);
  await expect(client.query(`CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)`)).rejects.toThrow();
  await using replica = await scratchReplica(primary, 18);
  await expect
    .poll(() => ask(replica.url(), 'invalid-index'))
    .toMatchObject({ status: 'unknown', reason: expect.stringContaining('t_a is not valid; whether the primary') });
});
