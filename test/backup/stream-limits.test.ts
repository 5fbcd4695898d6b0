import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lsnOf } from '../../src/engine/postgres/replication/index.ts';
import { createBackup, verify } from '../../src/ops/backup/index.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage, type Storage } from '../../src/ops/backup/storage/index.ts';
import { reachableWindows } from '../../src/ops/backup/wal/windows.ts';
import { session } from '../support/catalog.ts';
import { startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running, type RunningStream } from '../support/log-stream.ts';
import { type ScratchServer, scratchServer } from '../support/postgres.ts';

const isRoot = process.getuid?.() === 0;
const madeBy = 'a test';
const segmentBytes = 16 * 1024 * 1024;
const long = { timeout: 60_000 };
const stack = new AsyncDisposableStack();
let folder: string;
let server: ScratchServer;
let client: pg.Client;
let count = 0;

beforeAll(async () => {
  folder = stack.use(temporaryFolder()).path;
  server = stack.use(
    await scratchServer(18, { full_page_writes: 'on', max_slot_wal_keep_size: '-1', max_wal_size: '64MB' }),
  );
  client = stack.use(await session(server.url()));
  await client.query('CREATE TABLE t (n int)');
});
afterAll(() => stack.disposeAsync());

function place(...storages: ((path: string) => Storage)[]) {
  count += 1;
  const names = storages.map((_, n) => join(folder, `${count}-${n}`));
  const repositories = storages.map((storage, n) => openRepository({ storage: storage(names[n] ?? '') }));
  const slot = `pitcrew_limits_${count}`;
  const spoolDir = join(folder, 'spool');
  return {
    names,
    slot,
    repositories,
    options: { url: server.url(), repositories, slot, spoolDir, partialEveryMs: 200 },
  };
}

/** Writes log, so many segments of it. @returns up to where */
async function write(segments: number): Promise<bigint> {
  for (let n = 0; n < segments; n += 1) {
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('SELECT pg_switch_wal()');
  }
  await client.query('INSERT INTO t VALUES (1)');
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(rows[0]?.lsn ?? '') ?? 0n;
}

const storedIn = (it: RunningStream, name: string): bigint =>
  lsnOf(it.stream.state().repositories.find((each) => each.name === name)?.storedLsn ?? '') ?? 0n;

async function stored(it: RunningStream, lsn: bigint, ...names: string[]): Promise<void> {
  for (const name of names) await expect.poll(() => storedIn(it, name), long).toBeGreaterThanOrEqual(lsn);
}

/** Bytes of log that the slot keeps. */
async function kept(slot: string): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT pg_current_wal_flush_lsn() - restart_lsn AS bytes FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  return Number(rows[0]?.bytes);
}

async function dropSlot(slot: string): Promise<void> {
  await expect
    .poll(
      () =>
        client.query('SELECT pg_drop_replication_slot($1)', [slot]).then(
          () => true,
          () => false,
        ),
      long,
    )
    .toBe(true);
}

/** Nothing can be stored there. @returns what ends that */
function takeAway(path: string): () => void {
  renameSync(path, `${path}.away`);
  writeFileSync(path, '');
  return () => {
    rmSync(path);
    renameSync(`${path}.away`, path);
  };
}

/** With little that the server keeps for who is away. */
const impatient = { spoolBytes: 1, awayAfterMs: 100, maxRetainedBytes: 2 * segmentBytes };

test('the server is held up no longer by a repository that is away, and what that lacks is told', async () => {
  const at = place(localStorage, localStorage);
  const [away = '', here = ''] = at.names;
  const [lacking, complete] = at.repositories as [Repository, Repository];
  await using it = running({ ...at.options, ...impatient });
  await it.saw('connected');
  await stored(it, await write(1), away, here);
  const first = await createBackup({ url: server.url(), repository: lacking, madeBy });
  const giveBack = takeAway(away);
  const lost = await write(6);
  await it.saw('repository-away');
  expect(await it.saw('let-go')).toMatchObject({ repository: away });
  await stored(it, lost, here);
  await expect.poll(() => kept(at.slot), long).toBeLessThanOrEqual(segmentBytes);
  await client.query('CHECKPOINT');
  await write(1);
  await client.query('CHECKPOINT');
  giveBack();
  const gap = await it.saw('gap', ({ repository }) => repository === away);
  await it.saw('repository-back');
  const next = await createBackup({ url: server.url(), repository: lacking, madeBy });
  const end = await write(1);
  await stored(it, end, away, here);
  await it.stop();
  expect(await lacking.gaps()).toMatchObject([{ first: gap.first, last: gap.last, segments: gap.segments }]);
  const { windows } = await reachableWindows(lacking, await lacking.backups());
  expect(windows.map(({ backups }) => backups)).toEqual([[first.id], [next.id]]);
  expect(windows[0]?.to.lsn).toBeLessThan(lost);
  expect(windows[1]?.to.lsn).toBeGreaterThanOrEqual(end);
  expect((await verify(lacking)).backups.flatMap(({ problems }) => problems)).toEqual([]);
  expect(await complete.gaps()).toEqual([]);
  expect((await verify(complete)).log).toMatchObject({ problems: [], gaps: [] });
  await dropSlot(at.slot);
});

test('nor by the only repository, for which as much stays as is said', async () => {
  const at = place(localStorage);
  const [away = ''] = at.names;
  await using it = running({ ...at.options, ...impatient });
  await it.saw('connected');
  await stored(it, await write(1), away);
  const giveBack = takeAway(away);
  await write(6);
  expect(await it.saw('let-go')).toMatchObject({ repository: away });
  await expect.poll(() => kept(at.slot), long).toBeLessThanOrEqual(impatient.maxRetainedBytes);
  expect(await kept(at.slot)).toBeGreaterThanOrEqual(segmentBytes);
  giveBack();
  await it.stop();
  await dropSlot(at.slot);
});

test('a server that wants to hear of us soon does, however slow a repository is', async () => {
  await client.query(`ALTER SYSTEM SET wal_sender_timeout = '5s'`);
  await client.query('SELECT pg_reload_conf()');
  let gate = Promise.resolve();
  const at = place((path) => {
    const local = localStorage(path);
    return {
      ...local,
      async put(...args) {
        await gate;
        return local.put(...args);
      },
    };
  });
  await using it = running({ ...at.options, spoolBytes: 1 });
  await it.saw('connected');
  await stored(it, await write(1), ...at.names);
  const closed = Promise.withResolvers<void>();
  gate = closed.promise;
  const end = await write(5);
  const heard = `SELECT bool_or(reply_time > $1::timestamptz + interval '4 s') AS later FROM pg_stat_replication`;
  const began = new Date();
  await expect.poll(async () => (await client.query(heard, [began])).rows, long).toEqual([{ later: true }]);
  closed.resolve();
  await stored(it, end, ...at.names);
  expect(it.events.filter(({ type }) => type === 'disconnected')).toEqual([]);
  await it.stop();
  await dropSlot(at.slot);
  await client.query('ALTER SYSTEM RESET wal_sender_timeout');
  await client.query('SELECT pg_reload_conf()');
});

test('a process of the server that hangs is waited for, as it has the slot', async () => {
  const at = place(localStorage);
  await using it = running({ ...at.options, silenceLimitMs: 1000 });
  await it.saw('connected');
  const { rows } = await client.query<{ pid: number }>(
    'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
    [at.slot],
  );
  const [{ pid } = { pid: 0 }] = rows;
  expect(pid).toBeGreaterThan(0);
  process.kill(pid, 'SIGSTOP');
  try {
    expect(await it.saw('disconnected')).toMatchObject({ error: { code: 'E_CONNECTION_LOST' } });
    expect(await it.saw('waiting')).toMatchObject({
      holder: `our own connection of before, which the server has not seen end (PID ${pid} of the server)`,
    });
    it.forget();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await it.saw('connected');
  await stored(it, await write(1), ...at.names);
  await it.stop();
  expect((await verify(at.repositories[0] as Repository)).log).toMatchObject({ problems: [], gaps: [] });
  await dropSlot(at.slot);
});

test('of two streams that wait for a server one gets the slot, and the other takes over when that is killed', async () => {
  const at = place(localStorage);
  const args = ['backup', 'stream', '--database', server.url(), '--repository', at.names[0] ?? '', '--slot', at.slot];
  const start = (name: string) =>
    startPitcrew([...args, '--json', '--partial-every', '0.2'], { env: { PITCREW_DATA_DIR: join(folder, name) } });
  const both = [start('a'), start('b')];
  await client.end();
  await server.whileStopped(async () => {
    for (const each of both) await each.saw(/"disconnected".*E_DATABASE_UNREACHABLE/);
  });
  client = stack.use(await session(server.url()));
  const waiting = await Promise.race(
    both.map(async (each) => {
      await each.saw(/"waiting"/);
      return each;
    }),
  );
  const first = both.find((each) => each !== waiting);
  await first?.saw(/"stored"/);
  await write(1);
  first?.child.kill('SIGKILL');
  await first?.ended;
  await waiting.saw(/"connected"/);
  const end = await write(1);
  const repository = at.repositories[0] as Repository;
  await expect.poll(async () => (await repository.stream())?.storedLsn ?? 0n, long).toBeGreaterThanOrEqual(end);
  waiting.child.kill('SIGTERM');
  const { code, stderr } = await waiting.ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect((await verify(repository)).log).toMatchObject({ problems: [], gaps: [] });
  await dropSlot(at.slot);
});

test.skipIf(!isRoot)(
  'a full disk between server and repositories loses nothing (only root may mount a small one)',
  async () => {
    const at = place(localStorage);
    const spoolDir = join(folder, 'small');
    mkdirSync(spoolDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', spoolDir]);
    try {
      const filler = join(spoolDir, 'others');
      const { bavail, bsize } = statfsSync(spoolDir);
      await using it = running({ ...at.options, spoolDir });
      await it.saw('connected');
      await stored(it, await write(1), ...at.names);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - segmentBytes - 100_000));
      it.forget();
      const end = await write(3);
      expect(await it.saw('disconnected')).toMatchObject({
        error: { code: 'E_STORAGE', message: `there is no room left in ${spoolDir}` },
      });
      expect(it.stream.state().error).toMatchObject({ code: 'E_STORAGE' });
      rmSync(filler);
      await stored(it, end, ...at.names);
      await it.stop();
      const { log } = await verify(at.repositories[0] as Repository);
      expect(log).toMatchObject({ problems: [], gaps: [] });
    } finally {
      execFileSync('umount', [spoolDir]);
    }
    await dropSlot(at.slot);
  },
);
