import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lsnOf } from '../../src/engine/postgres/replication/index.ts';
import { createBackup } from '../../src/ops/backup/index.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running, type RunningStream } from '../support/log-stream.ts';
import { scratchReplica, testSettings } from '../support/postgres.ts';
import { follow } from '../support/replicated.ts';
import { collected } from '../support/streams.ts';

async function stored(it: RunningStream, position: string): Promise<void> {
  const lsn = lsnOf(position) ?? 0n;
  await expect
    .poll(() => it.stream.state().repositories.every(({ storedLsn }) => (lsnOf(storedLsn ?? '') ?? 0n) >= lsn))
    .toBe(true);
}

test('a promoted standby is followed, with what the primary had alone left behind', async () => {
  await using folder = temporaryFolder();
  await using primary = await backupServer(18, { wal_keep_size: '64MB' });
  await using replica = await scratchReplica(primary, 18);
  const client = await session(primary.url());
  await client.query('CREATE TABLE ledger (id int PRIMARY KEY)');
  const repositoryIn = (name: string) => openRepository({ storage: localStorage(join(folder.path, name)) });
  const ofPrimary = repositoryIn('of the primary');
  const ofReplica = repositoryIn('of the replica');
  const options = { spoolDir: folder.path, partialEveryMs: 200 };
  await createBackup({ url: primary.url(), repository: ofPrimary, madeBy: 'a test' });
  await using one = running({ ...options, url: primary.url(), repositories: [ofPrimary], slot: 'pitcrew_one' });
  // From a standby, as from a primary.
  await using two = running({ ...options, url: replica.url(), repositories: [ofReplica], slot: 'pitcrew_two' });
  const add = async (on: typeof client, id: number): Promise<string> => {
    await on.query('INSERT INTO ledger VALUES ($1)', [id]);
    return (await on.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn')).rows[0]?.lsn ?? '';
  };
  await one.saw('connected');
  await two.saw('connected');
  const common = await add(client, 1);
  await stored(one, common);
  await stored(two, common);
  // The primary goes on alone for a while, by more than a segment.
  await follow(replica, { port: 1 });
  await expect
    .poll(
      async () =>
        (await client.query('SELECT 1 FROM pg_stat_replication WHERE application_name NOT LIKE $1', ['pitcrew%'])).rows,
    )
    .toEqual([]);
  await add(client, 2);
  await client.query('SELECT pg_switch_wal()');
  await stored(one, await add(client, 3));
  await one.stop();
  await client.end();

  await using promoted = await session(replica.url());
  await promoted.query('SELECT pg_promote()');
  expect(await two.saw('timeline')).toMatchObject({ timeline: 2 });
  const after = await add(promoted, 4);
  await stored(two, after);
  expect(two.stream.state()).toMatchObject({ timeline: 2, gaps: [], repositories: [{ timeline: 2 }] });
  await two.stop();

  // The same address leads to the new primary now, where the slot is not.
  await using again = running({ ...options, url: replica.url(), repositories: [ofPrimary], slot: 'pitcrew_one' });
  await again.saw('connected');
  await again.saw('stored', ({ name }) => name.startsWith('00000002'));
  await stored(again, await add(promoted, 5));
  await again.stop();
  expect(await ofPrimary.gaps()).toEqual([]);
  for (const repository of [ofPrimary, ofReplica]) {
    const names = (await collected(repository.wal())).map(({ name }) => name);
    expect(names).toContain('00000002.history');
    expect(names.filter((name) => name.startsWith('00000002') && name.endsWith('.partial'))).toHaveLength(1);
    expect(await repository.stream()).toMatchObject({ timeline: 2 });
  }
  // What the primary alone had stays on its own timeline.
  expect((await collected(ofPrimary.wal())).filter(({ name }) => name.endsWith('.partial'))).toHaveLength(2);
  const to = join(folder.path, 'restored');
  execFileSync('chown', ['-R', `--reference=${replica.dataDir}`, ofPrimary.name]);
  expect(await command(['restore', 'latest', '--repository', ofPrimary.name, '--to', to])).toMatchObject({ code: 0 });
  const restored = await startServer({ dataDir: to, settings: testSettings });
  try {
    await using reader = await session(restored.url());
    await expect
      .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS recovering')).rows)
      .toEqual([{ recovering: false }]);
    const { rows } = await reader.query<{ id: number }>('SELECT id FROM ledger ORDER BY id');
    expect(rows.map(({ id }) => id)).toEqual([1, 4, 5]);
  } finally {
    await restored.stop('immediate');
  }
});
