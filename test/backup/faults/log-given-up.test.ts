import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup } from '../../../src/ops/backup/create/create-backup.ts';
import { openRepository, type Repository } from '../../../src/ops/backup/repository/index.ts';
import { localStorage, type Storage } from '../../../src/ops/backup/storage/index.ts';
import { problemsIn } from '../../support/backup-chain.ts';
import { session } from '../../support/catalog.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type ScratchServer, scratchServer } from '../../support/postgres.ts';

const stack = new AsyncDisposableStack();
let server: ScratchServer;
let folder: string;

const settings = {
  wal_level: 'replica',
  full_page_writes: 'on',
  max_slot_wal_keep_size: '32MB',
  max_wal_size: '10GB',
  min_wal_size: '32MB',
  checkpoint_timeout: '1h',
};

beforeAll(async () => {
  server = stack.use(await scratchServer(18, settings));
  folder = stack.use(temporaryFolder()).path;
}, 120_000);
afterAll(() => stack.disposeAsync());

const open = (name: string): Repository => openRepository({ storage: localStorage(join(folder, name)) });

/** So many segments more of log. */
async function write(segments: number): Promise<void> {
  await using client = await session(server.url());
  for (let count = 0; count < segments; count += 1) {
    await client.query(`SELECT pg_logical_emit_message(false, 'a test', repeat('x', 1000))`);
    await client.query('SELECT pg_switch_wal()');
  }
}

test('more log since the last checkpoint than a slot may keep stops no backup', async () => {
  const repository = open('long since');
  await write(8);
  const backup = await createBackup({ url: server.url(), repository, madeBy: 'a test' });
  expect((await repository.backups()).map(({ id }) => id)).toEqual([backup.id]);
  expect(await problemsIn(repository)).toEqual([]);
});

const waitsForSlot = `
  SELECT backend_type
  FROM   pg_stat_activity
  WHERE  wait_event = 'ReplicationSlotDrop'`;

test('log that the server gives up while the files are copied is told, with the setting', async () => {
  const path = join(folder, 'meanwhile');
  const local = localStorage(path);
  const log = Promise.withResolvers<void>();
  const slow = Promise.withResolvers<void>();
  // Storing the log takes as long as it takes the server to write more than it may keep.
  const storage: Storage = {
    ...local,
    async put(key, source, options) {
      if (key.startsWith('wal/')) {
        log.resolve();
        await slow.promise;
      }
      return local.put(key, source, options);
    },
  };
  const repository = openRepository({ storage });
  const made = createBackup({ url: server.url(), repository, madeBy: 'a test', maxRateKb: 8000 });
  const refused = expect(made).rejects.toMatchObject({
    code: 'E_QUERY',
    message: 'the server gave up log that the backup needs',
    detail: expect.stringContaining('Its setting max_slot_wal_keep_size is 32MB;'),
    hint: expect.stringContaining('ALTER SYSTEM'),
  });
  await log.promise;
  await write(8);
  await using client = await session(server.url());
  await using other = await session(server.url());
  const checkpoint = other.query('CHECKPOINT');
  // The session that we do not read at the moment is told to end.
  await expect
    .poll(async () => (await client.query(waitsForSlot)).rows, { timeout: 60_000 })
    .toEqual([{ backend_type: 'checkpointer' }]);
  slow.resolve();
  await checkpoint;
  await refused;
  expect(await repository.backups()).toEqual([]);
  expect(await repository.leftovers()).toEqual([]);
  expect((await client.query('SELECT slot_name FROM pg_replication_slots')).rows).toEqual([]);
});
