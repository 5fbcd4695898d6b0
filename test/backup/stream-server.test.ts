import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lsnOf } from '../../src/engine/postgres/replication/index.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running } from '../support/log-stream.ts';

const segmentBytes = 16 * 1024 * 1024;

test('a server is not held up when it stops, and keeps log for a repository that is away as long as it allows', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer(18, { max_slot_wal_keep_size: '48MB', max_wal_size: '64MB' });
  const here = join(folder.path, 'here');
  const away = join(folder.path, 'away');
  const repositories = [here, away].map((name) => openRepository({ storage: localStorage(name) }));
  await using it = running({
    url: server.url(),
    repositories,
    slot: 'pitcrew_server',
    spoolDir: folder.path,
    spoolBytes: 1,
    partialEveryMs: 60_000,
    awayAfterMs: 100,
  });
  const storedLsn = (name: string): bigint =>
    lsnOf(it.stream.state().repositories.find((each) => each.name === name)?.storedLsn ?? '') ?? 0n;
  const write = async (segments: number): Promise<bigint> => {
    await using client = await session(server.url());
    await client.query('CREATE TABLE IF NOT EXISTS t (n int)');
    for (let n = 0; n < segments; n += 1) {
      await client.query('INSERT INTO t VALUES (1)');
      await client.query('SELECT pg_switch_wal()');
    }
    if (segments > 0) await client.query('CHECKPOINT');
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    return lsnOf(rows[0]?.lsn ?? '') ?? 0n;
  };
  await it.saw('connected');
  const begun = await write(1);
  const segmentOf = (lsn: bigint): bigint => lsn - (lsn % BigInt(segmentBytes));
  for (const name of [here, away]) await expect.poll(() => storedLsn(name)).toBeGreaterThanOrEqual(segmentOf(begun));
  // Nothing is due to be stored for a minute; a server that is stopped waits for all of it.
  let stoppedAt = 0n;
  it.forget();
  await server.whileStopped(async () => {
    stoppedAt = lsnOf(it.stream.state().serverLsn ?? '') ?? 0n;
  });
  expect(await it.saw('disconnected')).toMatchObject({ error: { code: 'E_DATABASE_UNREACHABLE' } });
  await it.saw('connected');
  for (const name of [here, away]) expect(storedLsn(name)).toBeGreaterThanOrEqual(stoppedAt);

  renameSync(away, `${away}.moved`);
  writeFileSync(away, '');
  await write(1);
  await it.saw('repository-away');
  it.forget();
  // Nor by what cannot be stored.
  await server.whileStopped(async () => {});
  await it.saw('connected');
  it.forget();
  const lost = await write(6);
  expect(await it.saw('slot')).toMatchObject({ action: 'recreated' });
  await expect.poll(() => storedLsn(here)).toBeGreaterThanOrEqual(segmentOf(lost));
  rmSync(away);
  renameSync(`${away}.moved`, away);
  const gap = await it.saw('gap', ({ repository }) => repository === away);
  await write(1);
  await expect.poll(() => storedLsn(away)).toBeGreaterThanOrEqual(segmentOf(lost));
  await it.stop();
  const [, record] = await Promise.all(repositories.map((repository) => repository.gaps()));
  expect(record).toMatchObject([{ first: gap.first, last: gap.last, segments: gap.segments }]);
});
