import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { manifestProblems, saveBackup, unpack } from '../support/base-backup.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchReplica, scratchServer } from '../support/postgres.ts';
import { startServer } from '../../src/ops/embedded/index.ts';
import {
  baseBackup,
  openPhysical,
  streamWal,
  uploadManifest,
} from '../../src/engine/postgres/replication/physical/index.ts';

const majors = installedServers().map(({ major }) => major);

test.each(majors)('a base backup of PostgreSQL %i, with its log, is a server', async (major) => {
  await using server = await scratchServer(major, { wal_level: 'replica', full_page_writes: 'on' });
  await using folder = temporaryFolder();
  const writer = await session(server.url());
  await writer.query(`CREATE TABLE t AS SELECT n, repeat('x', 200) AS pad FROM generate_series(1, 20000) n`);
  const connection = await openPhysical({ url: server.url() });
  let more = 0;
  // Whatever was committed before its end is in it. Early on: the server is some megabytes ahead of what we have seen.
  const saved = await saveBackup(connection, join(folder.path, 'saved'), {}, async (event) => {
    if (event.type === 'data' && more < 10) await writer.query(`INSERT INTO t SELECT $1, 'more'`, [-++more]);
  });
  expect(more).toBe(10);
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

test('an incremental backup has what changed since the manifest that was given', async () => {
  await using server = await scratchServer(18, { summarize_wal: 'on', wal_level: 'replica' });
  await using folder = temporaryFolder();
  await using writer = await session(server.url());
  await writer.query(`CREATE TABLE t AS SELECT n, repeat('x', 200) AS pad FROM generate_series(1, 20000) n`);
  const connection = await openPhysical({ url: server.url() });
  const full = await saveBackup(connection, join(folder.path, 'full'));
  // By position: who reads all of a new table marks its rows as committed, and with that changes every page.
  await writer.query(`UPDATE t SET n = -n WHERE ctid = '(0,1)'`);
  const manifest = readFileSync(join(full.folder, 'backup_manifest'));
  const pieces = async function* (bytes: Buffer) {
    for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
  };
  await uploadManifest(connection, pieces(manifest));
  const incremental = await saveBackup(connection, join(folder.path, 'incremental'), { incremental: true });
  const [{ path = '' } = {}] = (await writer.query<{ path: string }>(`SELECT pg_relation_filepath('t') AS path`)).rows;
  const listed = execFileSync('tar', ['-tf', join(incremental.folder, 'base.tar')], { encoding: 'utf8' });
  expect(listed.split('\n')).toContain(join(dirname(path), `INCREMENTAL.${basename(path)}`));
  expect(incremental.bytes).toBeLessThan(full.bytes / 3);
  await expect(uploadManifest(connection, pieces(manifest.subarray(0, 5000)))).rejects.toMatchObject({
    code: 'E_QUERY',
    message: expect.stringContaining('manifest'),
  });
  await connection.close();
});

test('who takes nothing holds the server back, and who leaves ends the backup on it', async () => {
  await using server = await scratchServer(18);
  await using other = await session(server.url());
  await other.query(`CREATE TABLE t AS SELECT n, repeat('x', 1000) AS pad FROM generate_series(1, 60000) n`);
  const connection = await openPhysical({ url: server.url() });
  const streamed = async () => {
    const { rows } = await other.query<{ bytes: number; phase: string }>(
      `SELECT backup_streamed::float8 AS bytes, phase FROM pg_stat_progress_basebackup`,
    );
    return rows[0];
  };
  let seen = 0;
  for await (const event of baseBackup(connection, { label: `it's a test`, checkpoint: 'fast' })) {
    if (event.type !== 'data' || ++seen < 2) continue;
    // More than the socket and we hold is not sent, although all is wanted: the table alone has 70 MB.
    await expect.poll(async () => (await wait(other)).event).toBe('ClientWrite');
    expect((await streamed())?.bytes).toBeLessThan(40_000_000);
    break;
  }
  await expect.poll(streamed).toBeUndefined();
  await expect(connection.identify()).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  await connection.close();
});

async function wait(client: pg.Client): Promise<{ event?: string }> {
  const { rows } = await client.query<{ event: string }>(
    `SELECT wait_event AS event FROM pg_stat_activity WHERE backend_type = 'walsender'`,
  );
  return rows[0] ?? {};
}

test('what the server refuses is said', async () => {
  await using server = await scratchServer(17);
  await using owner = await session(server.url());
  await owner.query(`CREATE ROLE plain LOGIN PASSWORD 'plain'`);
  const url = new URL(server.url());
  url.username = 'plain';
  url.password = 'plain';
  await expect(openPhysical({ url: url.href })).rejects.toMatchObject({
    code: 'E_DATABASE_REFUSED',
    sqlState: '42501',
  });
  const connection = await openPhysical({ url: server.url() });
  expect(await connection.show('wal_segment_size')).toBe('16MB');
  await expect(connection.timelineHistory(7)).rejects.toMatchObject({ code: 'E_QUERY', sqlState: '58P01' });
  const { timeline, flushedLsn } = await connection.identify();
  const taken = async (from: bigint) => {
    for await (const _ of streamWal(connection, { from, timeline })) break;
  };
  await expect(taken(flushedLsn + 1_000_000_000n)).rejects.toMatchObject({ code: 'E_QUERY' });
  // The first segment of all is of before initdb.
  await expect(taken(0x10n)).rejects.toMatchObject({ code: 'E_QUERY' });
  const incremental = baseBackup(connection, { label: 'x', checkpoint: 'fast', incremental: true });
  await expect(incremental.next()).rejects.toMatchObject({ code: 'E_QUERY' });
  await connection.close();
});

test('a slot keeps the log, and a timeline that ended tells where it goes on', async () => {
  await using server = await scratchServer(18);
  await using replica = await scratchReplica(server, 18);
  await using writer = await session(server.url());
  await writer.query('CREATE TABLE t (n int)');
  const first = await openPhysical({ url: server.url() });
  await first.createSlot('kept', { temporary: false });
  const { rows } = await writer.query<{ kept: boolean }>(
    `SELECT restart_lsn IS NOT NULL AS kept FROM pg_replication_slots WHERE slot_name = 'kept'`,
  );
  expect(rows).toEqual([{ kept: true }]);
  await first.dropSlot('kept');
  await first.close();
  await writer.query('INSERT INTO t SELECT generate_series(1, 1000)');
  await using promoted = await session(replica.url());
  await promoted.query('SELECT pg_promote()');
  const connection = await openPhysical({ url: replica.url() });
  await expect.poll(async () => (await connection.identify()).timeline).toBe(2);
  const history = await connection.timelineHistory(2);
  expect(history.name).toBe('00000002.history');
  expect(history.content).toMatch(/^1\t[0-9A-F]+\/[0-9A-F]+\t/);
  const from = (await connection.identify()).flushedLsn & ~0xff_ffffn;
  const stream = streamWal(connection, { from, timeline: 1 });
  let bytes = 0;
  for await (const piece of stream) bytes += piece.bytes.length;
  expect(stream.next).toMatchObject({ timeline: 2 });
  expect(from + BigInt(bytes)).toBe(stream.next?.switchLsn);
  // And on, on the same connection.
  const onward = streamWal(connection, { from: stream.next?.switchLsn ?? 0n, timeline: 2 });
  for await (const { startLsn, bytes: log } of onward) {
    onward.confirm(startLsn + BigInt(log.length));
    onward.stop();
  }
  expect(onward.next).toBeUndefined();
  expect((await connection.identify()).timeline).toBe(2);
  await connection.close();
});
