import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { freePort } from '../../src/ops/embedded/index.ts';
import { backedUp, type BackedUp } from '../support/backup-chain.ts';
import { session } from '../support/catalog.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { installedServers } from '../support/postgres.ts';

const stack = new AsyncDisposableStack();
const isRoot = process.getuid?.() === 0;
const binDir = installedServers().find(({ major }) => major === 18)?.binaries.binDir ?? '';
let it: BackedUp;
let port: number;
/** A transaction each, in their order: what was there right after it. */
let moments: { xid: string; before: string; after: string }[];

beforeAll(async () => {
  it = stack.use(await backedUp());
  await it.backUp('full');
  await using client = await session(it.server.url());
  await client.query('CREATE TABLE steps (id int PRIMARY KEY)');
  moments = [];
  const lsn = async (): Promise<string> =>
    String((await client.query('SELECT pg_current_wal_insert_lsn() AS lsn')).rows[0]?.['lsn']);
  for (const id of [1, 2, 3]) {
    const before = await lsn();
    const { rows } = await client.query(`INSERT INTO steps VALUES ($1) RETURNING pg_current_xact_id()::text AS xid`, [
      id,
    ]);
    moments.push({ xid: String(rows[0]?.['xid']), before, after: await lsn() });
  }
  // So that the log of all this is in the repository.
  await createBackup({ url: it.server.url(), repository: it.repository, madeBy: 'a test' });
  port = await freePort();
  // The server's user has to be able to read these.
  execFileSync('chown', ['-R', `--reference=${it.server.dataDir}`, it.path, it.keyFile]);
}, 120_000);
afterAll(() => stack.disposeAsync());

const first = async (): Promise<string> => (await it.repository.backups())[0]?.id ?? '';
const reading = (): string[] => ['--repository', it.path, '--identity', it.keyFile];
const flagsFor = (name: string): string[] => [
  '--to',
  join(it.folder, name),
  '--tablespace-map',
  `${it.place}=${join(it.folder, `${name} elsewhere`)}`,
  ...reading(),
];

interface Started {
  state: 'open' | 'paused' | 'shutdown';
  stopped: string | null;
  timeline: number | null;
}

/** Restores the first backup into one folder, again and again, and starts it. */
async function started(...flags: string[]): Promise<Started> {
  const isThere = existsSync(join(it.folder, 'started'));
  const ran = await pitcrew([
    'restore',
    await first(),
    ...flagsFor('started'),
    ...(isThere ? ['--delta', '--yes'] : []),
    '--start',
    '--bin',
    binDir,
    '--port',
    String(port),
    '--json',
    '--quiet',
    ...flags,
  ]);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return (JSON.parse(ran.stdout) as { started: Started }).started;
}

/** Of the server that was started; it is stopped then. */
async function rowsAndStop(): Promise<unknown[]> {
  const url = Object.assign(new URL(it.server.url()), { port: String(port) }).href;
  const path = join(it.folder, 'started', 'postmaster.pid');
  try {
    await using client = await session(url);
    return (await client.query('SELECT id FROM steps ORDER BY id')).rows.map((row) => row['id'] as unknown);
  } finally {
    process.kill(Number.parseInt(readFileSync(path, 'utf8'), 10), 'SIGQUIT');
    await expect.poll(() => existsSync(path), { timeout: 60_000 }).toBe(false);
  }
}

test('to a transaction or a position, with or without it; and what the server does there', async () => {
  const [, second] = moments;
  if (!second) throw new Error('nothing was written');
  expect(await started('--target-xid', second.xid, '--target-action', 'pause')).toMatchObject({
    state: 'paused',
    stopped: expect.stringContaining(`after commit of transaction ${second.xid}`),
    timeline: null,
  });
  expect(await rowsAndStop()).toEqual([1, 2]);
  expect(
    await started('--target-lsn', second.after, '--timeline', 'current', '--target-action', 'shutdown'),
  ).toMatchObject({ state: 'shutdown' });
  expect(existsSync(join(it.folder, 'started', 'postmaster.pid'))).toBe(false);
  expect(await started('--target-lsn', second.before, '--exclusive', '--timeline', '1')).toMatchObject({
    state: 'open',
    stopped: expect.stringContaining('before'),
  });
  expect(await rowsAndStop()).toEqual([1]);
}, 240_000);

describe('a restore that is stopped by a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s leaves nothing', async (signal) => {
    const before = readdirSync(it.folder);
    const running = startPitcrew(['restore', 'latest', ...flagsFor(`stopped by ${signal}`)]);
    await running.saw(/Restoring/);
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining('Nothing was put in place.') });
    expect(readdirSync(it.folder)).toEqual(before);
  });

  test('with --delta PostgreSQL does not start what is half-way, and another one goes on', async () => {
    const flags = [await first(), ...flagsFor('started'), '--delta', '--yes'];
    const to = join(it.folder, 'started');
    const running = startPitcrew(['restore', ...flags]);
    await running.saw(/Comparing/);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('Stopped half-way: PostgreSQL does not start it; --delta goes on.'),
    });
    expect(existsSync(join(to, 'global', 'pg_control'))).toBe(false);
    const again = await pitcrew(['restore', ...flags, '--json', '--quiet']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(to, 'global', 'pg_control'))).toBe(true);
    expect(readdirSync(to).filter((name) => name.startsWith('pitcrew-'))).toEqual([]);
  });
});

describe('places', () => {
  const dryRun = async (...flags: string[]): Promise<string[]> => {
    const { stdout } = await pitcrew(['restore', 'latest', ...reading(), '--dry-run', '--json', ...flags]);
    const { problems } = JSON.parse(stdout) as { problems: { code: string; message: string }[] };
    return problems.map(({ code, message }) => `${code} ${message}`);
  };
  const map = (to: string): string[] => ['--tablespace-map', `${it.place}=${to}`];

  test('in the repository, or nowhere, are told before; and so is a map that cannot be meant', async () => {
    const to = join(it.folder, 'new');
    const link = join(it.folder, 'link');
    symlinkSync(join(it.folder, 'nowhere'), link);
    const inside = join(it.path, 'backups', 'new');
    expect(await dryRun('--to', link, ...map(inside))).toEqual([
      `E_DATA_DIR ${link} is a link that leads nowhere`,
      `E_USAGE ${inside} lies in the repository`,
    ]);
    rmSync(link);
    const twice = await pitcrew(['restore', 'latest', ...reading(), '--to', to, ...map('/a'), ...map('/b')]);
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining(`has ${it.place} twice`) });
    const other = await pitcrew(['restore', 'latest', ...reading(), '--to', to, '--tablespace-map', '/a\\=b=/c']);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('the backup has no tablespace in /a=b') });
  });

  test('what a restore needs later is not removed by it', async () => {
    const to = join(it.folder, 'with its key');
    mkdirSync(join(to, 'global'), { recursive: true });
    cpSync(join(it.server.dataDir, 'global', 'pg_control'), join(to, 'global', 'pg_control'));
    const key = join(to, 'key');
    cpSync(it.keyFile, key);
    execFileSync('chown', ['-R', `--reference=${it.server.dataDir}`, to]);
    const flags = ['--repository', it.path, '--identity', key, '--to', to, '--delta', '--yes'];
    const refused = await pitcrew(['restore', 'latest', ...flags, ...map(join(it.folder, 'apart'))]);
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining(`${key} lies in ${to}`) });
    expect(existsSync(key)).toBe(true);
    rmSync(to, { recursive: true });
  });

  test('that are links are filled where they lead, as the user who is to run the server', async () => {
    const links = ['data', 'space'].map((name) => join(it.folder, `link to ${name}`));
    for (const link of links) {
      mkdirSync(`${link}, there`);
      symlinkSync(`${link}, there`, link);
    }
    const [data = '', space = ''] = links;
    if (isRoot) execFileSync('chown', [`--reference=${it.server.dataDir}`, `${data}, there`]);
    const ran = await pitcrew(['restore', 'latest', ...reading(), '--to', data, ...map(space), '--quiet']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { uid } = statSync(it.server.dataDir);
    for (const path of [
      data,
      join(data, 'PG_VERSION'),
      join(data, 'postgresql.auto.conf'),
      join(data, 'base'),
      space,
    ]) {
      expect({ path, uid: statSync(path).uid }).toEqual({ path, uid });
    }
    expect([data, space].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(statSync(join(data, 'PG_VERSION')).mode & 0o777).toBe(0o600);
    const [folder = ''] = readdirSync(space);
    expect(folder).toMatch(/^PG_18_/);
    expect(statSync(join(space, folder)).uid).toBe(uid);
    expect(readdirSync(it.folder).filter((name) => name.includes('restoring'))).toEqual([]);
  });

  test.skipIf(isRoot)('where we may not write are told before (root may everywhere)', async () => {
    const to = join(it.folder, 'not ours', basename(it.place));
    mkdirSync(join(it.folder, 'not ours'), { mode: 0o555 });
    expect(await dryRun('--to', to, ...map(join(it.folder, 'apart')))).toEqual([
      `E_STORAGE ${to} cannot be made: we are not allowed to`,
    ]);
    chmodSync(join(it.folder, 'not ours'), 0o755);
  });
});
