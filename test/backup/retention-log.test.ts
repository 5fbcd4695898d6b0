import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDumps } from '../../src/ops/backup/dump/dumps.ts';
import { mirror } from '../../src/ops/backup/mirror/mirror.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { pin } from '../../src/ops/backup/retention/pins.ts';
import type { RetentionPolicy } from '../../src/ops/backup/retention/policy.ts';
import { prune } from '../../src/ops/backup/retention/prune.ts';
import { localStorage, type Storage } from '../../src/ops/backup/storage/index.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { gapOf, positionOf, putBackupAt, putDumpAt, putSegments, segmentOf } from '../support/plain-backups.ts';
import { collected } from '../support/streams.ts';

const none: RetentionPolicy = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };

function place(around: (storage: Storage) => Storage = (storage) => storage): Repository & { folder: string } {
  const folder = join(testFolder(), 'repository');
  return { ...openRepository({ storage: around(localStorage(folder)) }), folder };
}

const logIn = async (repository: Repository): Promise<string[]> =>
  (await collected(repository.wal())).map(({ name }) => name);
const names = (...numbers: number[]): string[] => numbers.map((number) => segmentOf(number));
/** A stream has stored all from the first up to before the second segment. */
const streamed = (repository: Repository, first: number, end: number): Promise<void> =>
  repository.putStream({
    format: 1,
    slot: 'pitcrew_shop',
    host: 'a-host',
    pid: 1,
    startedAt: new Date(0),
    aliveAt: new Date(0),
    endedAt: new Date(0),
    segmentBytes: 1024 * 1024,
    timeline: 1,
    firstLsn: positionOf(first),
    storedLsn: positionOf(end),
  });

test('log that a prune has removed is no loss to a check, and what is missing behind it is', async () => {
  const repository = place();
  const [first] = [
    await putBackupAt(repository, 1),
    await putBackupAt(repository, 5),
    await putBackupAt(repository, 9),
  ];
  await putSegments(repository, [2, 3, 4, 6, 7, 8, 10, 11]);
  await streamed(repository, 1, 12);
  await pin(repository, first.id);
  await prune(repository, { policy: { ...none, last: 2, log: { last: 1 } }, dryRun: false });
  expect(await logIn(repository)).toEqual(names(1, 5, 9, 10, 11));
  const { log } = await verify(repository);
  expect(log.problems).toEqual([]);
  expect(log.gaps).toMatchObject([
    { first: segmentOf(2), segments: 3, reason: '"backup prune" has removed it' },
    { first: segmentOf(6), segments: 3, reason: '"backup prune" has removed it' },
  ]);
  for (const number of [9, 10]) await repository.removeWal(`wal/00000001/${segmentOf(number)}.zst`);
  expect((await verify(repository)).log.problems).toEqual([
    { what: `${segmentOf(9)} to ${segmentOf(10)}`, problem: 'These 2 segments of the log are missing.' },
  ]);
});

test('records of lost log go when no kept backup reaches it any more, and no sooner', async () => {
  const repository = place();
  const [first] = [
    await putBackupAt(repository, 1),
    await putBackupAt(repository, 6),
    await putBackupAt(repository, 12),
  ];
  await putSegments(repository, [2, 3, 5, 7, 11, 13]);
  const gaps = [gapOf(4, 4), gapOf(8, 10), gapOf(14, 15)];
  for (const gap of gaps) await repository.putGap(gap);
  const kept = async () => (await repository.gaps()).map(({ first: name }) => name);
  // All log stays: nothing goes.
  expect(await prune(repository, { policy: { ...none, last: 3 }, dryRun: false })).toMatchObject({ gaps: [] });
  const policy = { ...none, last: 2 };
  expect(await prune(repository, { policy, dryRun: true })).toMatchObject({ gaps: names(4) });
  expect(await kept()).toEqual(names(4, 8, 14));
  await prune(repository, { policy, dryRun: false });
  expect(await repository.backups()).toHaveLength(2);
  expect(await kept()).toEqual(names(8, 14));
  // A backup that lies in the gap itself needs its record: it is why that cannot be restored.
  await repository.putGap(gapOf(6, 6));
  await prune(repository, { policy: { ...policy, log: { last: 1 } }, dryRun: false });
  expect(await kept()).toEqual(names(6, 14));
  expect(first.type).toBe('full');
});

test('a limit of bytes shortens the log of what it cannot remove; what is shown is what is done', async () => {
  const repository = place();
  const made = [await putBackupAt(repository, 1), await putBackupAt(repository, 9), await putBackupAt(repository, 17)];
  const between = [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 18];
  await putSegments(repository, between);
  const nothingByCalendar = ['--keep-daily', '0', '--keep-weekly', '0', '--keep-monthly', '0', '--keep-yearly', '0'];
  const flags = ['--repository', repository.folder, ...nothingByCalendar, '--keep-last', '3', '--max-bytes', '1B'];
  const run = (...more: string[]) => pitcrew(['backup', 'prune', ...flags, ...more]);
  const shown = (await run('--dry-run')).stdout;
  expect(shown).toMatch(new RegExp(`${made[0]?.id} +kept +one of the last 3; restores to its end only: beyond 1B`));
  expect(shown).toContain('The limit of 1 B is not met');
  expect(await logIn(repository)).toEqual(names(...Array.from({ length: 18 }, (_, number) => number + 1)));
  const { done: _planned, ...planned } = JSON.parse((await run('--dry-run', '--json')).stdout) as { done: boolean };
  const { done, ...did } = JSON.parse((await run('--yes', '--json')).stdout) as { done: boolean };
  expect(done).toBe(true);
  expect(did).toEqual(planned);
  expect(did).toMatchObject({ backups: [{ toItsEnd: null }, { toItsEnd: 'beyond 1B' }, { toItsEnd: 'beyond 1B' }] });
  expect(await logIn(repository)).toEqual(names(1, 9, 17, 18));
  expect((await verify(repository)).backups.flatMap(({ problems }) => problems)).toEqual([]);
}, 60_000);

test('an incremental backup of a later timeline keeps its parent and the log of both', async () => {
  const repository = place();
  const parent = await putBackupAt(repository, 4);
  await putSegments(repository, [5, 6]);
  await putSegments(repository, [6, 7], { timeline: 2 });
  // The clock was set back, and a server that was taken back in time has less log behind it.
  const child = await putBackupAt(repository, 8, {
    type: 'incremental',
    parent: parent.id,
    timeline: 2,
    endedAt: new Date('2020-01-01T00:00:00Z'),
  });
  const abandoned = await putBackupAt(repository, 9);
  expect((await repository.backups()).map(({ id }) => id)).toEqual([parent.id, abandoned.id, child.id]);
  await prune(repository, { policy: none, dryRun: false });
  expect((await repository.backups()).map(({ id }) => id)).toEqual([parent.id, child.id]);
  expect(await logIn(repository)).toEqual(expect.arrayContaining([segmentOf(4), segmentOf(8, 2)]));
  expect((await verify(repository)).backups.flatMap(({ problems }) => problems)).toEqual([]);
});

test('of dumps, too, the latest is told by the log, on a server that was taken back in time as well', async () => {
  const repository = place();
  await repository.claim('7300000000000000001');
  const old = await putDumpAt(repository, 9);
  const latest = await putDumpAt(repository, 3, { timeline: 2 });
  expect((await readDumps(repository)).map(({ id }) => id)).toEqual([old.id, latest.id]);
  await prune(repository, { policy: none, dryRun: false });
  expect((await readDumps(repository)).map(({ id }) => id)).toEqual([latest.id]);
});

test('a prune that runs beside a copy of an old backup leaves it whole', async () => {
  const source = place();
  const old = await putBackupAt(source, 1);
  await putBackupAt(source, 5);
  let arrived = Promise.withResolvers<void>();
  const copied = Promise.withResolvers<void>();
  // The prune has seen that nobody makes a backup, and waits before it looks at the log.
  const target = place((storage) => ({
    ...storage,
    async *list(prefix) {
      if (prefix === 'pins/') {
        arrived.resolve();
        await copied.promise;
      }
      yield* storage.list(prefix);
    },
  }));
  const plain = openRepository({ storage: localStorage(target.folder) });
  await mirror({ from: source, to: plain, backups: (await source.backups()).slice(-1) });
  arrived = Promise.withResolvers();
  const pruning = prune(target, { policy: none, dryRun: false });
  await arrived.promise;
  // All of its log is there, and none of its files.
  const held = openRepository({
    storage: {
      ...localStorage(target.folder),
      async put(key, ...rest) {
        if (key.endsWith('base.tar.zst')) {
          copied.resolve();
          await pruning;
        }
        return localStorage(target.folder).put(key, ...rest);
      },
    },
  });
  await mirror({ from: source, to: held, backups: [old] });
  expect((await verify(plain)).backups.map(({ backup, problems }) => [backup.id, problems])).toContainEqual([
    old.id,
    [],
  ]);
});
