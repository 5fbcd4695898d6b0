import { describe, expect, test } from 'vitest';
import { findingOf, findingsOf, remedyOf, runStatements } from '../../../../../test/support/answers.ts';
import { plainRole, session } from '../../../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, testDatabase, testedMajors } from '../../../../../test/support/postgres.ts';
import { type CheckContext, openCheckContext } from '../../index.ts';
import { checks } from '../index.ts';
import { autovacuumSettings, autovacuumSettingsCheck } from './autovacuum-settings.ts';
import { checkpoints, checkpointsCheck } from './checkpoints.ts';
import { extensionUpdates } from './extension-updates.ts';
import { queryStatistics, queryStatisticsCheck } from './query-statistics.ts';
import { replicationSlots, replicationSlotsCheck } from './replication-slots.ts';
import { version, versionCheck } from './version.ts';

const gigabyte = 1024 ** 3;
const machine = { memoryBytes: 8 * gigabyte, cpus: 4, disk: 'ssd' as const };

/** The context of a role without rights. */
async function watcher(url: string) {
  await runStatements(url, [`CREATE ROLE plain LOGIN PASSWORD 'plain'`]);
  const plain = new URL(url);
  [plain.username, plain.password] = ['plain', 'plain'];
  return openCheckContext({ url: plain.href, machine });
}

/** The ids of the checks that found something. */
async function complaints(context: CheckContext): Promise<string[]> {
  const found: string[] = [];
  for (const check of checks) {
    const answer = await check.run(context);
    if (answer.status === 'found') found.push(...answer.findings.map(({ key }) => key));
  }
  return found;
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('a server as PostgreSQL sets it up, with a freshly built database, has no findings; a standby says what it cannot tell', async () => {
    await using server = await scratchServer(major, {
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      shared_buffers: '128MB',
    });
    {
      await using context = await openCheckContext({ url: server.url(), machine });
      expect(await complaints(context)).toEqual([]);
    }
    await runStatements(server.url(), [
      'CREATE EXTENSION pg_stat_statements',
      `CREATE TABLE orders AS SELECT n AS id, n % 100 AS customer, repeat('x', 100) AS note FROM generate_series(1, 50000) n`,
      'ALTER TABLE orders ADD PRIMARY KEY (id)',
      'CREATE INDEX ON orders (customer)',
      'VACUUM ANALYZE orders',
      'SELECT count(*) FROM orders',
    ]);
    await using blind = await watcher(server.url());
    expect(await complaints(blind)).toEqual([]);
    for (const given of [machine, null]) {
      await using context = await openCheckContext({ url: server.url(), machine: given });
      expect(await complaints(context)).toEqual([]);
    }
    await using replica = await scratchReplica(server, major);
    await using context = await openCheckContext({ url: replica.url() });
    for (const check of [checkpoints, autovacuumSettings]) {
      expect(await check.run(context)).toMatchObject({ status: 'unknown', reason: expect.stringContaining('standby') });
    }
  });

  test('checkpoints that come because of WAL are found with a size that is set and reset; those asked for by hand are not', async () => {
    await using server = await scratchServer(major, { min_wal_size: '32MB', max_wal_size: '32MB' });
    const url = server.url();
    await using context = await openCheckContext({ url });
    const reset = [`SELECT pg_stat_reset_shared('bgwriter')`, `SELECT pg_stat_reset_shared('wal')`];
    if (major >= 17) reset.push(`SELECT pg_stat_reset_shared('checkpointer')`);
    const check = checkpointsCheck({ leastCheckpoints: 3, leastHours: 0, info: 0.25, warning: 0.5 });
    await runStatements(url, [...reset, ...Array.from({ length: 5 }, () => 'CHECKPOINT')]);
    await expect
      .poll(() => check.run(context))
      .toMatchObject({ status: 'fine', message: expect.stringContaining('by hand') });
    expect(await checkpoints.run(context)).toMatchObject({ status: 'unknown' });
    await runStatements(url, [...reset, 'CREATE TABLE t (note text)']);
    for (let round = 0; round < 12; round += 1) {
      await runStatements(url, [`INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 16000)`]);
    }
    await expect.poll(() => check.run(context), { interval: 200 }).toMatchObject({ status: 'found' });
    const remedy = remedyOf(await findingOf(check, context, 'checkpoints:max_wal_size'));
    expect(remedy).toMatchObject({ kind: 'setting', appliable: true });
    await using reader = await session(url);
    const shown = async () => (await reader.query<{ max_wal_size: string }>('SHOW max_wal_size')).rows[0]?.max_wal_size;
    await runStatements(url, remedy.fix);
    await expect.poll(shown).not.toBe('32MB');
    await runStatements(url, remedy.undo);
    await expect.poll(shown).toBe('32MB');
    // What ALTER SYSTEM had set before is what an undo brings back, not what the file says.
    await runStatements(url, [`ALTER SYSTEM SET max_wal_size = '33MB'`, 'SELECT pg_reload_conf()']);
    const undo = async () => remedyOf(await findingOf(check, context, 'checkpoints:max_wal_size')).undo[0];
    await expect.poll(undo).toBe(`ALTER SYSTEM SET max_wal_size = '33'`);
  });

  test('slots that nothing reads from are found, with a limit where there is none', async () => {
    await using server = await scratchServer(major, { max_slot_wal_keep_size: '-1' });
    const url = server.url();
    {
      await using context = await openCheckContext({ url });
      expect(await replicationSlots.run(context)).toMatchObject({
        status: 'fine',
        message: 'There are no replication slots',
      });
    }
    await using replica = await scratchReplica(server, major, 'standby');
    await using context = await openCheckContext({ url });
    await expect
      .poll(() => replicationSlots.run(context))
      .toMatchObject({ status: 'fine', message: expect.stringContaining('1 replication slot') });
    await runStatements(url, [`SELECT pg_create_physical_replication_slot('gone', true)`]);
    const findings = await findingsOf(replicationSlots, context);
    expect(findings.map(({ key, severity }) => [key, severity])).toEqual([
      ['replication-slots:gone', 'info'],
      ['replication-slots:max_slot_wal_keep_size', 'info'],
    ]);
    await runStatements(url, ['CREATE TABLE t AS SELECT 1 AS id', 'SELECT pg_switch_wal()']);
    const strict = replicationSlotsCheck({ warningBytes: 1, criticalBytes: 2, xminAge: 10 });
    expect(await findingOf(strict, context, 'replication-slots:gone')).toMatchObject({ severity: 'critical' });
    const limit = remedyOf(await findingOf(replicationSlots, context, 'replication-slots:max_slot_wal_keep_size'));
    await runStatements(url, limit.fix);
    await expect.poll(async () => (await findingsOf(replicationSlots, context)).length).toBe(1);
    await runStatements(url, limit.undo);
    await runStatements(url, remedyOf(await findingOf(replicationSlots, context, 'replication-slots:gone')).fix);
    expect((await replicationSlots.run(context)).status).toBe('fine');
    expect(replica.dataDir).toContain('standby');
  });

  test('an extension that is older than the server’s files is brought up to date', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements VERSION '1.8'`);
    await using context = await openCheckContext({ url: database.url });
    const finding = await findingOf(extensionUpdates, context, 'extension-updates:pg_stat_statements');
    expect(finding.remedy).toMatchObject({ appliable: true, undo: [] });
    expect(await queryStatistics.run(context)).toMatchObject({
      status: 'fine',
      untold: [{ fix: 'ALTER EXTENSION pg_stat_statements UPDATE' }],
    });
    await runStatements(database.url, remedyOf(finding).fix);
    expect(await extensionUpdates.run(context)).toMatchObject({ status: 'fine' });
    await using role = await plainRole(database);
    await using plain = await openCheckContext({ url: role.url });
    expect(await extensionUpdates.run(plain)).toMatchObject({ status: 'fine' });
  });

  test('autovacuum that is off, and large tables that wait long for it, are found', async () => {
    await using server = await scratchServer(major);
    const url = server.url();
    await runStatements(url, [
      `CREATE TABLE "Alt" AS SELECT n AS id, 0 AS value FROM generate_series(1, 20000) n`,
      'CREATE TABLE quiet AS SELECT n AS id FROM generate_series(1, 20000) n',
      'UPDATE "Alt" SET value = 1 WHERE id < 3000',
      'VACUUM ANALYZE',
    ]);
    await using context = await openCheckContext({ url });
    const check = autovacuumSettingsCheck({ largeRows: 10_000, wantedDeadRows: 500, overdueTables: 1 });
    expect(await autovacuumSettings.run(context)).toMatchObject({ status: 'fine' });
    await using role = await watcher(url);
    expect(await autovacuumSettings.run(role)).toMatchObject({ status: 'fine' });
    // Tables wait, and whether workers are at work is hidden.
    const impatient = autovacuumSettingsCheck({ largeRows: 1e9, wantedDeadRows: 1e9, overdueTables: 0 });
    expect(await impatient.run(role)).toMatchObject({
      status: 'unknown',
      fix: 'GRANT pg_read_all_stats TO "plain"',
    });
    await expect.poll(() => check.run(context)).toMatchObject({ status: 'found' });
    const [finding, ...others] = await findingsOf(check, context);
    expect([finding?.key, others]).toEqual(['autovacuum-settings:public."Alt"', []]);
    const options = async () => {
      await using client = await session(url);
      return (await client.query(`SELECT reloptions FROM pg_class WHERE relname = 'Alt'`)).rows[0];
    };
    await runStatements(url, finding?.remedy?.fix ?? []);
    expect(await options()).toEqual({ reloptions: ['autovacuum_vacuum_scale_factor=0.03'] });
    expect(await check.run(context)).toMatchObject({ status: 'fine' });
    await runStatements(url, finding?.remedy?.undo ?? []);
    expect(await options()).toEqual({ reloptions: null });
    await runStatements(url, ['ALTER SYSTEM SET autovacuum = off', 'SELECT pg_reload_conf()']);
    await expect.poll(async () => (await findingsOf(check, context))[0]?.key).toBe('autovacuum-settings:autovacuum');
  });
});

test('statements that are dropped for lack of room are found; without the extension nothing is known', async () => {
  await using server = await scratchServer(18, { 'pg_stat_statements.max': '100' });
  const url = server.url();
  {
    await using context = await openCheckContext({ url });
    expect(await queryStatistics.run(context)).toMatchObject({
      status: 'unknown',
      fix: 'CREATE EXTENSION pg_stat_statements',
    });
  }
  await runStatements(url, ['CREATE EXTENSION pg_stat_statements']);
  await using context = await openCheckContext({ url });
  expect(await queryStatistics.run(context)).toMatchObject({ status: 'fine' });
  await runStatements(
    url,
    Array.from({ length: 300 }, (_, n) => `SELECT ${'1 + '.repeat(n)}1`),
  );
  const check = queryStatisticsCheck({ evictionsPerHour: 1, leastHours: 1 });
  const remedy = remedyOf(await findingOf(check, context, 'query-statistics:pg_stat_statements.max'));
  // It needs a restart: that is for a person to choose the time of.
  expect(remedy).toMatchObject({ appliable: false, fix: [`ALTER SYSTEM SET pg_stat_statements.max = '10000'`] });
  await runStatements(url, remedy.fix);
  await runStatements(url, remedy.undo);
});

test('versions are judged by their dates, and not guessed at', async () => {
  await using database = await testDatabase(18);
  await using context = await openCheckContext({ url: database.url });
  expect(await version.run(context)).toMatchObject({
    status: 'fine',
    message: 'PostgreSQL 18 is supported until 2030-11-14',
  });
  expect(await findingsOf(versionCheck(new Date('2030-08-01')), context)).toMatchObject([{ severity: 'warning' }]);
  expect(await findingsOf(versionCheck(new Date('2031-01-01')), context)).toMatchObject([{ severity: 'critical' }]);
  const profile = { ...context.profile, versionNumber: 190_000 };
  expect(await version.run({ ...context, profile })).toMatchObject({ status: 'unknown', fix: null });
});
