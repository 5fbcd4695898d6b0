import { join } from 'node:path';
import { expect, test } from 'vitest';
import { manifestProblems, saveBackup, unpack } from '../../../../../test/support/base-backup.ts';
import { session } from '../../../../../test/support/catalog.ts';
import { temporaryFolder } from '../../../../../test/support/folder.ts';
import { installedServers, scratchReplica, scratchServer } from '../../../../../test/support/postgres.ts';
import { startServer } from '../../../../ops/embedded/index.ts';
import { baseBackup, openPhysical, streamWal, uploadManifest } from './index.ts';

const majors = installedServers().map(({ major }) => major);

test.each(majors)('a base backup of PostgreSQL %i, with its log, is a server', async (major) => {
  await using server = await scratchServer(major, { wal_level: 'replica', full_page_writes: 'on' });
  await using folder = temporaryFolder();
  const writer = await session(server.url());
  await writer.query(`CREATE TABLE t AS SELECT n, repeat('x', 200) AS pad FROM generate_series(1, 20000) n`);
  const connection = await openPhysical({ url: server.url() });
  let more = 0;
  // Written while the backup runs: whatever was committed before its end is in it.
  const saved = await saveBackup(connection, join(folder.path, 'saved'), {}, async (event) => {
    if (event.type === 'data' && more < 50) await writer.query(`INSERT INTO t SELECT $1, 'more'`, [-++more]);
  });
  expect(more).toBe(50);
  const { rows } = await writer.query(`SELECT count(*)::int AS count, sum(n)::int AS sum FROM t`);
  const identity = await connection.identify();
  await connection.close();
  expect(saved.events.filter(({ type }) => type !== 'progress')).toMatchObject([
    { type: 'begin', timeline: 1, tablespaces: [{ oid: null, location: '' }] },
    { type: 'archive', name: 'base.tar', location: '' },
    { type: 'manifest' },
    { type: 'end', timeline: 1 },
  ]);
  expect(saved.endLsn).toBeGreaterThan(saved.startLsn);
  expect(identity.flushedLsn).toBeGreaterThanOrEqual(saved.endLsn);
  const dataDir = join(folder.path, 'data');
  await unpack(saved, server, dataDir);
  expect(manifestProblems(saved.folder, dataDir)).toEqual([]);
  const { binaries } = installedServers().find((installed) => installed.major === major) ?? {};
  const restored = await startServer({ dataDir, ...(binaries ? { binaries } : {}) });
  try {
    await using reader = await session(restored.url());
    expect(await reader.query(`SELECT count(*)::int AS count, sum(n)::int AS sum FROM t`)).toMatchObject({ rows });
  } finally {
    await restored.stop('immediate');
    await writer.end();
  }
});
