import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup } from '../../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository, type Repository } from '../../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../../src/ops/backup/restore/restore-backup.ts';
import { prune } from '../../../src/ops/backup/retention/prune.ts';
import { localStorage } from '../../../src/ops/backup/storage/index.ts';
import { fetchWal } from '../../../src/ops/backup/wal/fetch.ts';
import { segmentNames } from '../../../src/ops/backup/wal/segments.ts';
import { backedUp, type BackedUp, problemsIn } from '../../support/backup-chain.ts';

const stack = new AsyncDisposableStack();
const isRoot = process.getuid?.() === 0;
const madeBy = 'a test';
let it: BackedUp;
/** Oldest first. */
let made: BackupRecord[];

beforeAll(async () => {
  it = stack.use(await backedUp());
  made = [await it.backUp('full'), await it.backUp('incremental')];
});
afterAll(() => stack.disposeAsync());

const create = (repository: Repository, type: BackupRecord['type'] = 'full') =>
  createBackup({ url: it.server.url(), repository, madeBy, type });

/** @param name of the folder that it would be in */
function restore(repository: Repository, name: string, elsewhere = `${name} elsewhere`): Promise<unknown> {
  const [, backup] = made;
  if (!backup) throw new Error('there is no backup');
  return restoreBackup({
    repository,
    backup,
    to: join(it.folder, name),
    tablespaceMap: new Map([[it.place, join(it.folder, elsewhere)]]),
    restoreCommand: ['false'],
  });
}

const idsIn = async (repository: Repository): Promise<string[]> => (await repository.backups()).map(({ id }) => id);

async function expectUnharmed(repository: Repository): Promise<void> {
  expect(await idsIn(repository)).toEqual(made.map(({ id }) => id));
  expect(await repository.leftovers()).toEqual([]);
  expect(await problemsIn(repository)).toEqual([]);
}

describe.skipIf(!isRoot)('a full disk (only root may mount a small one)', () => {
  async function small<Result>(
    name: string,
    megabytes: number,
    work: (path: string) => Promise<Result>,
  ): Promise<Result> {
    const path = join(it.folder, name);
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', path]);
    try {
      return await work(path);
    } finally {
      execFileSync('umount', [path]);
    }
  }

  test('of the repository leaves the backups that were there', async () => {
    const size = Number(execFileSync('du', ['-sm', it.path], { encoding: 'utf8' }).split('\t')[0]);
    await small('full repository', size + 64, async (path) => {
      execFileSync('cp', ['-a', `${it.path}/.`, path]);
      const { bavail, bsize } = statfsSync(path);
      // Beside it, so that nobody takes it for a part of the repository that is left over.
      writeFileSync(join(path, 'others'), Buffer.alloc(bavail * bsize - 256 * 1024));
      const repository = openRepository({
        storage: localStorage(path),
        recipients: [it.recipient],
        identities: [it.identity],
      });
      await expect(create(repository)).rejects.toMatchObject({
        code: 'E_STORAGE',
        message: `there is no room left in ${path}`,
        hint: expect.stringContaining('Nothing that was stored before is lost'),
      });
      await expectUnharmed(repository);
      expect(readdirSync(join(path, '.unfinished'))).toEqual([]);
    });
  });

  test('where a backup is restored leaves nothing in place', async () => {
    await small('full', 5, async (path) => {
      await expect(restore(it.repository, 'full/restored', 'apart 1')).rejects.toMatchObject({
        code: 'E_STORAGE',
        message: `there is no room left for ${join(path, 'restored')}`,
      });
      expect(readdirSync(path)).toEqual([]);
      expect(existsSync(join(it.folder, 'apart 1'))).toBe(false);
    });
    await expectUnharmed(it.repository);
  });

  test('where a segment of the log is to go leaves no part of it', async () => {
    const [name = ''] = made.flatMap(({ timeline, startLsn, endLsn, segmentBytes }) =>
      segmentNames(timeline, startLsn, endLsn, segmentBytes),
    );
    await small('full log', 10, async (path) => {
      await expect(fetchWal(it.repository, name, join(path, name))).rejects.toMatchObject({
        code: 'E_STORAGE',
        message: `there is no room left for ${join(path, name)}`,
      });
      expect(readdirSync(path)).toEqual([]);
    });
  });
});

describe('keys', () => {
  test('without one, or with that of another, nothing is restored or fetched', async () => {
    const other = await generateX25519Identity();
    for (const identities of [[], [other]]) {
      const repository = openRepository({ storage: localStorage(it.path), identities });
      await expect(restore(repository, 'without key')).rejects.toMatchObject({
        code: 'E_BACKUP_KEY',
        detail: expect.stringContaining('backups/'),
      });
      expect(readdirSync(it.folder).filter((name) => name.includes('without key'))).toEqual([]);
      const [{ timeline, startLsn, segmentBytes } = { timeline: 1, startLsn: 0n, segmentBytes: 1 }] = made;
      const [segment = ''] = segmentNames(timeline, startLsn, startLsn + 1n, segmentBytes);
      const to = join(it.folder, 'fetched without key');
      await expect(fetchWal(repository, segment, to)).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
      expect(existsSync(to)).toBe(false);
      // What is stored can be checked all the same.
      expect(await problemsIn(repository)).toEqual([]);
    }
  });

  test('of which the recipient changed between the members of a chain, all are needed', async () => {
    const { path } = it.copy('of two keys');
    const other = await generateX25519Identity();
    const storage = localStorage(path);
    const recipients = [await identityToRecipient(other)];
    const next = await create(openRepository({ storage, recipients }), 'incremental');
    const restoreWith = (identities: string[]) =>
      restoreBackup({
        repository: openRepository({ storage, identities }),
        backup: next,
        to: join(it.folder, 'of two keys, restored'),
        tablespaceMap: new Map([[it.place, join(it.folder, 'of two keys, elsewhere')]]),
        restoreCommand: ['false'],
      });
    for (const each of [other, it.identity]) {
      await expect(restoreWith([each])).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
    }
    await restoreWith([other, it.identity]);
    expect(next.warnings).toEqual([]);
    const open = await create(openRepository({ storage }), 'incremental');
    expect(open.warnings).toEqual(['It is not encrypted, although the one before it is.']);
  });
});

describe('a clock that was wrong', () => {
  /** As an earlier run would have written it, whose clock was so many days off. */
  function shifted(path: string, { id }: BackupRecord, days: number): void {
    const file = join(path, 'backups', id, 'backup.json');
    const at = (text: string): string => new Date(new Date(text).getTime() + days * 86_400_000).toISOString();
    const record = JSON.parse(readFileSync(file, 'utf8')) as { startedAt: string; endedAt: string };
    Object.assign(record, { startedAt: at(record.startedAt), endedAt: at(record.endedAt) });
    writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  }

  test.each([4000, -4000])(
    'by %i days deletes no backup that is newer, and the next one builds on it',
    async (days) => {
      const { path, repository } = it.copy(`shifted by ${days}`);
      const [first] = made;
      if (first) shifted(path, first, days);
      expect(await idsIn(repository)).toEqual(made.map(({ id }) => id));
      const next = await create(repository, 'incremental');
      expect(next.parent).toBe(made.at(-1)?.id);
      const one = { daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };
      const { decisions } = await prune(repository, { policy: { last: 1, ...one }, dryRun: false });
      // All of them: the last one needs the others.
      expect(decisions.map(({ keep }) => keep)).toEqual([true, true, true]);
      const full = await create(repository);
      await prune(repository, { policy: { last: 1, ...one }, dryRun: false });
      expect(await idsIn(repository)).toEqual([full.id]);
    },
  );

  test('a backup that was begun in the future is no leftover as long as its maker lives', async () => {
    const { path, repository } = it.copy('begun in the future');
    const { id } = await repository.begin('full');
    const file = join(path, 'backups', id, 'started.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...record, startedAt: '2099-01-01T00:00:00.000Z' }));
    expect(await repository.leftovers()).toEqual([]);
    writeFileSync(file, JSON.stringify({ ...record, startedAt: '2099-01-01T00:00:00.000Z', pid: 99_999_999 }));
    expect(await repository.leftovers()).toEqual([id]);
  });
});

describe('permissions', () => {
  /** Nobody, root neither, may make anything there. */
  const forbidden = '/proc/1/forbidden';

  test('a repository or a folder that cannot be written to is told', async () => {
    const repository = openRepository({ storage: localStorage(forbidden) });
    await expect(create(repository)).rejects.toMatchObject({ code: 'E_STORAGE' });
    const [, backup] = made;
    if (!backup) throw new Error('there is no backup');
    const tablespaceMap = new Map([[it.place, join(it.folder, 'forbidden elsewhere')]]);
    const to = join(forbidden, 'restored');
    await expect(
      restoreBackup({ repository: it.repository, backup, to, tablespaceMap, restoreCommand: ['false'] }),
    ).rejects.toThrow();
    expect(readdirSync(it.folder).filter((name) => name.includes('forbidden'))).toEqual([]);
  });

  test.skipIf(!isRoot)('what another user owns is neither read nor written (only root may be another user)', () => {
    const { path } = it.copy('of root');
    chmodSync(path, 0o700);
    const code = `
      const { openRepository } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/ops/backup/repository/index.ts'))});
      const { localStorage } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/ops/backup/storage/index.ts'))});
      process.setgid(65534); process.setuid(65534);
      const repository = openRepository({ storage: localStorage(${JSON.stringify(path)}) });
      const told = async (work) => work().then(() => 'nothing', ({ code, message, hint }) => ({ code, message, hint }));
      console.log(JSON.stringify([await told(() => repository.backups()), await told(() => repository.begin('full'))]));`;
    const out = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', code], { encoding: 'utf8' });
    const refused = {
      code: 'E_STORAGE',
      message: `${path} does not let us`,
      hint: 'The user that runs Pitcrew has to own the folder.',
    };
    expect(JSON.parse(out)).toEqual([refused, refused]);
  });
});
