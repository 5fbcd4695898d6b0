import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { plainRole, session, watched } from '../../../test/support/catalog.ts';
import { scratchServer, sharedMajors, testDatabase } from '../../../test/support/postgres.ts';
import { changeSetting, recogniseFlavour } from './remedies.ts';
import { isSameServer } from './server-identity.ts';

describe.each(sharedMajors())('PostgreSQL %i', (major) => {
  test('the server is described', async () => {
    await using database = await testDatabase(major);
    await using target = await watched(database.url);
    expect(target.profile).toMatchObject({
      version: expect.stringMatching(new RegExp(`^${major}\\.\\d+$`)),
      flavour: 'postgresql',
      pooled: false,
      isStandby: false,
      startedAt: expect.any(Date),
      systemIdentifier: expect.stringMatching(/^\d{15,}$/),
      timeline: 1,
      database: database.name,
      maxConnections: 120,
      reservedConnections: 3,
      blockSize: 8192,
      trackIoTiming: true,
      rights: { superuser: true, readAllStats: true, readAllSettings: true, monitor: true, signalBackend: true },
    });
    expect(Math.floor(target.profile.versionNumber / 10_000)).toBe(major);
    expect(target.profile.columns.has('pg_stat_io')).toBe(major >= 16);
    expect(target.profile.columns.has('pg_stat_checkpointer')).toBe(major >= 17);
  });

  test('what a role may not read is told with the grant, and the grant helps', async () => {
    await using database = await testDatabase(major);
    await database.query(`CREATE EXTENSION pg_stat_statements`);
    await using role = await plainRole(database);
    const fixes = async () => {
      await using target = await watched(role.url);
      return new Map(target.profile.skipped.map(({ subject, fix }) => [subject, fix]));
    };
    const before = await fixes();
    expect(before.get('statistics of other users')).toBe(`GRANT pg_monitor TO "${role.name}"`);
    expect(before.get('cancelling and terminating sessions')).toBe(`GRANT pg_signal_backend TO "${role.name}"`);
    await database.query(`GRANT pg_monitor, pg_signal_backend TO ${role.name}`);
    const after = await fixes();
    expect([...after.keys()].filter((subject) => subject !== 'checksum failures')).toEqual([]);
    await using target = await watched(role.url);
    expect(target.profile.rights).toEqual({
      superuser: false,
      readAllStats: true,
      readAllSettings: true,
      monitor: true,
      signalBackend: true,
    });
  });
});

test('settings that keep statistics from us are told with the way to change them', async () => {
  await using server = await scratchServer(18, {
    track_io_timing: 'off',
    track_counts: 'off',
    track_activities: 'off',
  });
  await using target = await watched(server.url());
  const fixes = target.profile.skipped.map(({ fix }) => fix);
  for (const name of ['track_io_timing', 'track_counts', 'track_activities']) {
    expect(fixes).toContain(`ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf()`);
  }
});

test('a role without rights knows a server again as well', async () => {
  await using database = await testDatabase();
  await using role = await plainRole(database);
  const [plain, full] = [(await profileOf(role.url)).identity, (await profileOf(database.url)).identity];
  expect(isSameServer(plain, full)).toBe(true);
  expect(isSameServer(full, plain)).toBe(true);
});

async function profileOf(url: string) {
  await using target = await watched(url);
  return target.profile;
}

test('a managed service is recognised by its roles, and told in its own terms', async () => {
  await using server = await scratchServer();
  await using admin = await session(server.url());
  await admin.query(`CREATE ROLE rds_superuser`);
  const { flavour } = await profileOf(server.url());
  expect(flavour).toBe('rds');
  expect(changeSetting(flavour, 'track_io_timing', 'on', 'reload')).toBe(
    'set track_io_timing = on in the DB parameter group',
  );
  expect(recogniseFlavour(['role:rds_superuser', 'function:aurora_version'])).toBe('aurora');
  expect(recogniseFlavour([randomBytes(4).toString('hex')])).toBe('postgresql');
});
