import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import type { CreateProgress } from '../../src/ops/backup/create/options.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { collected } from '../support/streams.ts';

const madeBy = 'pitcrew test';
const programs = ['age', 'zstd'].map((name) => findProgram(name));
const missing = programs.flatMap((program) => ('missing' in program ? [program.missing] : []));

describe.skipIf(missing.length > 0)(`a backup opened by hand${missing.map((each) => ` (${each})`).join('')}`, () => {
  test.each(installedServers())('of PostgreSQL $major is a server as of its end', async ({ major, binaries }) => {
    await using folder = temporaryFolder();
    await using server = await backupServer(major);
    const writer = await session(server.url());
    await writer.query(`CREATE TABLE t AS SELECT n, repeat('x', 200) AS pad FROM generate_series(1, 20000) n`);
    const identity = await generateX25519Identity();
    const recipients = [await identityToRecipient(identity)];
    const store = join(folder.path, 'repository');
    const repository = openRepository({ storage: localStorage(store), recipients });
    const seen: CreateProgress[] = [];
    const record = await createBackup({ url: server.url(), repository, madeBy, onProgress: (at) => seen.push(at) });
    await writer.query('DELETE FROM t WHERE n > 100');
    expect(await repository.backups()).toEqual([record]);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['waiting', 'copying', 'log']));
    const keyFile = join(folder.path, 'key');
    writeFileSync(keyFile, `${identity}\n`);
    const dataDir = join(folder.path, 'data');
    mkdirSync(dataDir, { mode: 0o700 });
    const open = (key: string): Buffer =>
      execFileSync('sh', ['-c', 'age -d -i "$1" "$2" | zstd -dq', 'sh', keyFile, join(store, key)], { maxBuffer: 1e9 });
    const [base, manifest] = record.files;
    const tar = open(base?.key ?? '');
    expect(tar).toHaveLength(base?.bytes ?? 0);
    execFileSync('tar', ['-x', '-C', dataDir], { input: tar });
    // The manifest has no data in it: whoever makes the next backup needs it, and has no key.
    const plain = execFileSync('zstd', ['-dqc', join(store, manifest?.key ?? '')]);
    writeFileSync(join(dataDir, 'backup_manifest'), plain);
    for (const name of segmentNames(record.timeline, record.startLsn, record.endLsn, record.segmentBytes)) {
      writeFileSync(join(dataDir, 'pg_wal', name), open(`wal/00000001/${name}.zst.age`));
    }
    execFileSync('chown', ['-R', `--reference=${server.dataDir}`, dataDir]);
    const restored = await startServer({ dataDir, binaries });
    try {
      await using reader = await session(restored.url());
      expect((await reader.query('SELECT count(*)::int AS count FROM t')).rows).toEqual([{ count: 20_000 }]);
    } finally {
      await restored.stop('immediate');
      await writer.end();
    }
  });
});

test('what was stopped or refused leaves no backup behind', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  const storage = localStorage(join(folder.path, 'repository'));
  const repository = openRepository({ storage });
  const stop = new AbortController();
  const stopped = createBackup({
    url: server.url(),
    repository,
    madeBy,
    signal: stop.signal,
    onProgress: ({ phase }) => phase === 'copying' && stop.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' });
  expect(await repository.backups()).toEqual([]);
  expect(readdirSync(join(folder.path, 'repository', '.unfinished'))).toEqual([]);
  expect((await collected(storage.list('backups/'))).map(({ key }) => key)).toEqual([]);
  await using owner = await session(server.url());
  await expect.poll(async () => (await owner.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
  // Of the same version it would be a copy of the same cluster.
  await using other = await backupServer(17);
  await expect(createBackup({ url: other.url(), repository, madeBy })).rejects.toMatchObject({
    code: 'E_CONFLICT',
    message: expect.stringContaining('belongs to another cluster'),
  });
  const record = await createBackup({ url: server.url(), repository, madeBy });
  const [base] = record.files;
  expect(record.recipients).toEqual([]);
  const stored = (await collected(storage.list(''))).map(({ key }) => key);
  expect(stored).toContain('pitcrew.json');
  expect(stored.filter((key) => key.startsWith('backups/'))).toEqual(
    ['backup.json', 'backup.json.sha256', 'backup_manifest.zst', 'base.tar.zst'].map(
      (name) => `backups/${record.id}/${name}`,
    ),
  );
  expect(JSON.parse(readFileSync(join(folder.path, 'repository/pitcrew.json'), 'utf8'))).toMatchObject({ format: 1 });
  let bytes = 0;
  if (base) for await (const piece of repository.readFile(base)) bytes += piece.length;
  expect(bytes).toBe(base?.bytes);
});

test('a role with the right to replicate is enough, and of two backups at once both are whole', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  await using owner = await session(server.url());
  await owner.query(`CREATE ROLE backup LOGIN REPLICATION PASSWORD 'backup'`);
  await owner.query('CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n');
  const url = new URL(server.url());
  url.username = 'backup';
  url.password = 'backup';
  const storage = localStorage(join(folder.path, 'repository'));
  const repository = openRepository({ storage });
  const made = await Promise.all([1, 2].map(() => createBackup({ url: url.href, repository, madeBy })));
  expect(new Set(made.map(({ id }) => id)).size).toBe(2);
  expect(new Set(await repository.backups())).toEqual(new Set(made));
  for (const { files } of made) {
    for (const { key, storedBytes } of files) expect(await storage.head(key)).toMatchObject({ bytes: storedBytes });
  }
  expect((await collected(storage.list('backups/'))).filter(({ key }) => key.endsWith('started.json'))).toEqual([]);
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)('a full disk is told, and no half backup stays (only root may mount a small one)', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  const place = join(folder.path, 'repository');
  mkdirSync(place);
  run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]);
  try {
    const repository = openRepository({ storage: localStorage(place) });
    await expect(createBackup({ url: server.url(), repository, madeBy })).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: `there is no room left in ${place}`,
    });
    expect(await repository.backups()).toEqual([]);
    expect(readdirSync(join(place, '.unfinished'))).toEqual([]);
    expect(existsSync(join(place, 'backups'))).toBe(false);
  } finally {
    run('umount', [place]);
  }
});

function run(program: string, args: string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}
