import { renameSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PitcrewError } from '../../src/errors.ts';
import { lsnOf } from '../../src/engine/postgres/replication/index.ts';
import { createBackup, dropSlot, slotNameOf, verify } from '../../src/ops/backup/index.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running, type RunningStream } from '../support/log-stream.ts';
import { type ScratchServer, testDatabase, testedMajors } from '../support/postgres.ts';
import { collected } from '../support/streams.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let server: ScratchServer;
let client: pg.Client;
let count = 0;

beforeAll(async () => {
  folder = stack.use(temporaryFolder()).path;
  server = stack.use(await backupServer(18, { max_slot_wal_keep_size: '-1', max_wal_size: '4GB' }));
  client = stack.use(await session(server.url()));
  await client.query('CREATE TABLE t (n int, x text)');
});
afterAll(() => stack.disposeAsync());

const segmentBytes = 16 * 1024 * 1024;

/** Empty repositories, a slot that is not there, and a stream that is quick. */
function place(repositories = 1) {
  count += 1;
  const names = Array.from({ length: repositories }, (_, n) => join(folder, `${count}-${'abc'[n] ?? ''}`));
  const slot = `pitcrew_test_${count}`;
  const stores = names.map((name) => openRepository({ storage: localStorage(name) }));
  return {
    names,
    slot,
    repositories: stores,
    first: stores[0] as Repository,
    options: {
      url: server.url(),
      repositories: stores,
      slot,
      spoolDir: join(folder, 'spool'),
      partialEveryMs: 200,
    },
    dropSlot: () => expect.poll(() => drop(slot), { interval: 5 }).toMatch(/dropped|42704/),
  };
}

/** Ends whoever uses a slot, and drops it, or says why not: somebody may have taken it again meanwhile. */
async function drop(slot: string): Promise<string | undefined> {
  await client.query(
    'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
    [slot],
  );
  return client.query('SELECT pg_drop_replication_slot($1)', [slot]).then(
    () => 'dropped',
    (error: pg.DatabaseError) => error.code,
  );
}

/** Writes some log. @returns up to where */
async function write(rows = 100): Promise<bigint> {
  await client.query(`INSERT INTO t SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, $1) n`, [rows]);
  const { rows: found } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(found[0]?.lsn ?? '') ?? 0n;
}

/** Writes log and begins a new segment, so many times. */
async function writeSegments(segments: number): Promise<bigint> {
  for (let n = 0; n < segments; n += 1) {
    await write(10);
    await client.query('SELECT pg_switch_wal()');
  }
  return write(10);
}

/** All is stored up to there, in all repositories. */
async function stored(it: RunningStream, lsn: bigint): Promise<void> {
  await expect
    .poll(() => it.stream.state().repositories.every(({ storedLsn }) => (lsnOf(storedLsn ?? '') ?? 0n) >= lsn))
    .toBe(true);
}

/** Complete segments, each once and without a gap, and what there is of the one that follows. */
async function whole(repository: Repository): Promise<{ segments: number; part: string | undefined }> {
  const names = (await collected(repository.wal())).map(({ name }) => name);
  const complete = names.filter((name) => /^[0-9A-F]{24}$/.test(name));
  const record = await repository.stream();
  expect(record).toBeDefined();
  if (!record) return { segments: 0, part: undefined };
  const all = segmentNames(record.timeline, record.firstLsn, record.storedLsn, segmentBytes);
  const isPart = record.storedLsn % BigInt(segmentBytes) !== 0n;
  const part = isPart ? all.pop() : undefined;
  expect(complete).toEqual(all);
  const parts = names.filter((name) => name.endsWith('.partial'));
  expect(parts).toEqual(part === undefined ? [] : [`${part}.partial`]);
  return { segments: complete.length, part };
}

test('each repository gets all of the log, and the slot keeps what one of them lacks', async () => {
  const at = place(2);
  await using it = running({ ...at.options, spoolBytes: 1 });
  await it.saw('connected');
  await stored(it, await writeSegments(2));
  const [first = '', second = ''] = at.names;
  // A folder that is none.
  renameSync(second, `${second}.away`);
  writeFileSync(second, '');
  const missed = await writeSegments(4);
  expect(await it.saw('repository-failing')).toMatchObject({ repository: second, error: { code: 'E_STORAGE' } });
  const storedLsn = (name: string): bigint | undefined =>
    lsnOf(it.stream.state().repositories.find((each) => each.name === name)?.storedLsn ?? '');
  await expect.poll(() => storedLsn(first) ?? 0n).toBeGreaterThanOrEqual(missed);
  // The server writes a little by itself now and then.
  await expect
    .poll(() => it.stream.state().repositories)
    .toMatchObject([
      { phase: 'current', lagBytes: 0, lagMs: 0, error: null },
      { phase: 'failing', error: { code: 'E_STORAGE' } },
    ]);
  const state = it.stream.state();
  expect(state.retainedBytes).toBeGreaterThanOrEqual(4 * segmentBytes);
  const { rows } = await client.query(
    'SELECT pg_wal_lsn_diff($1, restart_lsn) >= $2 AS kept FROM pg_replication_slots WHERE slot_name = $3',
    [state.serverLsn, 4 * segmentBytes, at.slot],
  );
  expect(rows).toEqual([{ kept: true }]);
  rmSync(second);
  renameSync(`${second}.away`, second);
  await it.saw('repository-back');
  await stored(it, missed);
  await expect.poll(() => it.stream.state().retainedBytes).toBe(0);
  await it.stop();
  for (const repository of at.repositories) expect((await whole(repository)).segments).toBeGreaterThanOrEqual(6);
  await at.dropSlot();
});

test('of two streams one works, and the other says which and takes over when that ends', async () => {
  const at = place();
  await using one = running(at.options);
  await one.saw('connected');
  await using two = running(at.options);
  const { holder } = await two.saw('waiting');
  expect(holder).toMatch(new RegExp(`^process ${process.pid} on .+ \\(PID \\d+ of the server\\)$`));
  expect(two.stream.state()).toMatchObject({ phase: 'waiting', connectedSince: null });
  await stored(one, await writeSegments(1));
  await one.stop();
  await two.saw('connected');
  await stored(two, await writeSegments(1));
  await two.stop();
  await whole(at.first);
  await at.dropSlot();
});

test('another slot does not write into the same repository', async () => {
  const at = place();
  await using one = running(at.options);
  await one.saw('stored');
  const two = running({ ...at.options, slot: `${at.slot}_other` });
  await expect(two.stream.ended).rejects.toMatchObject({
    code: 'E_CONFLICT',
    message: `another stream writes into ${at.first.name}`,
  });
  await one.stop();
  await at.dropSlot();
  await expect.poll(() => drop(`${at.slot}_other`)).toBe('dropped');
});

test('a slot that is dropped is made anew, and what the server has removed meanwhile is told as a gap', async () => {
  const at = place();
  await using it = running(at.options);
  await it.saw('connected');
  await stored(it, await writeSegments(1));
  it.forget();
  await at.dropSlot();
  await it.saw('disconnected');
  await it.saw('connected');
  await stored(it, await writeSegments(1));
  expect(it.stream.state().gaps).toEqual([]);
  await it.stop();
  const { segments } = await whole(at.first);

  await at.dropSlot();
  await writeSegments(3);
  await client.query('CHECKPOINT');
  await writeSegments(1);
  await client.query('CHECKPOINT');
  await using after = running(at.options);
  const gap = await after.saw('gap');
  await stored(after, await writeSegments(1));
  await after.stop();
  const record = await at.first.stream();
  const [lost] = await at.first.gaps();
  expect(lost).toMatchObject({ first: gap.first, last: gap.last, segments: gap.segments });
  expect(gap.reason).toContain('has already been removed');
  const names = (await collected(at.first.wal())).flatMap(({ name }) => (name.length === 24 ? [name] : []));
  const all = segmentNames(1, record?.firstLsn ?? 0n, record?.storedLsn ?? 0n, segmentBytes);
  const missing = all.filter((name) => !names.includes(name) && name !== all.at(-1));
  expect(missing).toHaveLength(gap.segments);
  expect([missing[0], missing.at(-1)]).toEqual([gap.first, gap.last]);
  expect(all.indexOf(gap.first)).toBe(segments);
  await at.dropSlot();
});

test('a server that hangs is given up, and found again', async () => {
  const at = place();
  await using proxy = await tcpProxy(server.url());
  await using it = running({ ...at.options, url: proxy.url(server.url()), silenceLimitMs: 600 });
  await it.saw('connected');
  await stored(it, await write());
  it.forget();
  proxy.silence();
  expect(await it.saw('disconnected')).toMatchObject({ error: { code: 'E_CONNECTION_LOST' } });
  expect(it.stream.state()).toMatchObject({ connectedSince: null, error: { code: 'E_CONNECTION_LOST' } });
  const missed = await writeSegments(1);
  proxy.cut();
  proxy.resume();
  await it.saw('connected');
  await stored(it, missed);
  await it.stop();
  await whole(at.first);
  await at.dropSlot();
});

test.each(testedMajors(17, 16, 15))('the right to replicate is enough on PostgreSQL %i', async (major) => {
  await using database = await testDatabase(major);
  const role = `stream_${database.name}`;
  await database.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'secret'`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  const at = place();
  const slot = slotNameOf(database.name);
  try {
    const it = running({ ...at.options, url: url.href, slot, once: true });
    await it.stream.ended;
    expect(it.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['slot', 'connected', 'stored', 'caught-up']),
    );
    expect(await at.first.stream()).toMatchObject({ slot, endedAt: expect.any(Date) });
  } finally {
    // Until the server has noticed that the stream has ended, the slot is in use.
    await expect.poll(() => dropSlot(url.href, slot).catch(({ code }: PitcrewError) => code)).toBe(true);
    await database.query(`DROP ROLE ${role}`);
  }
});

test('backups made meanwhile share the log, each object stored once', async () => {
  const at = place();
  await using it = running(at.options);
  await it.saw('connected');
  const before = await writeSegments(1);
  const made = await createBackup({ url: server.url(), repository: at.first, madeBy: 'a test' });
  await stored(it, await writeSegments(1));
  await stored(it, before);
  await it.stop();
  await whole(at.first);
  const { backups, log } = await verify(at.first);
  expect(backups).toMatchObject([{ backup: { id: made.id }, problems: [] }]);
  expect(log).toMatchObject({ problems: [], gaps: [], unchecked: 0 });
  await at.dropSlot();
});
