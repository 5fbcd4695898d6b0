import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { session } from '../support/catalog.ts';
import { backupServer } from '../support/backup-server.ts';
import { command, pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, type ScratchServer } from '../support/postgres.ts';

/** A server with a ledger in a database and in a tablespace, and a folder for all else. */
async function bank(major: number) {
  const folder = temporaryFolder();
  const server = await backupServer(major, {}, { hasTemplate: true });
  const client = await session(server.url());
  const place = join(folder.path, 'a table space');
  mkdirSync(place);
  own(server, place);
  await client.query(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
  await client.query(`CREATE TABLE ledger (id int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())`);
  await client.query(`CREATE TABLE apart TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 5000) n`);
  const identity = await generateX25519Identity();
  const keyFile = join(folder.path, 'key');
  writeFileSync(keyFile, `# made by a test\n${identity}\n`, { mode: 0o600 });
  const repository = join(folder.path, 'the repository');
  const recipient = await identityToRecipient(identity);
  const into = ['--repository', repository, '--recipient', recipient];
  return {
    folder: folder.path,
    server,
    place,
    repository,
    backUp: (...flags: string[]) => command(['backup', 'create', '--database', server.url(), ...into, ...flags]),
    backUpOf: (url: string, ...flags: string[]) => command(['backup', 'create', '--database', url, ...into, ...flags]),
    /** What reads it needs. */
    reading: ['--repository', repository, '--identity', keyFile],
    query: async (text: string) => (await client.query(text)).rows,
    /** The server that was restored has to be able to read these. */
    hand: () => own(server, repository, keyFile),
    async [Symbol.asyncDispose]() {
      await client.end();
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Of a folder that was started by a command, which is over. */
async function stopServer(dataDir: string): Promise<void> {
  const path = join(dataDir, 'postmaster.pid');
  if (!existsSync(path)) return;
  process.kill(Number.parseInt(readFileSync(path, 'utf8'), 10), 'SIGINT');
  await expect.poll(() => existsSync(path)).toBe(false);
}

/** A port below those that the system gives away: nobody takes it before the server does. */
async function ownPort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port += 1) {
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}

function own(server: ScratchServer, ...paths: string[]): void {
  execFileSync('chown', ['-R', `--reference=${server.dataDir}`, ...paths]);
}

/** What `restore --start --json` says. */
interface Answer {
  backup: string;
  kept: { files: number; bytes: number };
  plan: { log: { timeline: number; latest: { timeline: number }; missing: unknown[] }; chain: unknown[] };
  started: { state: string; timeline: number | null; lastLsn: string | null; stopped: string | null };
}

// Between them, chains of incremental backups are restored.
const majors = installedServers().filter(({ major }) => major === 18 || major === 15);

describe.each(majors)('PostgreSQL $major', ({ major, binaries }) => {
  test('a backup is restored to its end, to a moment, to a name, and along another timeline, each time in the same folder', async () => {
    await using it = await bank(major);
    await it.query('INSERT INTO ledger VALUES (1)');
    const made = await it.backUp('--json');
    expect(made).toMatchObject({ code: 0 });
    const { backup } = JSON.parse(made.stdout) as { backup: { id: string } };
    await it.query('INSERT INTO ledger VALUES (2)');
    await it.query('DELETE FROM apart');
    const [moment] = await it.query(`
      SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`);
    await it.query('INSERT INTO ledger VALUES (3)');
    await it.query(`SELECT pg_create_restore_point('before the accident')`);
    await it.query('INSERT INTO ledger VALUES (4)');
    // What came after the backup is in the next one's log.
    const next = await it.backUp('--quiet');
    expect(next).toMatchObject({ code: 0, stderr: '' });
    const listed = await command(['backup', 'list', '--repository', it.repository]);
    expect(listed.stdout).toContain(backup.id);
    // A reach of less than a second is a moment.
    expect(listed.stdout).toMatch(/^Restores (any second from .* UTC to about )?.* UTC \(.*-full/m);
    it.hand();
    const to = join(it.folder, 'restored, 100 %');
    const elsewhere = join(it.folder, 'else where');
    const port = await ownPort();
    const url = (): string => Object.assign(new URL(it.server.url()), { port: String(port) }).href;
    const ids = async (): Promise<unknown[]> => {
      await using client = await session(url());
      return (await client.query('SELECT id FROM ledger ORDER BY id')).rows.map((row) => row['id'] as unknown);
    };
    const restore = async (name: string, ...more: string[]): Promise<Answer> => {
      // Once as somebody would.
      const ran = await (more.includes('--immediate') ? pitcrew : command)([
        'restore',
        name,
        '--to',
        to,
        '--tablespace-map',
        `${it.place}=${elsewhere}`,
        ...it.reading,
        '--start',
        '--bin',
        binaries.binDir,
        '--port',
        String(port),
        '--json',
        ...more,
      ]);
      expect(ran.stderr).toContain("Every file is as PostgreSQL's manifest says.");
      expect(ran.code).toBe(0);
      return JSON.parse(ran.stdout) as Answer;
    };
    try {
      const first = await restore(backup.id, '--immediate');
      expect(first).toMatchObject({ kept: { files: 0 }, started: { state: 'open', timeline: 2 } });
      expect(await ids()).toEqual([1]);
      await using client = await session(url());
      expect((await client.query('SELECT count(*)::int AS count FROM apart')).rows).toEqual([{ count: 5000 }]);
      // The restored server goes on, along a timeline of its own, and is backed up too.
      await client.query('INSERT INTO ledger VALUES (100)');
      expect(await it.backUpOf(url(), '--quiet')).toMatchObject({ code: 0, stderr: '' });
      await client.end();
      it.hand();
      await stopServer(to);

      const again = ['--delta', '--yes'];
      const time = ['--target-time', String(moment?.['now']), '--timeline', '1'];
      const second = await restore('latest', ...time, ...again);
      expect(second).toMatchObject({
        backup: backup.id,
        started: { stopped: expect.stringContaining('before commit') },
      });
      // Most files are as they were.
      expect(second.kept.files).toBeGreaterThan(500);
      expect(await ids()).toEqual([1, 2]);
      await stopServer(to);

      // What follows does not depend on the version.
      if (major !== 18) return;
      await restore(backup.id, '--target-name', 'before the accident', '--timeline', '1', ...again);
      expect(await ids()).toEqual([1, 2, 3]);
      await stopServer(to);

      const last = await restore(backup.id, ...again);
      expect(last).toMatchObject({ plan: { log: { timeline: 2, latest: { timeline: 2 }, missing: [] } } });
      expect(await ids()).toEqual([1, 100]);
      expect(existsSync(join(to, 'pitcrew-restore.json'))).toBe(false);
    } finally {
      await stopServer(to);
    }
  });
});

describe('what cannot be restored', () => {
  test('is refused, with the reason, and nothing is touched', async () => {
    await using it = await bank(18);
    expect(await it.backUp()).toMatchObject({ code: 0 });
    const unreadable = await command(['restore', 'latest', '--to', join(it.folder, 'new'), ...it.reading, '--dry-run']);
    // As root, who can read it all; the server's user cannot.
    if (process.getuid?.() === 0) expect(unreadable.stderr).toContain('postgres cannot fetch the log');
    it.hand();
    const [id = ''] = readdirSync(join(it.repository, 'backups'));
    const run = (...args: string[]) => command(['restore', 'latest', '--to', join(it.folder, 'new'), ...args]);
    const map = ['--tablespace-map', `${it.place}=${join(it.folder, 'other')}`];
    const full = await command(['restore', 'latest', '--to', it.folder, ...it.reading]);
    expect(full).toMatchObject({ code: 2, stderr: expect.stringContaining(`${it.folder} is not empty`) });
    expect(await run(...it.reading, '--target-time', '2020-01-01T00:00:00Z')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the target is before the end of the backup'),
    });
    expect(await run(...it.reading, '--target-time', '2020-01-01')).toMatchObject({ code: 2 });
    expect(await run('--repository', it.repository, ...map)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be opened without a key'),
    });
    // The old place is still in use.
    expect(await run(...it.reading)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${it.place} is not empty`),
    });
    const stored = join(it.repository, 'backups', id, 'base.tar.zst.age');
    const bytes = readFileSync(stored);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(stored, bytes);
    expect(await run(...it.reading, ...map)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('E_BACKUP_DAMAGED'),
    });
    rmSync(stored);
    expect(await run(...it.reading, ...map)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a stored object is missing'),
    });
    for (const name of ['new', 'other']) expect(existsSync(join(it.folder, name))).toBe(false);
    expect(readdirSync(it.folder).filter((name) => name.includes('restoring'))).toEqual([]);
  });
});
