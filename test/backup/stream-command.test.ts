import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { goOnFrom } from '../../src/ops/backup/stream/position.ts';
import { parseHistory } from '../../src/ops/backup/wal/timelines.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';

test('the command makes its slot, streams until it is told to end, and removes the slot', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  await using client = await session(server.url());
  const env = { PITCREW_DATA_DIR: folder.path };
  const location = join(folder.path, 'repository');
  const run = (...args: string[]) => command(['backup', 'stream', '--database', server.url(), ...args], { env });
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('no repository is given') });
  expect(await run('--slot', 'Not A Slot')).toMatchObject({ code: 2 });
  expect(await run('--max-retained', 'much')).toMatchObject({ code: 2, stderr: expect.stringContaining('512MB') });
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
  // The server notices a moment later that the stream has ended.
  await expect
    .poll(async () => (await client.query('SELECT active FROM pg_replication_slots')).rows)
    .toEqual([{ active: false }]);
  expect(await run('--drop-slot', '--json', ...slot)).toMatchObject({
    code: 0,
    stdout: '{"slot":"pitcrew_command","dropped":true}\n',
  });
  expect((await client.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
  const missing = new URL(server.url());
  missing.password = 'wrong';
  const refused = await command(['backup', 'stream', '--database', missing.href, '--repository', location, '--once'], {
    env,
  });
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('refuses us') });
  expect(refused.stderr).not.toContain('wrong@');
});

test('where to go on is told by the history of the server', () => {
  const path = parseHistory('1\t0/5000100\tno recovery target specified\n\n2\t0/9000200\tbefore it\n', 3);
  expect(path).toEqual([
    { timeline: 1, from: 0n, to: 0x5000100n },
    { timeline: 2, from: 0x5000100n, to: 0x9000200n },
    { timeline: 3, from: 0x9000200n, to: undefined },
  ]);
  const from = (timeline: number, lsn: bigint) => goOnFrom({ timeline, lsn }, path, 16 * 1024 * 1024);
  expect(from(3, 0xa000000n)).toEqual({ timeline: 3, lsn: 0xa000000n });
  // In its past: the server follows its own way.
  expect(from(1, 0x3000000n)).toEqual({ timeline: 1, lsn: 0x3000000n });
  expect(from(2, 0x9000200n)).toEqual({ timeline: 2, lsn: 0x9000200n });
  // Beyond the point where it left that timeline: what came after is on the next one.
  expect(from(1, 0x6000000n)).toEqual({ timeline: 2, lsn: 0x5000000n });
  expect(from(2, 0x9000201n)).toEqual({ timeline: 3, lsn: 0x9000000n });
  expect(from(4, 0x9000000n)).toBeUndefined();
  // A timeline that it was never on.
  const straight = parseHistory('1\t0/5000100\tno recovery target specified\n', 3);
  expect(goOnFrom({ timeline: 2, lsn: 0x7000000n }, straight, 16 * 1024 * 1024)).toEqual({
    timeline: 3,
    lsn: 0x5000000n,
  });
});
