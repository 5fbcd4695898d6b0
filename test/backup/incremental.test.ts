import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository } from '../../src/ops/backup/repository/index.ts';
import {
  restoreBackup,
  type RestoreOptions,
  type RestoreProgress,
} from '../../src/ops/backup/restore/restore-backup.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { serverIdentity, startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { testFolder, temporaryFolder } from '../support/folder.ts';
import { installedServers, testSettings } from '../support/postgres.ts';

const madeBy = 'a test';
const servers = installedServers().filter(({ major }) => major >= 17);
/** What each backup of a chain is of: what was there when it ended. */
const checksums = `
  SELECT (SELECT md5(string_agg(n || pad, ',' ORDER BY n)) FROM big)       AS big,
         (SELECT count(*)::int FROM shrunk)                                AS shrunk,
         (SELECT array_agg(relname::text ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS tables,
         (SELECT array_agg(datname::text ORDER BY datname) FROM pg_database) AS databases`;
/** What happens between the backups: blocks change, files shrink and grow again, tables and databases come and go. */
const steps = [
  `UPDATE big SET pad = 'changed' WHERE n % 5000 = 1`,
  `DELETE FROM shrunk WHERE n > 100; VACUUM shrunk; CREATE TABLE later AS SELECT n FROM generate_series(1, 3000) n`,
  `INSERT INTO shrunk SELECT n FROM generate_series(1000, 30000) n; DROP TABLE first`,
  `CREATE DATABASE another STRATEGY wal_log`,
  `DROP DATABASE another; TRUNCATE later; INSERT INTO big SELECT n, 'new' FROM generate_series(60001, 70000) n`,
];

describe.each(servers)('PostgreSQL $major', ({ binaries, major }) => {
  test('each backup of a chain of six is restored as what was there when it ended', async () => {
    await using folder = temporaryFolder();
    await using server = await backupServer(major, { summarize_wal: 'on' }, { hasTemplate: true });
    await using client = await session(server.url());
    await client.query(`CREATE TABLE big AS SELECT n, repeat('x', 300) AS pad FROM generate_series(1, 60000) n`);
    await client.query('CREATE TABLE shrunk AS SELECT n FROM generate_series(1, 50000) n');
    await client.query('CREATE TABLE first AS SELECT 1 AS n');
    await client.query('VACUUM');
    const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
    const made: { backup: BackupRecord; expected: unknown }[] = [];
    const backUp = async (type: BackupRecord['type']) => {
      const { rows } = await client.query(checksums);
      made.push({ backup: await createBackup({ url: server.url(), repository, madeBy, type }), expected: rows });
    };
    await backUp('full');
    for (const step of steps) {
      for (const statement of step.split('; ')) await client.query(statement);
      await backUp('incremental');
    }
    expect(made.map(({ backup }) => backup.parent)).toEqual([
      null,
      ...made.slice(0, -1).map(({ backup }) => backup.id),
    ]);
    const sizes = made.map(({ backup }) => backup.files.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(Math.min(...sizes)).toBeLessThan((sizes[0] ?? 0) / 2);
    // Its user has to be able to read the log.
    execFileSync('chown', ['-R', `--reference=${server.dataDir}`, join(folder.path, 'repository')]);
    const to = join(folder.path, 'restored');
    const kept: number[] = [];
    for (const place of [1, 3, 5]) {
      const { backup, expected } = made[place] ?? {};
      if (!backup) throw new Error('there is no such backup');
      // Into the same folder each time: what is intact of it is kept.
      const restore = async (onProgress?: RestoreOptions['onProgress']) =>
        restoreBackup({
          repository,
          backup,
          to,
          delta: true,
          target: { immediate: true },
          restoreCommand: logOf(folder.path),
          owner: serverIdentity(to),
          ...(onProgress ? { onProgress } : {}),
        });
      if (place === 3) {
        await expect(restore(dieWhileCopying)).rejects.toThrow('killed');
        // What is half one backup and half another is not started, by nobody.
        await expect(startServer({ dataDir: to, binaries, settings: testSettings })).rejects.toMatchObject({
          detail: expect.stringContaining('pg_control'),
        });
      }
      kept.push((await restore()).kept.files);
      const restored = await startServer({ dataDir: to, binaries, settings: testSettings });
      try {
        await using reader = await session(restored.url());
        await expect
          .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS still')).rows)
          .toEqual([{ still: false }]);
        expect((await reader.query(checksums)).rows).toEqual(expected);
        // Reads every page of every catalog, each with its checksum.
        await reader.query('REINDEX SYSTEM');
      } finally {
        await restored.stop('immediate');
      }
    }
    expect(kept[0]).toBe(0);
    expect(Math.min(...kept.slice(1))).toBeGreaterThan(300);
  });
});

/** As one who is killed does, it leaves everything where it is. */
function dieWhileCopying({ phase, doneBytes, totalBytes }: RestoreProgress): void {
  if (phase === 'copying' && doneBytes > totalBytes / 2) throw new Error('killed');
}

/** A command that finds the log in the repository of a folder; `zstd` unpacks it. */
function logOf(folder: string): string[] {
  const script = join(folder, 'fetch');
  const wal = join(folder, 'repository', 'wal', '00000001');
  writeFileSync(script, `[ -f "${wal}/$1.zst" ] || exit 44\nexec zstd -dqc "${wal}/$1.zst" > "$2"\n`);
  return ['sh', script];
}

test('what an incremental backup needs is said', async () => {
  await using server = await backupServer();
  const repository = openRepository({ storage: localStorage(testFolder()) });
  const incremental = (url: string) => createBackup({ url, repository, madeBy, type: 'incremental' });
  await expect(incremental(server.url())).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    detail: 'Its setting summarize_wal is off.',
  });
  await using client = await session(server.url());
  await client.query('ALTER SYSTEM SET summarize_wal = on');
  await client.query('SELECT pg_reload_conf()');
  await expect.poll(async () => (await client.query('SHOW summarize_wal')).rows).toEqual([{ summarize_wal: 'on' }]);
  await expect(incremental(server.url())).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
    hint: 'Make a full one first.',
  });
});

test.each(servers)(
  'PostgreSQL $major: where the server would leave blocks out, a full backup is made',
  async ({ major }) => {
    await using folder = temporaryFolder();
    await using server = await backupServer(major, { summarize_wal: 'on' });
    await using client = await session(server.url());
    const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
    const backUp = (type: BackupRecord['type']) => createBackup({ url: server.url(), repository, madeBy, type });
    const regrow = `INSERT INTO cut SELECT n, repeat('y', 300) FROM generate_series(5001, 10000) n`;
    await client.query(`CREATE TABLE cut AS SELECT n, repeat('x', 300) AS pad FROM generate_series(1, 10000) n`);
    await backUp('full');
    // In one summary of the log this is told in the right order, and so is what only was cut.
    for (const statement of ['DELETE FROM cut WHERE n > 5000', 'VACUUM cut', regrow]) await client.query(statement);
    expect(await backUp('incremental')).toMatchObject({ type: 'incremental', warnings: [] });
    for (const statement of ['DELETE FROM cut WHERE n > 5000', 'VACUUM cut', 'CHECKPOINT'])
      await client.query(statement);
    expect(await backUp('incremental')).toMatchObject({ type: 'incremental', warnings: [] });
    for (const statement of ['DELETE FROM cut WHERE n > 3000', 'VACUUM cut', 'CHECKPOINT', regrow])
      await client.query(statement);
    const made = await backUp('incremental');
    expect(made).toMatchObject({ type: 'full', parent: null });
    expect(made.warnings).toEqual([expect.stringContaining('a file was made shorter by VACUUM and grew again')]);
    expect(await repository.leftovers()).toEqual([]);
    expect(await backUp('incremental')).toMatchObject({ type: 'incremental', parent: made.id });
  },
);

test('a chain with a damaged or missing member is not restored, and nothing is left', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer(18, { summarize_wal: 'on' });
  const place = join(folder.path, 'repository');
  const repository = openRepository({ storage: localStorage(place) });
  const full = await createBackup({ url: server.url(), repository, madeBy });
  const backup = await createBackup({ url: server.url(), repository, madeBy, type: 'incremental' });
  const to = join(folder.path, 'restored');
  const restore = () => restoreBackup({ repository, backup, to, restoreCommand: ['false'] });
  for (const { files } of [full, backup]) {
    const path = join(place, files[0]?.key ?? '');
    const content = readFileSync(path);
    writeFileSync(path, content.subarray(0, content.length - 100));
    await expect(restore()).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
    writeFileSync(path, content);
  }
  rmSync(join(place, 'backups', full.id, 'backup.json'));
  await expect(restore()).rejects.toMatchObject({
    code: 'E_BACKUP_DAMAGED',
    detail: `It builds on ${full.id}, which is not there.`,
  });
});
