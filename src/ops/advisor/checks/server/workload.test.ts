import { describe, expect, test } from 'vitest';
import { findingOf, findingsOf, remedyOf, runStatements } from '../../../../../test/support/answers.ts';
import { plainRole, session } from '../../../../../test/support/catalog.ts';
import { scratchServer, testDatabase, testedMajors, type TestDatabase } from '../../../../../test/support/postgres.ts';
import { openCheckContext } from '../../index.ts';
import { cacheHit, cacheHitCheck } from './cache-hit.ts';
import { materialisedViewCandidate, materialisedViewCandidateCheck } from './materialised-view-candidate.ts';
import { sequentialScans, sequentialScansCheck } from './sequential-scans.ts';
import { tempFiles, tempFilesCheck } from './temp-files.ts';

const machine = { memoryBytes: 8 * 1024 ** 3, cpus: 2, disk: 'ssd' as const };
const megabyte = 1024 ** 2;

/** Counters of a session reach the statistics when it ends, at the latest. */
async function repeated(database: TestDatabase, times: number, ...statements: string[]): Promise<void> {
  await using client = await session(database.url);
  for (let time = 0; time < times; time += 1) for (const statement of statements) await client.query(statement);
}

async function filled(database: TestDatabase): Promise<void> {
  await database.query(`CREATE EXTENSION pg_stat_statements`);
  await database.query(`CREATE TABLE "Große Tabelle" (id int, kind int, note text)`);
  await database.query(
    `INSERT INTO "Große Tabelle" SELECT n, n % 100, repeat('x', 60) FROM generate_series(1, 120000) n`,
  );
  await database.query(`VACUUM ANALYZE "Große Tabelle"`);
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('a large table that is read whole often is found with its readers, one that is not is fine', async () => {
    await using database = await testDatabase(major);
    {
      await using context = await openCheckContext({ url: database.url });
      expect(await sequentialScans.run(context)).toMatchObject({ status: 'fine' });
    }
    await filled(database);
    await using context = await openCheckContext({ url: database.url });
    // Counted for too short a time, whatever was done.
    await database.query('SELECT pg_stat_reset()');
    expect(await sequentialScans.run(context)).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('counted only since'),
    });
    const often = sequentialScansCheck({
      leastBytes: 8 * megabyte,
      leastRows: 10_000,
      leastReads: 20,
      leastReadsPerHour: 2,
      leastHours: 0,
    });
    // Scans that stop early are no whole reads.
    await repeated(database, 100, `SELECT 1 FROM "Große Tabelle" LIMIT 1`);
    await expect.poll(() => often.run(context)).toMatchObject({ status: 'fine' });
    await repeated(database, 25, `SELECT note FROM "Große Tabelle" WHERE id = 77`);
    await expect.poll(() => often.run(context)).toMatchObject({ status: 'found' });
    const finding = await findingOf(often, context, 'sequential-scans:public."Große Tabelle"');
    expect(finding.severity).toBe('warning');
    expect(finding.evidence.find(({ label }) => label.startsWith('Statement'))?.value).toContain('WHERE id = $1');
  });

  test('statements that spill are found by role, with a work_mem that spares it and goes back to what it was', async () => {
    await using database = await testDatabase(major);
    await filled(database);
    await using context = await openCheckContext({ url: database.url, machine });
    const check = tempFilesCheck({ leastBytes: 20 * megabyte, leastBytesPerHour: 20 * megabyte, leastCalls: 3 });
    await using role = await plainRole(database);
    await database.query(`GRANT SELECT ON "Große Tabelle" TO ${role.name}`);
    await database.query(`ALTER ROLE ${role.name} SET work_mem = '1MB'`);
    const sorted = `SELECT count(*) FROM (SELECT note, id FROM "Große Tabelle" ORDER BY note, kind, id OFFSET 0) s`;
    await runStatements(role.url, ['SELECT 1']);
    expect(await check.run(context)).toMatchObject({ status: 'fine' });
    await runStatements(role.url, [sorted, sorted, sorted, sorted]);
    await expect.poll(() => check.run(context)).toMatchObject({ status: 'found' });
    const finding = await findingOf(check, context, `temp-files:${role.name}`);
    const remedy = remedyOf(finding);
    expect(remedy).toMatchObject({ kind: 'setting', appliable: true });
    const written = () =>
      database.query(
        `SELECT sum(temp_blks_written) AS blocks FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE rolname = '${role.name}'`,
      );
    const settings = async () =>
      (
        await database.query<{ config: string[] }>(
          `SELECT rolconfig AS config FROM pg_roles WHERE rolname = '${role.name}'`,
        )
      )[0]?.config;
    await runStatements(database.url, remedy.fix);
    const before = await written();
    await runStatements(role.url, [sorted]);
    expect(await written()).toEqual(before);
    await runStatements(database.url, remedy.undo);
    expect(await settings()).toEqual(['work_mem=1MB']);
    // What would need more than the machine can give is not a setting any more.
    await using small = await openCheckContext({
      url: database.url,
      machine: { ...machine, memoryBytes: 64 * megabyte },
    });
    expect(remedyOf(await findingOf(check, small, `temp-files:${role.name}`))).toMatchObject({
      kind: 'manual',
      fix: [],
    });
  });

  test('spilling without pg_stat_statements is known, but not whose it is', async () => {
    await using database = await testDatabase(major);
    await runStatements(database.url, [
      `SET work_mem = '64kB'`,
      `SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) n ORDER BY n DESC OFFSET 0) s`,
    ]);
    await using context = await openCheckContext({ url: database.url });
    await expect
      .poll(() => tempFiles.run(context))
      .toMatchObject({ status: 'unknown', fix: 'CREATE EXTENSION pg_stat_statements' });
    expect(await materialisedViewCandidate.run(context)).toMatchObject({
      status: 'unknown',
      fix: 'CREATE EXTENSION pg_stat_statements',
    });
    // Nor does a role know that may not see the statements of others.
    await database.query('CREATE EXTENSION pg_stat_statements');
    await using role = await plainRole(database);
    await using plain = await openCheckContext({ url: role.url });
    for (const check of [tempFiles, materialisedViewCandidate]) {
      expect(await check.run(plain), check.id).toMatchObject({
        status: 'unknown',
        fix: expect.stringContaining('GRANT pg_read_all_stats'),
      });
    }
  });

  test('a summary that is computed again and again of what seldom changes may be kept', async () => {
    await using database = await testDatabase(major);
    await filled(database);
    await using context = await openCheckContext({ url: database.url });
    const check = materialisedViewCandidateCheck({
      leastMeanMs: 1,
      leastCalls: 5,
      leastMsPerHour: 5,
      leastTableRows: 100_000,
      mostRows: 1000,
      mostChangedPerHour: 0.01,
    });
    const summary = `SELECT kind, count(*), max(note) FROM "Große Tabelle" GROUP BY kind`;
    await repeated(database, 6, summary, `SELECT note FROM "Große Tabelle" WHERE id = 3`);
    await expect.poll(() => check.run(context)).toMatchObject({ status: 'found' });
    const [finding, ...others] = await findingsOf(check, context);
    expect(others).toEqual([]);
    expect(finding?.remedy).toMatchObject({ kind: 'manual', appliable: false });
    await runStatements(database.url, finding?.remedy?.fix ?? []);
    expect(await database.query(`SELECT relispopulated FROM pg_class WHERE relkind = 'm'`)).toEqual([
      { relispopulated: true },
    ]);
    await runStatements(database.url, finding?.remedy?.undo ?? []);
    // A table of which much changes is no candidate.
    await repeated(database, 1, `UPDATE "Große Tabelle" SET note = 'y' WHERE id % 10 = 0`);
    await expect.poll(() => check.run(context)).toMatchObject({ status: 'fine' });
  });
});

test('a cache that is too small for what is read is found, with the tables that are read', async () => {
  await using server = await scratchServer(18, { shared_buffers: '1MB' });
  const url = server.url();
  await using context = await openCheckContext({ url });
  await runStatements(url, ['SELECT pg_stat_reset()']);
  expect(await cacheHit.run(context)).toMatchObject({ status: 'unknown', reason: expect.stringContaining('too few') });
  await runStatements(url, [
    `CREATE TABLE big AS SELECT n, repeat('x', 500) AS note FROM generate_series(1, 60000) n`,
    'VACUUM ANALYZE big',
    ...Array.from({ length: 5 }, () => 'SELECT count(*) FROM big'),
  ]);
  await expect
    .poll(() => cacheHitCheck({ leastBlocks: 10_000, leastHours: 1, warning: 0.9, info: 0.95 }).run(context))
    .toMatchObject({ status: 'unknown', reason: expect.stringContaining('still fills') });
  const check = cacheHitCheck({ leastBlocks: 10_000, leastHours: 0, warning: 0.9, info: 0.95 });
  const [finding] = await findingsOf(check, context);
  expect(finding).toMatchObject({ severity: 'warning', subject: { kind: 'database' } });
  expect(finding?.evidence.map(({ label }) => label)).toContain('Reads of public.big');
  const content = cacheHitCheck({ leastBlocks: 10_000, leastHours: 0, warning: 0, info: 0 });
  expect(await content.run(context)).toMatchObject({ status: 'fine' });
});
