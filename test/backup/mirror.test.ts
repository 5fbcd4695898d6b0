import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRepositories } from '../../src/ops/backup/index.ts';
import { mirror } from '../../src/ops/backup/mirror/mirror.ts';
import type { Repository } from '../../src/ops/backup/repository/index.ts';
import { startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, type CommandResult, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type ScratchServer, testSettings } from '../support/postgres.ts';
import { s3Server, type S3Server } from '../support/s3/server.ts';
import { collected } from '../support/streams.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let database: ScratchServer;
let storage: S3Server;
let config: string;
/** The first, in a folder; the second, in a bucket. */
let first: Repository;
let second: Repository;

beforeAll(async () => {
  folder = stack.use(temporaryFolder()).path;
  database = stack.use(await backupServer(18, { summarize_wal: 'on' }));
  storage = stack.use(await s3Server('backups'));
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, 'correct horse\n');
  config = join(folder, 'pitcrew.config.json');
  const s3 = { endpoint: storage.endpoint, region: 'us-east-1', pathStyle: true, ...storage.key };
  const repositories = [
    { location: join(folder, 'first'), recipients: [], passphraseFile, s3 },
    { location: 's3://backups/second', recipients: [], passphraseFile, s3 },
  ];
  writeFileSync(config, JSON.stringify({ databases: { shop: database.url() }, backups: { shop: { repositories } } }));
  execFileSync('chown', [`--reference=${database.dataDir}`, config, passphraseFile]);
  const [a, b] = await openRepositories({ repositories });
  if (!a || !b) throw new Error('there are two');
  [first, second] = [a, b];
});
afterAll(() => stack.disposeAsync());

const run = (...args: string[]): Promise<CommandResult> => command([...args, '--config', config, '--quiet']);
const ids = async (repository: Repository): Promise<string[]> => (await repository.backups()).map(({ id }) => id);

test('one that cannot be reached is told, and caught up with', async () => {
  const buckets = new Map(storage.buckets);
  storage.buckets.clear();
  const full = await run('backup', 'create');
  expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('Not copied to s3://backups/second') });
  expect(full.stdout).toContain('s3://backups/second: not copied');
  expect(await ids(first)).toHaveLength(1);
  for (const [name, bucket] of buckets) storage.buckets.set(name, bucket);
  const incremental = await run('backup', 'create', '--type', 'incremental', '--json');
  expect(incremental).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(incremental.stdout)).toMatchObject({
    copies: [{ repository: 's3://backups/second', copied: { backups: await ids(first) }, error: null }],
  });
  expect(await second.backups()).toEqual(await first.backups());
});

test('a copy that is killed is seen as none, and the next one goes on', async () => {
  expect(
    await command(['backup', 'create', '--database', database.url(), '--repository', join(folder, 'first'), '--quiet']),
  ).toMatchObject({ code: 0 });
  const all = await ids(first);
  const made = all.at(-1) ?? '';
  storage.fail('PutObject', 'hang', 1, /base\.tar/);
  storage.fail('UploadPart', 'hang', 1, /base\.tar/);
  const copying = startPitcrew(['backup', 'copy', '--config', config]);
  await expect
    .poll(() => storage.log.some((line) => /(PutObject|UploadPart) .*base\.tar/.test(line) && line.includes(made)))
    .toBe(true);
  copying.child.kill('SIGKILL');
  await copying.ended;
  storage.heal();
  expect(await ids(second)).toEqual(all.slice(0, -1));
  expect(await second.leftovers()).toEqual([made]);
  const before = storage.log.length;
  expect(await run('backup', 'copy')).toMatchObject({ code: 0, stdout: expect.stringContaining(made) });
  const written = storage.log.slice(before).filter((line) => /^(PutObject|CreateMultipartUpload) /.test(line));
  // Log that was there is not copied again, nor are backups.
  expect(written.filter((line) => !line.includes(made))).toEqual([]);
  expect(await ids(second)).toEqual(all);
  expect(await second.leftovers()).toEqual([]);
  expect(await run('backup', 'copy')).toMatchObject({ code: 0, stdout: 's3://backups/second: nothing was missing\n' });
});

test('what was removed there does not come back by itself, and a damaged file is not copied', async () => {
  const [oldest = '', next = '', latest = ''] = await ids(first);
  for (const id of [next, oldest]) await second.remove(id);
  await mirror({ from: first, to: second });
  expect(await ids(second)).toEqual([latest]);
  const [base] = (await first.backup(oldest)).files;
  const path = join(folder, 'first', base?.key ?? '');
  const content = readFileSync(path);
  const changed = Buffer.from(content);
  changed[5000] = (changed[5000] ?? 0) ^ 1;
  writeFileSync(path, changed);
  expect(await run('backup', 'copy', next)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a stored file is not what it was'),
  });
  expect(await ids(second)).toEqual([latest]);
  writeFileSync(path, content);
  // With what it builds on.
  expect(await run('backup', 'copy', next)).toMatchObject({ code: 0 });
  expect(await ids(second)).toEqual([oldest, next, latest]);
});

test('the copy alone is enough: checked, and restored by its passphrase', async () => {
  execFileSync('mv', [join(folder, 'first'), join(folder, 'lost')]);
  const flags = ['--repository', 's3://backups/second'];
  expect(await run('backup', 'verify', ...flags)).toMatchObject({ code: 0 });
  const [, incremental = ''] = await ids(second);
  const to = join(folder, 'restored');
  const restored = await run('restore', incremental, '--to', to, '--immediate', ...flags);
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  const server = await startServer({ dataDir: to, settings: testSettings });
  try {
    await using reader = await session(server.url());
    await expect
      .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS still')).rows)
      .toEqual([{ still: false }]);
  } finally {
    await server.stop('immediate');
  }
  expect((await collected(second.storage.list('keys/'))).map(({ key }) => key.replace(/age1\w+/, ''))).toContain(
    'keys/.age',
  );
});
