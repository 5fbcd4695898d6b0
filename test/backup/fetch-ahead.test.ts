import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';

const segmentBytes = 1024 * 1024;
const systemId = '7300000000000000001';
const nameOf = (number: number, timeline = 1): string =>
  `${timeline.toString(16).padStart(8, '0')}00000000${number.toString(16).padStart(8, '0')}`.toUpperCase();

/** Begins as a segment does; the rest says which one it is. */
function segment(number: number, timeline: number): Buffer {
  const bytes = Buffer.alloc(segmentBytes, `${timeline}/${number} `);
  bytes.writeUInt16LE(0xd118, 0);
  bytes.writeUInt16LE(0x02, 2);
  bytes.writeUInt32LE(timeline, 4);
  bytes.writeBigUInt64LE(BigInt(number) * BigInt(segmentBytes), 8);
  bytes.writeBigUInt64LE(BigInt(systemId), 24);
  bytes.writeUInt32LE(segmentBytes, 32);
  return bytes;
}

/** A repository with segments, and what there is of a server's folder while it recovers. */
async function recovering() {
  const folder = temporaryFolder();
  const location = join(folder.path, 'repository');
  const dataDir = join(folder.path, 'data');
  const log = join(dataDir, 'pg_wal');
  mkdirSync(log, { recursive: true });
  writeFileSync(join(dataDir, 'recovery.signal'), '');
  const repository = openRepository({ storage: localStorage(location) });
  await repository.claim(systemId);
  const spool = (): string | undefined => readdirSync(log).find((name) => name.startsWith('pitcrew-ahead-'));
  const started = (at: number): void =>
    writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n${at}\n5432\n`);
  started(1);
  return {
    repository,
    dataDir,
    started,
    put: (number: number, timeline = 1) =>
      repository.putWal(nameOf(number, timeline), Readable.from([segment(number, timeline)])),
    lose: (number: number) =>
      rmSync(join(location, 'wal', nameOf(number).slice(0, 8), `${nameOf(number)}.zst`), { force: true }),
    /** As PostgreSQL does it. @returns the exit code, and what was put there */
    async fetch(number: number, timeline = 1) {
      const path = join(log, 'RECOVERYXLOG');
      rmSync(path, { force: true });
      const { code } = await pitcrew(
        ['backup', 'fetch-wal', '--repository', location, nameOf(number, timeline), 'pg_wal/RECOVERYXLOG'],
        { cwd: dataDir },
      );
      return { code, content: existsSync(path) ? readFileSync(path) : undefined };
    },
    /** Names of segments that are laid out. */
    laidOut: (): string[] => {
      const name = spool();
      return name === undefined ? [] : readdirSync(join(log, name)).filter((file) => /^[0-9A-F]{24}$/.test(file));
    },
    spool,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const names = (numbers: number[], timeline = 1): string[] => numbers.map((number) => nameOf(number, timeline));

test('what follows a segment is laid out while the server replays it, and goes when recovery has ended', async () => {
  await using it = await recovering();
  for (let number = 1; number <= 11; number += 1) await it.put(number);
  await it.repository.putPartial(nameOf(12), Readable.from([segment(12, 1).subarray(0, 8192)]));
  expect(await it.fetch(1)).toEqual({ code: 0, content: segment(1, 1) });
  await expect.poll(it.laidOut).toEqual(names([2, 3, 4, 5, 6, 7, 8, 9]));
  // Only what is laid out can be served now.
  for (const number of [2, 3]) it.lose(number);
  expect(await it.fetch(2)).toEqual({ code: 0, content: segment(2, 1) });
  expect(await it.fetch(3)).toEqual({ code: 0, content: segment(3, 1) });
  // Of the last there is a part only, and it may grow.
  await expect.poll(it.laidOut).toEqual(names([4, 5, 6, 7, 8, 9, 10, 11]));
  // The server goes on along another timeline.
  for (const number of [4, 5, 6]) await it.put(number, 2);
  expect(await it.fetch(4, 2)).toEqual({ code: 0, content: segment(4, 2) });
  await expect.poll(it.laidOut).toEqual(names([5, 6], 2));
  rmSync(join(it.dataDir, 'recovery.signal'));
  await expect.poll(it.spool).toBeUndefined();
  expect(await it.fetch(12)).toMatchObject({ code: 0 });
  expect(it.spool()).toBeUndefined();
});

test('what was laid out for an earlier run of the server is not served', async () => {
  await using it = await recovering();
  for (const number of [1, 2, 3]) await it.put(number);
  expect(await it.fetch(1)).toMatchObject({ code: 0 });
  await expect.poll(it.laidOut).toEqual(names([2, 3]));
  it.started(2);
  for (const number of [2, 3]) it.lose(number);
  expect(await it.fetch(2)).toEqual({ code: 44, content: undefined });
  await expect.poll(it.spool).toBeUndefined();
});
