import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lsnText } from '../../src/engine/postgres/replication/index.ts';
import { openPhysical } from '../../src/engine/postgres/replication/physical/index.ts';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import type { RecoveryTarget } from '../../src/ops/backup/restore/target.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { receiveWal } from '../../src/ops/backup/wal/receive.ts';
import { type Binaries, type EmbeddedServer, serverIdentity, startServer } from '../../src/ops/embedded/index.ts';
import { backupLedger, randomFrom, type Reached } from '../support/backup-ledger.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchReplica, testSettings } from '../support/postgres.ts';

const madeBy = 'a test';
const segmentBytes = 16 * 1024 * 1024;
const seed = Number(process.env.PITCREW_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const servers = installedServers().filter(({ major }) => major !== 16);

describe.each(servers)(`PostgreSQL $major, with PITCREW_TEST_SEED=${seed}`, ({ major, binaries }) => {
  test('what is restored is what was committed by then, wherever recovery ends', async () => {
    await using it = await written(major, binaries);
    const { ledger, random } = it;
    await ledger.write(30);
    await using log = await it.archive(1);
    const made = [await ledger.during(() => it.backUp('full'))];
    // Without incremental ones there is no chain.
    for (let count = 1; count <= (major < 17 ? 2 : 6); count += 1) {
      await ledger.write(3 + Math.floor(random() * 10));
      if (count === 1) await ledger.during(() => ledger.makeDatabase('copied', 'file_copy'));
      // While the second is made another database is, too.
      const making = ledger.during(() => it.backUp(major < 17 ? 'full' : 'incremental'));
      if (count === 2) await ledger.makeDatabase('logged', 'wal_log');
      made.push(await making);
    }
    const between = await ledger.during(ledger.now);
    await ledger.write(5);
    await using client = await session(it.server.url());
    const named = await ledger.during(() => client.query(`SELECT pg_create_restore_point('named')::text AS lsn`));
    await ledger.write(5);
    const [, , middle] = made;
    const last = made.at(-1);
    if (!middle || !last) throw new Error('there are too few backups');
    const isChain = major >= 17;
    expect(made.map(({ parent }) => parent)).toEqual(
      made.map((_each, place) => (isChain ? (made[place - 1]?.id ?? null) : null)),
    );
    const late = ledger.committed.filter(({ before }) => before.lsn > last.endLsn);
    const { xid } = late[Math.floor(random() * late.length)] ?? { xid: '' };
    await log.upToNow();
    const cases: Record<string, [BackupRecord, RecoveryTarget, Reached]> = {
      end: [last, {}, 'end'],
      lsn: [middle, { lsn: between.lsn }, { lsn: between.lsn }],
      time: [last, { time: between.time }, { time: between.time }],
      xid: [last, { xid }, { xid }],
      name: [middle, { name: 'named' }, { lsn: lsn(named.rows[0]?.['lsn']) }],
      immediate: [middle, { immediate: true }, { lsn: middle.endLsn }],
    };
    for (const name of wanted[major] ?? []) {
      const [backup, target, reached] = cases[name] ?? [last, {}, 'end'];
      const problems = await it.restored(backup, target, (server) => ledger.compare(server.url, reached));
      expect(problems, `${name}, of ${backup.id}`).toEqual([]);
    }
  });
});

/** Every kind of target with chains, and most without. */
const wanted: Record<number, string[]> = {
  18: ['end', 'xid', 'immediate'],
  17: ['lsn', 'time', 'name'],
  15: ['end', 'lsn', 'time'],
};

const [newest] = servers;

test(`across the promotion of a replica, with PITCREW_TEST_SEED=${seed}`, async () => {
  if (!newest) throw new Error('there is no server');
  await using it = await written(newest.major, newest.binaries, { hasTablespace: false });
  const { ledger, server } = it;
  await using client = await session(server.url());
  // A replica has it from its primary.
  await client.query('ALTER SYSTEM SET summarize_wal = on');
  await client.query('ALTER SYSTEM SET autovacuum = off');
  await using replica = await scratchReplica(server, newest.major);
  await using before = await it.archive(1);
  await ledger.write(10);
  const full = await ledger.during(() => it.backUp('full'));
  await ledger.write(10);
  await before.upToNow();
  const { lsn: last } = await ledger.now();
  await using other = await session(replica.url());
  await expect
    .poll(async () => (await other.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS has', [lsnText(last)])).rows)
    .toEqual([{ has: true }]);
  // The primary has nothing more to say.
  await replica.promote();
  const connection = await openPhysical({ url: replica.url() });
  const history = await connection.timelineHistory(2);
  await connection.close();
  const switched = lsn(/^1\t(\S+)/m.exec(history.content)?.[1]);
  await using after = await it.archive(2, replica.url(), switched);
  await ledger.write(10, replica.url());
  const incremental = await ledger.during(() => it.backUp('incremental', replica.url()));
  expect(incremental).toMatchObject({ parent: full.id, timeline: 2 });
  await ledger.write(10);
  await after.upToNow();
  for (const [backup, target, reached] of [
    [full, {}, 'end'],
    [incremental, {}, 'end'],
    [full, { timeline: 1 }, { lsn: switched }],
  ] as [BackupRecord, RecoveryTarget, Reached][]) {
    const problems = await it.restored(backup, target, (restored) => ledger.compare(restored.url, reached));
    expect(problems, `${backup.id}, timeline ${target.timeline ?? 'latest'}`).toEqual([]);
  }
});

/** A server that is written to, backed up, and whose backups are restored. */
async function written(major: number, binaries: Binaries, { hasTablespace = true } = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const server = stack.use(await backupServer(major, major < 17 ? {} : { summarize_wal: 'on' }, { hasTemplate: true }));
  const place = join(folder, 'tablespace');
  mkdirSync(place);
  own(server, place);
  const repository = openRepository({ storage: localStorage(join(folder, 'repository')) });
  const owned = stack.move();
  let restores = 0;
  return {
    server,
    random: randomFrom(seed),
    ledger: await backupLedger(server.url(), { seed, cuts: major < 17, ...(hasTablespace ? { place } : {}) }),
    backUp: (type: BackupRecord['type'], url = server.url()) => createBackup({ url, repository, madeBy, type }),
    archive: (timeline: number, url = server.url(), from?: bigint) => archive(repository, url, timeline, from),
    repository,
    /** Restores, waits until recovery has ended, and looks. */
    async restored<Found>(
      backup: BackupRecord,
      target: RecoveryTarget,
      look: (server: EmbeddedServer) => Promise<Found>,
    ): Promise<Found> {
      restores += 1;
      const to = join(folder, `restored ${restores}`);
      own(server, join(folder, 'repository'));
      await restoreBackup({
        repository,
        backup,
        to,
        target,
        tablespaceMap: new Map(hasTablespace ? [[place, `${to}, elsewhere`]] : []),
        restoreCommand: logOf(folder),
        owner: serverIdentity(to),
      });
      const started = await startServer({ dataDir: to, binaries, settings: testSettings });
      try {
        await using client = await session(started.url());
        await expect
          .poll(async () => (await client.query('SELECT pg_is_in_recovery() AS still')).rows)
          .toEqual([{ still: false }]);
        return await look(started);
      } finally {
        await started.stop('immediate');
        for (const path of [to, `${to}, elsewhere`]) rmSync(path, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Receives all log from now on, as a service would. */
async function archive(repository: Repository, url: string, timeline: number, from?: bigint) {
  const connection = await openPhysical({ url });
  const slot = `archive_${timeline}`;
  await connection.createSlot(slot, { temporary: true });
  const { flushedLsn } = await connection.identify();
  const receiving = receiveWal({ connection, repository, from: from ?? flushedLsn, timeline, segmentBytes, slot });
  return {
    /** Ends when all that was written until now is stored. */
    async upToNow() {
      await using client = await session(url);
      const { rows } = await client.query('SELECT pg_switch_wal()::text AS lsn');
      await receiving.until(lsn(rows[0]?.lsn));
    },
    async [Symbol.asyncDispose]() {
      await receiving.stop();
      await connection.close();
    },
  };
}

/** A command that finds the log in the repository of a folder; `zstd` unpacks it. */
function logOf(folder: string): string[] {
  const script = join(folder, 'fetch');
  const found = `"${join(folder, 'repository/wal')}/$(echo "$1" | cut -c1-8)/$1.zst"`;
  writeFileSync(script, `[ -f ${found} ] || exit 44\nexec zstd -dqc ${found} > "$2"\n`);
  return ['sh', script];
}

function own(server: EmbeddedServer, path: string): void {
  execFileSync('chown', ['-R', `--reference=${server.dataDir}`, path]);
}

const lsn = (text: unknown): bigint => {
  const [high = '', low = ''] = String(text).split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};
