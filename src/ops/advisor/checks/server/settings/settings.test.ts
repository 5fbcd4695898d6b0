import { describe, expect, test } from 'vitest';
import { findingOf, findingsOf, remedyOf, runStatements } from '../../../../../../test/support/answers.ts';
import { session } from '../../../../../../test/support/catalog.ts';
import { scratchServer, testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';
import { openCheckContext } from '../../../index.ts';
import { ioSettings } from './io.ts';
import { memorySettings } from './memory.ts';
import { plannerSettings } from './planner.ts';
import { safetySettings } from './safety.ts';
import { walSettings, walSettingsCheck } from './wal.ts';

const gigabyte = 1024 ** 3;
const machine = { memoryBytes: 64 * gigabyte, cpus: 32, disk: 'ssd' as const };

/** Tells the catalog that a table is so large, as the planner would believe it: a real one would fill the disk. */
const grown = (table: string, bytes: number): string =>
  `UPDATE pg_class SET relpages = ${bytes / 8192}, reltuples = 1e9 WHERE relname = '${table}'`;

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('memory, planner and I/O are held against the machine and the data, and not judged without knowing the machine', async () => {
    await using server = await scratchServer(major, { shared_buffers: '1MB', wal_compression: 'off' });
    const url = server.url();
    await runStatements(url, [
      `CREATE TABLE big AS SELECT n, repeat('x', 500) AS note FROM generate_series(1, 60000) n`,
      'VACUUM ANALYZE big',
    ]);
    await using small = await openCheckContext({ url, machine });
    for (const check of [memorySettings, plannerSettings, ioSettings]) {
      expect(await check.run(small), check.id).toMatchObject({ status: 'fine' });
    }
    await runStatements(url, [
      ...Array.from({ length: 30 }, () => 'SELECT count(*) FROM big'),
      grown('big', 100 * gigabyte),
    ]);
    const keys = async (check: typeof memorySettings) => (await findingsOf(check, small)).map(({ key }) => key);
    await expect
      .poll(() => keys(memorySettings))
      .toEqual([
        'memory-settings:shared_buffers',
        'memory-settings:effective_cache_size',
        'memory-settings:maintenance_work_mem',
      ]);
    expect(await keys(plannerSettings)).toEqual([
      'planner-settings:random_page_cost',
      ...(major < 18 ? ['planner-settings:effective_io_concurrency'] : []),
    ]);
    if (major >= 18) expect(await keys(ioSettings)).toEqual(['io-settings:io_workers']);
    // What needs a restart is left to a person.
    const buffers = remedyOf(await findingOf(memorySettings, small, 'memory-settings:shared_buffers'));
    expect(buffers).toMatchObject({ appliable: false, fix: [`ALTER SYSTEM SET shared_buffers = '16GB'`] });
    const cache = remedyOf(await findingOf(memorySettings, small, 'memory-settings:effective_cache_size'));
    expect(cache.fix[0]).toBe(`ALTER SYSTEM SET effective_cache_size = '48GB'`);
    await runStatements(url, cache.fix);
    await expect.poll(() => keys(memorySettings)).not.toContain('memory-settings:effective_cache_size');
    await runStatements(url, cache.undo);
    await expect.poll(() => keys(memorySettings)).toContain('memory-settings:effective_cache_size');
    await using unknown = await openCheckContext({ url });
    for (const check of [memorySettings, plannerSettings]) {
      expect(await check.run(unknown)).toMatchObject({
        status: 'unknown',
        reason: expect.stringContaining('machine'),
        fix: expect.stringContaining('advisor.machine'),
      });
    }
    await runStatements(url, [
      `ALTER SYSTEM SET work_mem = '4GB'`,
      `ALTER SYSTEM SET enable_nestloop = off`,
      'SELECT pg_reload_conf()',
    ]);
    await expect.poll(() => keys(memorySettings)).toContain('memory-settings:work_mem');
    expect(await keys(plannerSettings)).toContain('planner-settings:enable_nestloop');
  });

  test('WAL settings are judged by how much is written, for long enough', async () => {
    await using server = await scratchServer(major, {
      full_page_writes: 'on',
      checkpoint_completion_target: '0.5',
      wal_buffers: '32kB',
    });
    const url = server.url();
    await using context = await openCheckContext({ url });
    await runStatements(url, [
      `CREATE TABLE t AS SELECT n AS id, 0 AS value, repeat('x', 400) AS note FROM generate_series(1, 20000) n`,
      'CREATE INDEX ON t (id)',
    ]);
    // Its session has ended, and with it what it counted came in before the reset.
    await runStatements(url, [
      'CHECKPOINT',
      `SELECT pg_stat_reset_shared('wal')`,
      'UPDATE t SET value = 1 WHERE id % 17 = 0',
    ]);
    const check = walSettingsCheck({ leastBytesPerHour: 1, leastHours: 0 });
    await expect
      .poll(async () => (await findingsOf(check, context)).map(({ key }) => key))
      .toEqual(
        expect.arrayContaining([
          'wal-settings:wal_compression',
          'wal-settings:checkpoint_timeout',
          'wal-settings:checkpoint_completion_target',
          'wal-settings:wal_buffers',
        ]),
      );
    expect(await walSettings.run(context)).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining('6 hours'),
    });
    const idle = walSettingsCheck({ leastBytesPerHour: 1e15, leastHours: 0 });
    expect(await idle.run(context)).toMatchObject({ status: 'fine' });
    const remedy = remedyOf(await findingOf(check, context, 'wal-settings:wal_compression'));
    await using reader = await session(url);
    const shown = async () =>
      (await reader.query<{ wal_compression: string }>('SHOW wal_compression')).rows[0]?.wal_compression;
    await runStatements(url, remedy.fix);
    await expect.poll(shown).not.toBe('off');
    await runStatements(url, remedy.undo);
    await expect.poll(shown).toBe('off');
  });

  test('settings that endanger data are found, and what only a role of ours brings along is not changed for the server', async () => {
    await using server = await scratchServer(major, { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' });
    const url = server.url();
    await using context = await openCheckContext({ url });
    expect(await safetySettings.run(context)).toMatchObject({ status: 'fine' });
    await runStatements(url, ['ALTER SYSTEM SET fsync = off', 'SELECT pg_reload_conf()']);
    await expect.poll(() => safetySettings.run(context)).toMatchObject({ status: 'found' });
    const remedy = remedyOf(await findingOf(safetySettings, context, 'safety-settings:fsync'));
    expect(remedy.undo[0]).toBe(`ALTER SYSTEM SET fsync = 'off'`);
    await runStatements(url, remedy.fix);
    await expect.poll(() => safetySettings.run(context)).toMatchObject({ status: 'fine' });
    await runStatements(url, [`ALTER ROLE CURRENT_USER SET synchronous_commit = off`]);
    await using again = await openCheckContext({ url });
    const own = remedyOf(await findingOf(safetySettings, again, 'safety-settings:synchronous_commit'));
    expect(own).toMatchObject({ kind: 'manual', appliable: false, riskDetail: expect.stringContaining('ALTER ROLE') });
    // A managed service keeps its settings elsewhere.
    await runStatements(url, [
      `ALTER ROLE CURRENT_USER RESET synchronous_commit`,
      'ALTER SYSTEM SET fsync = off',
      'SELECT pg_reload_conf()',
      'CREATE ROLE rds_superuser',
    ]);
    await using managed = await openCheckContext({ url });
    await expect.poll(() => safetySettings.run(managed)).toMatchObject({ status: 'found' });
    expect(remedyOf(await findingOf(safetySettings, managed, 'safety-settings:fsync'))).toMatchObject({
      kind: 'manual',
      riskDetail: expect.stringContaining('parameter group'),
    });
  });
});

test('where ALTER SYSTEM is not allowed, a person has to make the change', async () => {
  await using server = await scratchServer(18, { allow_alter_system: 'off', fsync: 'off' });
  await using context = await openCheckContext({ url: server.url() });
  const remedy = remedyOf(await findingOf(safetySettings, context, 'safety-settings:fsync'));
  expect(remedy).toMatchObject({ kind: 'manual', riskDetail: expect.stringContaining('allow_alter_system') });
});

test('a role without rights sees enough of the settings', async () => {
  await using database = await testDatabase();
  await database.query(`CREATE ROLE blind_${database.name} LOGIN PASSWORD 'blind'`);
  const url = new URL(database.url);
  [url.username, url.password] = [`blind_${database.name}`, 'blind'];
  await using context = await openCheckContext({ url: url.href, machine });
  // Settings that formulas need are open to everybody.
  expect(await memorySettings.run(context)).toMatchObject({ status: 'fine' });
  await context.connection.close();
  await database.query(`DROP ROLE blind_${database.name}`);
});
