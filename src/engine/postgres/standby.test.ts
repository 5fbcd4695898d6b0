import { describe, expect, test } from 'vitest';
import { plainRole, session, watched, type Watched } from '../../../test/support/catalog.ts';
import { scratchReplica, scratchServer, sharedMajors } from '../../../test/support/postgres.ts';
import * as catalog from './index.ts';

const everything: Record<string, (target: Watched) => Promise<catalog.Reading<object>>> = {
  activity: ({ connection, profile }) => catalog.readActivity(connection, profile),
  checkpointer: ({ connection, profile }) => catalog.readCheckpointer(connection, profile),
  conflicts: ({ connection, profile }) => catalog.readConflicts(connection, profile),
  databases: ({ connection }) => catalog.readDatabases(connection),
  'database sizes': ({ connection, profile }) => catalog.readDatabaseSizes(connection, profile),
  progress: ({ connection, profile }) => catalog.readProgress(connection, profile),
  relations: ({ connection, profile }) => catalog.readRelations(connection, profile),
  replication: ({ connection, profile }) => catalog.readReplication(connection, profile),
  sequences: ({ connection }) => catalog.readSequences(connection),
  settings: ({ connection, profile }) => catalog.readSettings(connection, profile),
  slots: ({ connection, profile }) => catalog.readSlots(connection, profile),
  statements: ({ connection, profile }) => catalog.readStatements(connection, profile),
  subscriptions: ({ connection, profile }) => catalog.readSubscriptions(connection, profile),
  wal: ({ connection, profile }) => catalog.readWal(connection, profile),
};

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('a primary and its standby: who streams, how far, and everything else is read on both', async () => {
    await using primary = await scratchServer(major);
    await using standby = await scratchReplica(primary, major);
    await using work = await session(primary.url());
    await work.query(`CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id serial); INSERT INTO t DEFAULT VALUES`);

    await using above = await watched(primary.url());
    const sender = async () => (await catalog.readReplication(above.connection, above.profile)).rows[0];
    await expect
      .poll(sender)
      .toMatchObject({ state: 'streaming', replayLagBytes: 0, slot: 'replica', syncState: 'async' });
    expect(await sender()).toMatchObject({ application: 'replica', client: '127.0.0.1', sentLagBytes: 0 });

    const replayed = async () => {
      await using target = await watched(standby.url());
      return target.profile.statements.usable;
    };
    await expect.poll(replayed).toBe(true);
    await using below = await watched(standby.url());
    expect(below.profile).toMatchObject({
      isStandby: true,
      timeline: 1,
      systemIdentifier: above.profile.systemIdentifier,
    });
    // It was made of a stopped copy, statistics and all.
    expect(catalog.isSameServer(above.profile.identity, below.profile.identity)).toBe(false);
    expect(catalog.isSameServer(below.profile.identity, above.profile.identity)).toBe(false);
    const state = async () => (await catalog.readStandby(below.connection)).rows[0];
    await expect
      .poll(state)
      .toMatchObject({ inRecovery: true, receiving: true, lagBytes: 0, lagSeconds: 0, replayPaused: false });
    expect((await state())?.lastReplayedAt).toBeInstanceOf(Date);
    const receiver = await catalog.readWalReceiver(below.connection, below.profile);
    expect(receiver).toMatchObject({
      rows: [{ status: 'streaming', slot: 'replica', senderPort: primary.port, timeline: 1 }],
      skipped: [],
    });
    for (const [name, read] of Object.entries(everything)) {
      expect((await read(below)).skipped, name).toEqual([]);
    }
    expect((await catalog.readRelations(below.connection, below.profile)).rows[0]).toMatchObject({ name: 't' });
    expect((await catalog.readSequences(below.connection)).rows[0]).toMatchObject({ name: 't_id_seq', readable: true });
    const plan = await catalog.explainStatement(below.connection, below.profile, {
      text: 'SELECT * FROM t WHERE id = $1',
    });
    expect(plan.generic).toBe(true);

    // What replay does not take in is behind, in bytes and in time.
    await using operator = await session(standby.url());
    await operator.query(`SELECT pg_wal_replay_pause()`);
    await expect.poll(state).toMatchObject({ replayPaused: true });
    await work.query(`INSERT INTO t SELECT generate_series(1, 1000)`);
    await expect.poll(async () => (await state())?.lagBytes).toBeGreaterThan(10_000);
    expect((await state())?.lagSeconds).toBeGreaterThan(0);
    await expect.poll(async () => (await sender())?.replayLagBytes).toBeGreaterThan(10_000);
    await operator.query(`SELECT pg_wal_replay_resume()`);
    await expect.poll(state).toMatchObject({ lagBytes: 0, lagSeconds: 0 });
  });
});

test('a role without rights is told that replication is hidden', async () => {
  await using primary = await scratchServer();
  await using standby = await scratchReplica(primary, 18);
  await using work = await session(primary.url());
  const database = {
    name: 'postgres',
    url: primary.url(),
    query: async <Row>(sql: string) => (await work.query(sql)).rows as Row[],
    async [Symbol.asyncDispose]() {},
  };
  await using role = await plainRole(database);
  await using above = await watched(role.url);
  const seen = await catalog.readReplication(above.connection, above.profile);
  expect(seen.rows).toEqual([expect.objectContaining({ state: null, replayLagBytes: null, replayLagSeconds: null })]);
  expect(seen.skipped[0]).toMatchObject({ subject: 'replication', fix: `GRANT pg_read_all_stats TO "${role.name}"` });
  const onStandby = new URL(standby.url());
  onStandby.username = role.name;
  onStandby.password = 'plain';
  await expect
    .poll(() =>
      watched(onStandby.href).then(
        (it) => it.connection.close().then(() => true),
        () => false,
      ),
    )
    .toBe(true);
  await using below = await watched(onStandby.href);
  const receiver = await catalog.readWalReceiver(below.connection, below.profile);
  expect(receiver.rows).toEqual([expect.objectContaining({ status: null, senderHost: null })]);
  expect(receiver.skipped).toHaveLength(1);
});

test('after a promotion the profile says so', async () => {
  await using primary = await scratchServer();
  await using standby = await scratchReplica(primary, 18);
  await using target = await watched(standby.url());
  await standby.promote();
  const after = await catalog.probeProfile(target.connection);
  expect(target.profile.isStandby).toBe(true);
  expect(after.isStandby).toBe(false);
  expect(catalog.isSameServer(target.profile.identity, after.identity)).toBe(true);
  expect((await catalog.readStandby(target.connection)).rows).toEqual([
    {
      inRecovery: false,
      receiving: false,
      receiveLsn: null,
      replayLsn: null,
      lagBytes: null,
      lastReplayedAt: null,
      lagSeconds: null,
      replayPaused: null,
    },
  ]);
});
