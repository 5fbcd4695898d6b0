import { describe, expect, test } from 'vitest';
import { plainRole, session, watched, type Watched } from '../../../../test/support/catalog.ts';
import { scratchServer, sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import * as catalog from '../index.ts';

/** Every subject that needs nothing but a connection and a profile. */
const subjects: Record<string, (target: Watched) => Promise<catalog.Reading<object>>> = {
  activity: ({ connection, profile }) => catalog.readActivity(connection, profile),
  archiver: ({ connection }) => catalog.readArchiver(connection),
  bgwriter: ({ connection, profile }) => catalog.readBgwriter(connection, profile),
  checkpointer: ({ connection, profile }) => catalog.readCheckpointer(connection, profile),
  conflicts: ({ connection, profile }) => catalog.readConflicts(connection, profile),
  'counters since': ({ connection }) => catalog.readCountersSince(connection),
  databases: ({ connection }) => catalog.readDatabases(connection),
  'database sizes': ({ connection, profile }) => catalog.readDatabaseSizes(connection, profile),
  extensions: ({ connection }) => catalog.readExtensions(connection),
  indexes: ({ connection, profile }) => catalog.readIndexes(connection, profile),
  io: ({ connection, profile }) => catalog.readIo(connection, profile),
  locks: ({ connection }) => catalog.readLocks(connection),
  'open transactions': ({ connection, profile }) => catalog.readOpenTransactions(connection, profile),
  'prepared transactions': ({ connection }) => catalog.readPreparedTransactions(connection),
  progress: ({ connection, profile }) => catalog.readProgress(connection, profile),
  replication: ({ connection, profile }) => catalog.readReplication(connection, profile),
  sequences: ({ connection }) => catalog.readSequences(connection),
  'settings of roles': ({ connection }) => catalog.readRoleSettings(connection),
  'origins of settings': ({ connection }) => catalog.readSettingOrigins(connection, ['work_mem']),
  settings: ({ connection, profile }) => catalog.readSettings(connection, profile),
  slots: ({ connection, profile }) => catalog.readSlots(connection, profile),
  slru: ({ connection }) => catalog.readSlru(connection),
  standby: ({ connection }) => catalog.readStandby(connection),
  subscriptions: ({ connection, profile }) => catalog.readSubscriptions(connection, profile),
  tables: ({ connection, profile }) => catalog.readTables(connection, profile),
  upkeep: ({ connection, profile }) => catalog.readUpkeep(connection, profile),
  wal: ({ connection, profile }) => catalog.readWal(connection, profile),
  'wal receiver': ({ connection, profile }) => catalog.readWalReceiver(connection, profile),
};

const always = [
  'activity',
  'archiver',
  'bgwriter',
  'checkpointer',
  'conflicts',
  'counters since',
  'databases',
  'database sizes',
  'extensions',
  'origins of settings',
  'settings',
  'slru',
  'standby',
  'upkeep',
  'wal',
];

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('every subject can be read, by a superuser and by a role without rights', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (id int PRIMARY KEY)`);
    await using role = await plainRole(database);
    for (const url of [database.url, role.url]) {
      await using target = await watched(url);
      for (const [name, read] of Object.entries(subjects)) {
        const { rows, skipped } = await read(target);
        expect(rows.length > 0 || !always.includes(name), name).toBe(true);
        const refused = skipped.filter(({ reason }) => /permission denied|does not exist/.test(reason));
        expect(refused, `${name} as ${url === role.url ? 'plain role' : 'superuser'}`).toEqual([]);
      }
    }
  });

  test('the counters of the database are those of the work done', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t (id int); SELECT pg_stat_force_next_flush()`);
    await using target = await watched(database.url);
    const mine = async () => (await catalog.readDatabases(target.connection)).rows.find((row) => row.current);
    const before = await mine();
    await database.query(`INSERT INTO t SELECT generate_series(1, 500)`);
    await database.query(`UPDATE t SET id = id WHERE id <= 20`);
    await expect(database.query(`SELECT 1 / 0`)).rejects.toThrow('division by zero');
    await database.query(`SELECT pg_stat_force_next_flush()`);
    await expect.poll(async () => (await mine())?.rowsInserted).toBe((before?.rowsInserted ?? 0) + 500);
    const after = await mine();
    expect(after).toMatchObject({
      database: database.name,
      rowsUpdated: (before?.rowsUpdated ?? 0) + 20,
      rollbacks: (before?.rollbacks ?? 0) + 1,
    });
    expect(after?.backends).toBeGreaterThanOrEqual(2);
    expect(after?.xidAge).toBeGreaterThan(0);
    expect(after?.checksumFailures === null || after?.checksumFailures === 0).toBe(true);
  });

  test('I/O is in bytes, whatever the version counts in', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    const { rows, skipped } = await catalog.readIo(target.connection, target.profile);
    if (major < 16) {
      expect(skipped[0]).toMatchObject({ subject: 'io', fix: null });
      return;
    }
    const own = rows.find(
      (row) => row.backendType === 'client backend' && row.object === 'relation' && row.context === 'normal',
    );
    expect(own?.extends).toBeGreaterThan(0);
    expect(own?.extendBytes).toBeGreaterThanOrEqual((own?.extends ?? 0) * 8192);
    expect(rows.some((row) => row.object === 'wal')).toBe(major >= 18);
  });

  test('WAL, checkpoints and the background writer come under the same names on every version', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    const checkpoints = async () => (await catalog.readCheckpointer(target.connection, target.profile)).rows[0];
    const before = await checkpoints();
    const [walBefore] = (await catalog.readWal(target.connection, target.profile)).rows;
    await database.query(`CREATE TABLE t AS SELECT generate_series(1, 10000) AS id`);
    await database.query(`SELECT pg_stat_force_next_flush()`);
    await database.query(`CHECKPOINT`);
    await expect.poll(async () => (await checkpoints())?.requested).toBeGreaterThan(before?.requested ?? 0);
    const [wal] = (await catalog.readWal(target.connection, target.profile)).rows;
    expect(wal?.bytes).toBeGreaterThan((walBefore?.bytes ?? 0) + 100_000);
    expect(wal?.writes === null).toBe(major >= 18);
    expect((await checkpoints())?.done === null).toBe(major < 18);
    const [bgwriter] = (await catalog.readBgwriter(target.connection, target.profile)).rows;
    expect(bgwriter?.buffersAlloc).toBeGreaterThan(0);
    expect(bgwriter?.buffersBackend === null).toBe(major >= 17);
  });

  test('slots tell how much WAL they hold back', async () => {
    await using database = await testDatabase(major);
    const slot = `slot_${database.name}`;
    await database.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
    await database.query(`CREATE TABLE t AS SELECT generate_series(1, 10000) AS id`);
    await using target = await watched(database.url);
    const read = async () =>
      (await catalog.readSlots(target.connection, target.profile)).rows.find((row) => row.slot === slot);
    // Written a moment after the commit, which does not wait for it here.
    await expect.poll(async () => (await read())?.unconfirmedBytes).toBeGreaterThan(100_000);
    const found = await read();
    await database.query(`SELECT pg_drop_replication_slot($1)`, [slot]);
    expect(found).toMatchObject({
      type: 'logical',
      plugin: 'pgoutput',
      database: database.name,
      active: false,
      activePid: null,
      walStatus: 'reserved',
      safeWalBytes: expect.any(Number),
      invalidationReason: null,
    });
    expect(found?.retainedBytes).toBeGreaterThan(100_000);
    expect(found?.inactiveSince instanceof Date).toBe(major >= 17);
  });

  test('subscriptions are told, running or not', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)`);
    await using target = await watched(database.url);
    const { rows } = await catalog.readSubscriptions(target.connection, target.profile);
    await database.query(`ALTER SUBSCRIPTION s SET (slot_name = NONE)`);
    await database.query(`DROP SUBSCRIPTION s`);
    expect(rows).toEqual([
      expect.objectContaining({
        name: 's',
        enabled: false,
        pid: null,
        otherWorkers: 0,
        applyErrors: 0,
        syncErrors: 0,
        conflicts: major >= 18 ? 0 : null,
      }),
    ]);
  });

  test('a long command shows how far it is', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE TABLE t AS SELECT generate_series(1, 1000) AS id`);
    await using holder = await session(database.url);
    await using builder = await session(database.url);
    await holder.query(`BEGIN; INSERT INTO t VALUES (1)`);
    // Waits for the transaction above, with its progress on show.
    const building = builder.query(`CREATE INDEX CONCURRENTLY t_id ON t (id)`);
    await using target = await watched(database.url);
    const mine = async () =>
      (await catalog.readProgress(target.connection, target.profile)).rows.find(
        (row) => row.database === database.name,
      );
    await expect.poll(mine).toMatchObject({
      command: 'CREATE INDEX CONCURRENTLY',
      relation: 'public.t',
      phase: 'waiting for writers before build',
      unit: 'blocks',
    });
    await holder.query(`COMMIT`);
    await building;
    expect(await mine()).toBeUndefined();
  });

  test('settings are those of the server, not of our own session', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    const { rows, skipped } = await catalog.readSettings(target.connection, target.profile);
    const byName = new Map(rows.map((row) => [row.name, row]));
    expect(skipped).toEqual([]);
    expect(byName.get('statement_timeout')).toMatchObject({ value: '0', unit: 'ms', isDefault: true });
    expect(byName.get('search_path')?.value).toBe('"$user", public');
    expect(byName.get('default_transaction_read_only')?.value).toBe('off');
    expect(byName.get('shared_preload_libraries')).toMatchObject({ value: 'pg_stat_statements', isDefault: false });
  });
});

test('prepared transactions come with owner and age', async () => {
  await using server = await scratchServer(18, { max_prepared_transactions: '5' });
  await using work = await session(server.url());
  await work.query(`CREATE TABLE t (id int)`);
  await work.query(`BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'forgotten'`);
  await using target = await watched(server.url());
  const { rows } = await catalog.readPreparedTransactions(target.connection);
  expect(rows).toEqual([
    {
      gid: 'forgotten',
      database: 'postgres',
      owner: target.profile.user,
      preparedAt: expect.any(Date),
      xidAge: expect.any(Number),
    },
  ]);
});
