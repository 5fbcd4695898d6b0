import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { forksOf, goOnFrom } from '../../src/ops/backup/stream/timelines.ts';
import { storedLog } from '../../src/ops/backup/wal/ranges.ts';
import { segmentName } from '../../src/ops/backup/wal/segments.ts';
import { session } from '../support/catalog.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scratchServer } from '../support/postgres.ts';

test('the command makes its slot, streams until it is told to end, and removes the slot', async () => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(18);
  await using client = await session(server.url());
  const env = { PITCREW_DATA_DIR: folder.path };
  const location = join(folder.path, 'repository');
  const run = (...args: string[]) => pitcrew(['backup', 'stream', '--database', server.url(), ...args], { env });
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('no repository is given') });
  expect(await run('--slot', 'Not A Slot')).toMatchObject({ code: 2 });
  const slot = ['--slot', 'pitcrew_command'];
  expect(await run('--create-slot', ...slot)).toMatchObject({ code: 0, stdout: 'Made the slot pitcrew_command.\n' });
  expect(await run('--create-slot', ...slot)).toMatchObject({ code: 0, stdout: expect.stringContaining('already') });

  const once = await run('--repository', location, '--once', ...slot);
  expect(once).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('All log up to') });
  const repository = openRepository({ storage: localStorage(location) });
  const before = await repository.stream();

  const args = ['backup', 'stream', '--database', server.url(), '--repository', location, '--json', '--quiet', ...slot];
  const running = startPitcrew(args, { env });
  await running.saw(/"connected"/);
  const dropping = await run('--drop-slot', ...slot);
  expect(dropping).toMatchObject({ code: 4, stderr: expect.stringContaining('is in use') });
  // Long before it is due: the end stores what has come.
  await client.query('CREATE TABLE t (n int)');
  running.child.kill('SIGTERM');
  const { code, stdout, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const types = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types.at(-1)).toBe('ended');
  const after = await repository.stream();
  expect(after).toMatchObject({ slot: 'pitcrew_command', endedAt: expect.any(Date) });
  expect(after?.storedLsn).toBeGreaterThanOrEqual(before?.storedLsn ?? 0n);
  expect(await run('--drop-slot', '--json', ...slot)).toMatchObject({
    code: 0,
    stdout: '{"slot":"pitcrew_command","dropped":true}\n',
  });
  expect((await client.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
  const missing = new URL(server.url());
  missing.password = 'wrong';
  const refused = await pitcrew(['backup', 'stream', '--database', missing.href, '--repository', location, '--once'], {
    env,
  });
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('refuses us') });
  expect(refused.stderr).not.toContain('wrong@');
}, 120_000);

test('where to go on is told by the history of the server', () => {
  const forks = forksOf('1\t0/5000100\tno recovery target specified\n\n2\t0/9000200\tbefore it\n', 3);
  expect(forks).toEqual([
    { timeline: 1, switchLsn: 0x5000100n },
    { timeline: 2, switchLsn: 0x9000200n },
  ]);
  const server = { timeline: 3, forks };
  const from = (timeline: number, lsn: bigint) => goOnFrom({ timeline, lsn }, server, 16 * 1024 * 1024);
  expect(from(3, 0xa000000n)).toEqual({ timeline: 3, lsn: 0xa000000n });
  // In its past: the server follows its own way.
  expect(from(1, 0x3000000n)).toEqual({ timeline: 1, lsn: 0x3000000n });
  expect(from(2, 0x9000200n)).toEqual({ timeline: 2, lsn: 0x9000200n });
  // Beyond the point where it left that timeline: what came after is on the next one.
  expect(from(1, 0x6000000n)).toEqual({ timeline: 2, lsn: 0x5000000n });
  expect(from(2, 0x9000201n)).toEqual({ timeline: 3, lsn: 0x9000000n });
  expect(from(4, 0x9000000n)).toBeUndefined();
  // A timeline that it was never on.
  expect(
    goOnFrom({ timeline: 2, lsn: 0x7000000n }, { timeline: 3, forks: forks.slice(0, 1) }, 16 * 1024 * 1024),
  ).toEqual({
    timeline: 3,
    lsn: 0x5000000n,
  });
});

test('what is there of the last segment counts as reachable, and of one that others follow it does not', async () => {
  const names = (...found: string[]) => ({
    async *wal() {
      for (const name of found) yield { name, key: `wal/00000001/${name}.zst`, bytes: 1 };
    },
  });
  const size = 16 * 1024 * 1024;
  const at = (n: number) => BigInt(n * size);
  const name = (n: number) => segmentName(1, at(n), size);
  const ranges = async (...found: string[]) => {
    const { ranges: all } = await storedLog(names(...found), size);
    return (all.get(1) ?? []).map(({ from, to }) => [from, to]);
  };
  expect(await ranges(name(1), name(2), `${name(3)}.partial`)).toEqual([[at(1), at(4)]]);
  expect(await ranges(name(1), `${name(2)}.partial`, name(2), name(3))).toEqual([[at(1), at(4)]]);
  expect(await ranges(name(1), `${name(2)}.partial`, name(3))).toEqual([
    [at(1), at(2)],
    [at(3), at(4)],
  ]);
  expect(await ranges(`${name(2)}.partial`, name(3))).toEqual([[at(3), at(4)]]);
});
