import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import { pin } from '../../src/ops/backup/retention/pins.ts';
import type { RetentionPolicy } from '../../src/ops/backup/retention/policy.ts';
import { prune } from '../../src/ops/backup/retention/prune.ts';
import { localStorage, type Storage } from '../../src/ops/backup/storage/index.ts';
import type { RepositoryStats } from '../../src/ops/backup/stats/stats.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noonZone } from '../support/noon-zone.ts';

const madeBy = 'a test';
const latestOnly: RetentionPolicy = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };
const stack = new AsyncDisposableStack();
let place: string;
let url: string;
/** A full one, two that build on it, and a full one. */
let made: BackupRecord[];
let copies = 0;

beforeAll(async () => {
  place = stack.use(temporaryFolder()).path;
  const server = stack.use(await backupServer(18, { summarize_wal: 'on' }));
  url = server.url();
  const client = stack.use(await session(url));
  const repository = openRepository({ storage: localStorage(join(place, 'original')) });
  made = [];
  for (const type of ['full', 'incremental', 'incremental', 'full'] as const) {
    made.push(await createBackup({ url, repository, madeBy, type }));
    await client.query('CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS n');
    await client.query('SELECT pg_switch_wal()');
  }
});
afterAll(() => stack.disposeAsync());

/** A repository of the test's own with these backups; `around`: what happens to its storage. */
function copied(around: (storage: Storage) => Storage = (storage) => storage): Repository & { folder: string } {
  copies += 1;
  const folder = join(place, `copy ${copies}`);
  cpSync(join(place, 'original'), folder, { recursive: true });
  return { ...openRepository({ storage: around(localStorage(folder)) }), folder };
}

const ids = (...places: number[]): string[] => places.map((at) => made[at]?.id ?? '');
const idsIn = async (repository: Repository): Promise<string[]> => (await repository.backups()).map(({ id }) => id);

/** Every backup that is listed is whole, and has all that it builds on. */
async function expectWhole(repository: Repository): Promise<void> {
  for (const backup of await repository.backups()) await repository.chain(backup);
  expect((await verify(repository)).backups.flatMap(({ problems }) => problems)).toEqual([]);
}

test('a pinned backup stays with what it builds on and its log, until it is unpinned', async () => {
  const { folder } = copied();
  const backup = (...args: string[]) => command(['backup', ...args, '--repository', folder]);
  const [, second = '', , last = ''] = ids(0, 1, 2, 3);
  const pinned = await backup('pin', second, '--reason', 'before the migration', '--until', '2999-01-01');
  expect(pinned).toMatchObject({ code: 0, stdout: `${second} is kept until 2999-01-01T00:00:00.000Z.\n` });
  expect((await backup('list')).stdout).toMatch(new RegExp(`├ ${second} .* until 2999-01-01`));
  const few = [
    '--keep-daily',
    '0',
    '--keep-weekly',
    '0',
    '--keep-monthly',
    '0',
    '--keep-yearly',
    '0',
    '--json',
    '--yes',
  ];
  const ran = JSON.parse((await backup('prune', ...few)).stdout) as { backups: { id: string; reasons: string[] }[] };
  expect(ran).toMatchObject({
    done: true,
    backups: [
      { id: last, keep: true },
      { keep: false },
      { id: second, keep: true, reasons: ['pinned until 2999-01-01: before the migration'] },
      { keep: true, reasons: [`needed by ${second}`] },
    ],
    // Between them lies log that no kept backup needs.
    segments: { count: expect.any(Number) },
  });
  const repository = openRepository({ storage: localStorage(folder) });
  expect(await idsIn(repository)).toEqual(ids(0, 1, 3));
  await expectWhole(repository);
  expect(await backup('unpin', second)).toMatchObject({ code: 0 });
  expect(await backup('unpin', second)).toMatchObject({ code: 2, stderr: expect.stringContaining('is not pinned') });
  expect(await backup('pin', ids(2)[0] ?? '')).toMatchObject({ code: 2 });
  expect(await backup('pin', second, '--until', '2020-01-01')).toMatchObject({ code: 2 });
  await prune(repository, { policy: latestOnly, dryRun: false });
  expect(await idsIn(repository)).toEqual(ids(3));
});

test('limits that cannot be met are told', async () => {
  const { folder } = copied();
  const flags = ['--repository', folder, '--max-bytes', '100kB', '--max-age', '90d', '--keep-log', '2'];
  const shown = await command(['backup', 'prune', ...flags, '--dry-run']);
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('The limit of 100 KiB is not met: what stays is pinned, of the last, or needed'),
  });
  for (const bad of [
    ['--max-age', '90'],
    ['--keep-log', '0'],
    ['--keep-log', 'some'],
  ]) {
    expect(await command(['backup', 'prune', '--repository', folder, ...bad])).toMatchObject({ code: 2 });
  }
});

test('stats tell what is stored and what each kind of retention costs', async () => {
  const { folder } = copied();
  const stats = (...flags: string[]) => command(['backup', 'stats', '--repository', folder, ...flags]);
  const few = ['--keep-weekly', '0', '--keep-monthly', '0', '--keep-yearly', '0', '--time-zone', noonZone()];
  expect(await command(['backup', 'pin', ids(2)[0] ?? '', '--repository', folder])).toMatchObject({ code: 0 });
  const told = JSON.parse((await stats('--json', ...few)).stdout) as RepositoryStats;
  const stored = (...places: number[]) =>
    places.flatMap((at) => made[at]?.files ?? []).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  expect(told).toMatchObject({
    systemId: made[0]?.systemId,
    full: { count: 2, storedBytes: stored(0, 3) },
    incremental: { count: 2, storedBytes: stored(1, 2) },
    longestChain: { id: ids(2)[0], backups: 3 },
    first: { id: ids(0)[0] },
    last: { id: ids(3)[0] },
    perDay: null,
    spare: { count: 0 },
  });
  expect(told.compressionRatio).toBeGreaterThan(2);
  expect(told.retention.map(({ why, count }) => [why, count])).toEqual([
    ['last', 1],
    ['day', 1],
    ['pin', 1],
  ]);
  const [, ofDay, ofPin] = told.retention;
  // The latest stays anyway; without the pin all of its chain would go, and log.
  expect(ofDay?.ownBytes).toBe(0);
  expect(ofPin?.ownBytes).toBeGreaterThan(stored(0, 1, 2));
  const shown = (await stats(...few)).stdout;
  expect(shown).toContain('2 full, 2 incremental');
  expect(shown).toMatch(/^a pin +1 /m);
});

describe('whenever a prune is cut short', () => {
  test('what is left is whole, and the next one goes on', async () => {
    let left = 0;
    const dying = (storage: Storage): Storage => ({
      ...storage,
      async delete(key) {
        left -= 1;
        if (left < 0) throw new Error('killed');
        await storage.delete(key);
      },
    });
    let cuts = 0;
    for (let after = 0; ; after += 1) {
      const repository = copied(dying);
      left = after;
      const ran = await prune(repository, { policy: latestOnly, dryRun: false }).catch(() => 'killed');
      if (ran !== 'killed') break;
      cuts += 1;
      await expectWhole(repository);
      left = Infinity;
      await prune(repository, { policy: latestOnly, dryRun: false });
      expect(readdirSync(join(repository.folder, 'backups'))).toEqual(ids(3));
      await expectWhole(repository);
    }
    // At least each backup's record and file, and a segment.
    expect(cuts).toBeGreaterThan(7);
  });

  test('or runs beside another, that is one prune', async () => {
    const repository = copied();
    const both = [1, 2].map(() => prune(repository, { policy: latestOnly, dryRun: false }));
    await Promise.all(both);
    expect(await idsIn(repository)).toEqual(ids(3));
    await expectWhole(repository);
    expect(await prune(repository, { policy: latestOnly, dryRun: true })).toMatchObject({
      segments: { count: 0 },
      leftovers: [],
      freedBytes: 0,
    });
  });
});

describe('while backups are pruned', () => {
  test('one that is pinned at that moment stays, with what it builds on and its log', async () => {
    const [, second = '', third = ''] = ids(0, 1, 2);
    const repository = copied((storage) => ({
      ...storage,
      async delete(key) {
        // The first to go is the third.
        if (key === `backups/${third}/backup.json`) await pin(openRepository({ storage }), second);
        await storage.delete(key);
      },
    }));
    const { decisions } = await prune(repository, { policy: latestOnly, dryRun: false });
    expect(decisions.map(({ reasons }) => reasons)).toEqual([
      ['the latest'],
      ['no day, week, month or year wants it'],
      ['pinned'],
      [`needed by ${second}`],
    ]);
    expect(await idsIn(repository)).toEqual(ids(0, 1, 3));
    await expectWhole(repository);
  });

  test('what a running backup builds on stays; without it the backup fails, and nothing is left of it', async () => {
    const repository = copied();
    const [first = '', last = ''] = ids(0, 3);
    const { id } = await repository.begin('incremental', first);
    const { decisions } = await prune(repository, { policy: latestOnly, dryRun: false });
    expect(decisions.at(-1)).toMatchObject({ keep: true, reasons: [`needed by ${id}, which is being made`] });
    expect(await idsIn(repository)).toEqual([first, last]);
    await repository.discard(id);
    // Somebody removes it by hand.
    const orphaned = createBackup({
      url,
      repository: {
        ...repository,
        putFile: async (...file) => {
          await repository.remove(last);
          return repository.putFile(...file);
        },
      },
      madeBy,
      type: 'incremental',
    });
    await expect(orphaned).rejects.toMatchObject({
      code: 'E_BACKUP_DAMAGED',
      detail: `It builds on ${last}, which is not there.`,
    });
    expect(readdirSync(join(repository.folder, 'backups'))).toEqual([first]);
  });

  test('whoever reads one that goes is told so', async () => {
    const pruned = (storage: Storage): Storage => ({
      ...storage,
      async *get(key, range) {
        if (key.includes('base.tar')) {
          await prune(openRepository({ storage }), { policy: latestOnly, dryRun: false });
        }
        yield* storage.get(key, range);
      },
    });
    const repository = copied(pruned);
    const [backup] = made;
    if (!backup) throw new Error('there is no backup');
    const to = join(place, 'restored');
    await expect(restoreBackup({ repository, backup, to, restoreCommand: ['false'] })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: `backup ${backup.id} was removed while it was read`,
    });
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(place).filter((name) => name.includes('restoring'))).toEqual([]);
    const verified = await verify(copied(pruned), { backups: [backup] });
    expect(verified.backups.flatMap(({ problems }) => problems)).toEqual([]);
  });
});
