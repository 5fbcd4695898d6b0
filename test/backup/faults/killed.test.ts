import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup } from '../../../src/ops/backup/create/create-backup.ts';
import type { BackupRecord, Repository } from '../../../src/ops/backup/repository/index.ts';
import { prune } from '../../../src/ops/backup/retention/prune.ts';
import { backedUp, type BackedUp, problemsIn } from '../../support/backup-chain.ts';
import type { KilledJob } from '../../support/backup-killed-child.ts';
import { session } from '../../support/catalog.ts';
import { startNode, startPitcrew } from '../../support/command.ts';

const stack = new AsyncDisposableStack();
let it: BackedUp;
/** Oldest first. */
let made: BackupRecord[];

beforeAll(async () => {
  it = stack.use(await backedUp());
  made = [await it.backUp('full'), await it.backUp('full'), await it.backUp('incremental')];
});
afterAll(() => stack.disposeAsync());

/** @returns whether it was killed, rather than ended because there was no such step */
async function kill(job: Pick<KilledJob, 'what' | 'path' | 'step'> & Partial<KilledJob>): Promise<boolean> {
  const { recipient, identity } = it;
  const child = join(import.meta.dirname, '../../support/backup-killed-child.ts');
  const running = startNode([child, JSON.stringify({ url: it.server.url(), recipient, identity, ...job })]);
  const { code, stderr } = await running.ended;
  expect(stderr).toBe('');
  if (running.child.signalCode !== 'SIGKILL') expect(code).toBe(0);
  return running.child.signalCode === 'SIGKILL';
}

const idsIn = async (repository: Repository): Promise<string[]> => (await repository.backups()).map(({ id }) => id);
const foldersIn = (path: string): string[] => readdirSync(join(path, 'backups')).toSorted();
const unfinishedIn = (path: string): string[] => readdirSync(join(path, '.unfinished'));

test('a backup that is killed anywhere is not there or is whole, and the next one cleans up', async () => {
  const { path, repository } = it.copy('of killed backups');
  const before = await idsIn(repository);
  const until = [
    'before put .*started',
    'in .*started',
    'after put .*started',
    'in .*base.tar',
    'after put .*base.tar',
    'in .*backup_manifest',
    'in wal/',
    'after put wal/',
    'after put .*backup.json.sha256',
    'in .*backup.json$',
  ];
  for (const step of until) {
    expect(await kill({ what: 'create', path, step }), step).toBe(true);
    expect(await idsIn(repository), step).toEqual(before);
    expect(await problemsIn(repository), step).toEqual([]);
  }
  for (const step of ['after put .*backup.json$', 'after delete .*started.json']) {
    const { length } = await idsIn(repository);
    // That of one that was killed before goes first.
    const skip = step.startsWith('after delete') ? 1 : 0;
    expect(await kill({ what: 'create', path, step, skip }), step).toBe(true);
    expect(await idsIn(repository), step).toHaveLength(length + 1);
    expect(await problemsIn(repository), step).toEqual([]);
  }
  const last = await createBackup({ url: it.server.url(), repository, madeBy: 'a test' });
  const complete = await idsIn(repository);
  expect(complete.at(-1)).toBe(last.id);
  expect(foldersIn(path)).toEqual(complete.toSorted());
  expect(unfinishedIn(path)).toEqual([]);
  // The server keeps no log for those that died.
  await using client = await session(it.server.url());
  await expect.poll(async () => (await client.query('SELECT slot_name FROM pg_replication_slots')).rows).toEqual([]);
});

const policy = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };

test('a prune that is killed anywhere takes nothing that is needed, and the next one takes the rest', async () => {
  const kept = made.slice(1).map(({ id }) => id);
  let kills = 0;
  for (let skip = 0; ; skip += 4) {
    const { path, repository } = it.copy(`pruned ${skip}`);
    const isKilled = await kill({ what: 'prune', path, step: 'delete', skip });
    expect((await idsIn(repository)).slice(-2)).toEqual(kept);
    expect(await problemsIn(repository)).toEqual([]);
    await prune(repository, { policy, dryRun: false });
    expect(foldersIn(path)).toEqual(kept.toSorted());
    expect(await problemsIn(repository)).toEqual([]);
    if (!isKilled) break;
    kills += 1;
  }
  expect(kills).toBeGreaterThan(2);
});

test('of a restore that is killed nothing is in place, and the next one succeeds', async () => {
  for (const step of ['^\\d %', '^[89]\\d %']) {
    const to = join(it.folder, `killed at ${step.replaceAll(/\D/g, '')}`);
    const job = {
      what: 'restore' as const,
      path: it.path,
      to,
      tablespaceMap: { [it.place]: `${to} tablespace` },
    };
    expect(await kill({ ...job, step }), step).toBe(true);
    expect(existsSync(to)).toBe(false);
    expect(await kill({ ...job, step: 'never' })).toBe(false);
    expect(readFileSync(join(to, 'PG_VERSION'), 'utf8').trim()).toBe('18');
  }
  // Nor is there anything left of those that were killed.
  expect(readdirSync(it.folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a check that is killed changes nothing, and neither does the command at each of its phases', async () => {
  const { path, repository } = it.copy('of commands');
  const before = await idsIn(repository);
  const flags = ['--repository', path, '--database', it.server.url(), '--recipient', it.recipient];
  for (const [phase, ...more] of [
    [/Waiting for a checkpoint/, '--checkpoint', 'spread'],
    [/Copying/, '--max-rate', '0.05'],
  ] as [RegExp, ...string[]][]) {
    const running = startPitcrew(['backup', 'create', ...flags, ...more]);
    await running.saw(phase);
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await idsIn(repository)).toEqual(before);
  }
  const checking = startPitcrew(['backup', 'verify', '--repository', path, '--all']);
  await checking.saw(/Reading/);
  checking.child.kill('SIGKILL');
  await checking.ended;
  expect(await idsIn(repository)).toEqual(before);
  expect(await problemsIn(repository)).toEqual([]);
});
