import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { findProgram } from '../support/programs.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let keyFile: string;
/** Oldest first. */
let made: BackupRecord[];

beforeAll(async () => {
  const { path } = stack.use(temporaryFolder());
  folder = join(path, 'repository');
  keyFile = join(path, 'key');
  const identity = await generateX25519Identity();
  writeFileSync(keyFile, `${identity}\n`);
  const server = stack.use(await backupServer());
  const recipients = [await identityToRecipient(identity)];
  const repository = openRepository({ storage: localStorage(folder), recipients });
  const client = stack.use(await session(server.url()));
  made = [];
  for (let n = 0; n < 3; n += 1) {
    made.push(await createBackup({ url: server.url(), repository, madeBy: 'a test' }));
    for (let switched = 0; switched < 3; switched += 1) {
      await client.query('SELECT pg_logical_emit_message(false, $1, $2)', ['a', 'b']);
      await client.query('SELECT pg_switch_wal()');
    }
  }
});
afterAll(() => stack.disposeAsync());

interface Found {
  backups: { id: string; problems: { what: string; problem: string }[]; bytes: number; skippedBytes: number }[];
  log: {
    segments: number;
    bytes: number;
    skippedBytes: number;
    unchecked: number;
    problems: unknown[];
    gaps: { first: string; last: string; segments: number }[];
  };
  strays: string[];
}

async function verify(...flags: string[]) {
  const ran = await command(['backup', 'verify', '--repository', folder, '--json', '--quiet', ...flags]);
  const found = JSON.parse(ran.stdout) as Found;
  return {
    ...found,
    code: ran.code,
    problems: Object.fromEntries(found.backups.map(({ id, problems }) => [id, problems])),
  };
}

const segmentsOf = ({ timeline, startLsn, endLsn, segmentBytes }: BackupRecord): string[] =>
  segmentNames(timeline, startLsn, endLsn, segmentBytes);
const segmentKey = (name: string): string => `wal/00000001/${name}.zst.age`;
const segments = (): string[] =>
  readdirSync(join(folder, 'wal/00000001')).flatMap((name) => /^([0-9A-F]{24})\.zst\.age$/.exec(name)?.[1] ?? []);
const nothingWrong = () => Object.fromEntries(made.map(({ id }) => [id, [] as unknown[]]));
const flip = (path: string, content: Buffer): void => {
  const changed = Buffer.from(content);
  changed[100] = (changed[100] ?? 0) ^ 1;
  writeFileSync(path, changed);
};

/** Does something to a file, and puts it back. */
async function damaged(key: string, work: (path: string, content: Buffer) => void, ...flags: string[]) {
  const path = join(folder, key);
  const content = readFileSync(path);
  work(path, content);
  try {
    return await verify(...flags);
  } finally {
    writeFileSync(path, content);
  }
}

test('nothing is found where nothing is wrong, without a key, and it is not read again at once', async () => {
  const first = await verify();
  expect(first).toMatchObject({ code: 0, problems: nothingWrong(), strays: [] });
  expect(first.log).toMatchObject({ segments: segments().length, unchecked: 0, problems: [], skippedBytes: 0 });
  expect(first.log.bytes).toBeGreaterThan(0);
  // Without continuous archiving nothing is there of what was written between two backups.
  expect(first.log.gaps).toHaveLength(2);
  const again = await verify();
  expect(again.backups.map(({ bytes, skippedBytes }) => ({ bytes, skippedBytes }))).toEqual(
    first.backups.map(({ bytes }) => ({ bytes: 0, skippedBytes: bytes })),
  );
  expect(again.log).toMatchObject({ bytes: 0, skippedBytes: first.log.bytes });
  for (const flags of [['--all'], ['--max-age', '0s']]) {
    expect((await verify(...flags)).log).toMatchObject({ bytes: first.log.bytes, skippedBytes: 0 });
  }
  const [, key = ''] = made[1]?.files.map((file) => file.key) ?? [];
  copyFileSync(join(folder, key), join(folder, `${key}.copy`));
  rmSync(join(folder, key));
  copyFileSync(join(folder, `${key}.copy`), join(folder, key));
  const changed = await verify();
  expect(changed.strays).toEqual([`${key}.copy`]);
  expect(changed.backups.map(({ bytes }) => bytes > 0)).toEqual([false, true, false]);
  rmSync(join(folder, `${key}.copy`));
});

const sha256sum = findProgram('sha256sum');

test.skipIf('missing' in sha256sum)('the checksum beside a segment is one that sha256sum reads', () => {
  const [name = ''] = segments();
  const path = join(folder, segmentKey(name));
  const said = execFileSync('path' in sha256sum ? sha256sum.path : '', ['-c', `${basename(path)}.sha256`], {
    cwd: dirname(path),
    encoding: 'utf8',
  });
  expect(said).toBe(`${basename(path)}: OK\n`);
});

test.each<[string, (path: string, content: Buffer) => void, string]>([
  ['is missing', (path) => rmSync(path), 'It is missing.'],
  ['was cut', (path) => truncateSync(path, 1000), 'It has 1000 bytes, and had '],
  ['has one other bit', flip, 'Its content is not what was stored.'],
])('finds a file that %s', async (_, work, problem) => {
  const key = made[1]?.files[0]?.key ?? '';
  const { code, problems } = await damaged(key, work);
  expect(code).toBe(1);
  expect(problems).toEqual({
    ...nothingWrong(),
    [made[1]?.id ?? '']: [{ what: key, problem: expect.stringContaining(problem) }],
  });
});

test('finds a record of a backup that is another', async () => {
  const key = `backups/${made[0]?.id}/backup.json`;
  const work = (path: string, content: Buffer): void =>
    writeFileSync(path, content.toString().replace('"madeBy": "a', '"madeBy": "no'));
  const { code, problems } = await damaged(key, work);
  expect(code).toBe(1);
  expect(problems[made[0]?.id ?? '']).toEqual([{ what: key, problem: 'Its content is not what was stored.' }]);
});

test('finds segments that are damaged or lost, and says which backup needs them', async () => {
  const id = made[1]?.id ?? '';
  const [name = ''] = made[1] ? segmentsOf(made[1]) : [];
  const key = segmentKey(name);
  const bad = await damaged(key, flip);
  expect(bad).toMatchObject({ code: 1, log: { problems: [] } });
  expect(bad.problems).toEqual({
    ...nothingWrong(),
    [id]: [{ what: key, problem: 'Its content is not what was stored.' }],
  });
  const lost = await damaged(key, (path) => rmSync(path));
  expect(lost.code).toBe(1);
  expect(lost.problems[id]).toEqual([
    { what: key, problem: 'Its checksum is there, and it is not.' },
    { what: name, problem: 'This segment of the log is missing.' },
  ]);
  expect(lost.log.gaps).toContainEqual(expect.objectContaining({ timeline: 1 }));
  // Of the others nothing is asked for.
  const [other] = made;
  expect(await damaged(key, flip, other?.id ?? '')).toMatchObject({ code: 0, problems: { [other?.id ?? '']: [] } });
});

test('of a segment without a checksum says that it needs a key, and with one reads it through', async () => {
  const [name = ''] = segments();
  const key = segmentKey(name);
  const without = (path: string): void => rmSync(path);
  expect(await damaged(`${key}.sha256`, without, '--all')).toMatchObject({ code: 0, log: { unchecked: 1 } });
  const withKey = ['--all', '--identity', keyFile];
  expect(await damaged(`${key}.sha256`, without, ...withKey)).toMatchObject({ code: 0, log: { unchecked: 0 } });
  const bytes = readFileSync(join(folder, key));
  truncateSync(join(folder, key), bytes.length - 1);
  try {
    const cut = await damaged(`${key}.sha256`, without, ...withKey);
    expect(cut).toMatchObject({ code: 1 });
    expect([...Object.values(cut.problems).flat(), ...cut.log.problems]).toContainEqual({
      what: key,
      problem: expect.stringContaining('It cannot be read'),
    });
  } finally {
    writeFileSync(join(folder, key), bytes);
  }
  const ran = await command(['backup', 'verify', '--repository', folder]);
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('as it was stored') });
});
