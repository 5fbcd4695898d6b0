import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, type CommandResult, pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type ScratchServer, testSettings } from '../support/postgres.ts';
import { s3Server, type S3Server } from '../support/s3/server.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let database: ScratchServer;
let storage: S3Server;
let config: string;

beforeAll(async () => {
  folder = stack.use(temporaryFolder()).path;
  database = stack.use(await backupServer());
  storage = stack.use(await s3Server('backups'));
  writeFileSync(join(folder, 'passphrase'), 'correct horse\n');
  config = join(folder, 'pitcrew.config.json');
  const s3 = { endpoint: storage.endpoint, pathStyle: true, ...storage.key };
  const repositories = [{ location: 's3://backups/shop', passphraseFile: 'passphrase', s3 }];
  writeFileSync(config, JSON.stringify({ databases: { shop: database.url() }, backups: { shop: { repositories } } }));
  // The restored server's user reads these when it fetches its log.
  execFileSync('chown', [`--reference=${database.dataDir}`, config, join(folder, 'passphrase')]);
});
afterAll(() => stack.disposeAsync());

const run = (...args: string[]): Promise<CommandResult> => command([...args, '--config', config]);

test('a backup in a bucket, behind a passphrase, is restored by what the config file says', async () => {
  await using client = await session(database.url());
  await client.query('CREATE TABLE ledger AS SELECT 1 AS id');
  expect(await run('backup', 'create', '--quiet')).toMatchObject({ code: 0, stderr: '' });
  await client.query('INSERT INTO ledger VALUES (2)');
  // Its log is what the first is recovered to.
  storage.fail('UploadPart', { cut: 'request', afterBytes: 1_000_000 });
  storage.fail('PutObject', { status: 503, code: 'SlowDown' }, 3);
  expect(await run('backup', 'create', '--quiet')).toMatchObject({ code: 0, stderr: '' });
  const { backups } = JSON.parse((await run('backup', 'list', '--json')).stdout) as { backups: { id: string }[] };
  expect(backups).toHaveLength(2);
  expect(await run('backup', 'verify', '--quiet')).toMatchObject({ code: 0 });
  const to = join(folder, 'restored');
  expect(await run('restore', backups[0]?.id ?? '', '--to', to, '--quiet')).toMatchObject({ code: 0, stderr: '' });
  const restored = await startServer({ dataDir: to, settings: testSettings });
  try {
    await using reader = await session(restored.url());
    await expect
      .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS still')).rows)
      .toEqual([{ still: false }]);
    expect((await reader.query('SELECT id FROM ledger ORDER BY id')).rows).toEqual([{ id: 1 }, { id: 2 }]);
    const [{ restore_command: fetching } = { restore_command: '' }] = (
      await reader.query<{ restore_command: string }>('SHOW restore_command')
    ).rows;
    expect(fetching).toContain(config);
    for (const secret of [storage.key.secretAccessKey, 'correct horse']) expect(fetching).not.toContain(secret);
  } finally {
    await restored.stop('immediate');
  }
});

test('a bucket that is taken away ends a backup with the reason, and recovery does not take that for the end of the log', async () => {
  const kept = new Map(storage.buckets);
  const before = storage.log.length;
  const running = run('backup', 'create', '--quiet');
  await expect.poll(() => storage.log.slice(before).some((line) => /PutObject .*started/.test(line))).toBe(true);
  storage.buckets.clear();
  expect(await running).toMatchObject({ code: 3, stderr: expect.stringContaining('NoSuchBucket') });
  const fetched = await run('backup', 'fetch-wal', '000000010000000000000099', join(folder, 'segment'));
  expect(fetched).toMatchObject({ code: 3, stderr: expect.stringContaining('NoSuchBucket') });
  for (const [name, bucket] of kept) storage.buckets.set(name, bucket);
  expect(await run('backup', 'fetch-wal', '000000010000000000000099', join(folder, 'segment'))).toMatchObject({
    code: 44,
  });
});

test('flags and the environment say all that is needed, too', async () => {
  const flags = ['--repository', 's3://backups/shop', '--s3-endpoint', storage.endpoint, '--s3-path-style'];
  const listed = await command(['backup', 'list', ...flags], {
    env: { AWS_ACCESS_KEY_ID: storage.key.accessKeyId, AWS_SECRET_ACCESS_KEY: storage.key.secretAccessKey },
  });
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout.split('\n\n')[0]?.split('\n')).toHaveLength(3);
  const wrong = await command(['backup', 'list', ...flags], {
    env: { AWS_ACCESS_KEY_ID: storage.key.accessKeyId, AWS_SECRET_ACCESS_KEY: 'wrong' },
  });
  expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('SignatureDoesNotMatch') });
  expect(await pitcrew(['backup', 'list'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no repository is given'),
  });
});
