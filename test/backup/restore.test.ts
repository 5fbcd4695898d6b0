import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { type EmbeddedServer, startServer } from '../../src/ops/embedded/index.ts';
import { session } from '../support/catalog.ts';
import { pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, type ScratchServer, scratchServer, testSettings } from '../support/postgres.ts';

const restored = { wal_level: 'replica', full_page_writes: 'on' };

/** A server with a ledger in a database and in a tablespace, and a folder for all else. */
async function bank(major: number) {
  const folder = temporaryFolder();
  const server = await scratchServer(major, restored);
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
  const from = ['--database', server.url(), '--repository', repository, '--recipient', recipient];
  return {
    folder: folder.path,
    server,
    place,
    repository,
    backUp: (...flags: string[]) => pitcrew(['backup', 'create', ...from, ...flags]),
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

function own(server: ScratchServer, ...paths: string[]): void {
  execFileSync('chown', ['-R', `--reference=${server.dataDir}`, ...paths]);
}

async function recovered(
  dataDir: string,
  major: number,
  look: (server: EmbeddedServer) => Promise<void>,
): Promise<void> {
  const { binaries } = installedServers().find((installed) => installed.major === major) ?? {};
  // No setting may be lower than it was on the server that wrote the log.
  const server = await startServer({ dataDir, settings: testSettings, ...(binaries ? { binaries } : {}) });
  try {
    await using client = await session(server.url());
    await expect
      .poll(async () => (await client.query('SELECT pg_is_in_recovery() AS recovering')).rows, { timeout: 60_000 })
      .toEqual([{ recovering: false }]);
    await look(server);
  } finally {
    await server.stop('immediate');
  }
}

async function ids(server: EmbeddedServer): Promise<number[]> {
  await using client = await session(server.url());
  return (await client.query<{ id: number }>('SELECT id FROM ledger ORDER BY id')).rows.map(({ id }) => id);
}

const majors = installedServers().flatMap(({ major }) => (major === 16 ? [] : [major]));

describe.each(majors)('PostgreSQL %i', (major) => {
  test('a backup is restored to its end, to a moment and to a name', async () => {
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
    const listed = await pitcrew(['backup', 'list', '--repository', it.repository]);
    expect(listed.stdout.split('\n')).toHaveLength(4);
    expect(listed.stdout).toContain(`${backup.id}  full`);
    it.hand();
    const restore = async (name: string, ...more: string[]) => {
      const to = join(it.folder, name);
      const elsewhere = join(it.folder, `${name} elsewhere`);
      const ran = await pitcrew([
        'restore',
        backup.id,
        '--to',
        to,
        '--tablespace-map',
        `${it.place}=${elsewhere}`,
        ...it.reading,
        ...more,
      ]);
      expect(ran.stderr).toContain("Every file is as PostgreSQL's manifest says.");
      expect(ran.code).toBe(0);
      return to;
    };
    await recovered(await restore('the backup, 100 %', '--immediate'), major, async (server) => {
      expect(await ids(server)).toEqual([1]);
      await using client = await session(server.url());
      expect((await client.query('SELECT count(*)::int AS count FROM apart')).rows).toEqual([{ count: 5000 }]);
    });
    await recovered(await restore('a moment', '--target-time', String(moment?.['now'])), major, async (server) => {
      expect(await ids(server)).toEqual([1, 2]);
    });
    await recovered(await restore('a name', '--target-name', 'before the accident'), major, async (server) => {
      expect(await ids(server)).toEqual([1, 2, 3]);
    });
    await recovered(await restore('everything'), major, async (server) =>
      expect(await ids(server)).toEqual([1, 2, 3, 4]),
    );
  });
});

describe('what cannot be restored', () => {
  test('is refused, with the reason, and nothing is touched', async () => {
    await using it = await bank(18);
    expect(await it.backUp()).toMatchObject({ code: 0 });
    const [id = ''] = readdirSync(join(it.repository, 'backups'));
    const run = (...args: string[]) => pitcrew(['restore', 'latest', '--to', join(it.folder, 'new'), ...args]);
    const map = ['--tablespace-map', `${it.place}=${join(it.folder, 'other')}`];
    const full = await pitcrew(['restore', 'latest', '--to', it.folder, ...it.reading]);
    expect(full).toMatchObject({ code: 2, stderr: expect.stringContaining(`${it.folder} is not empty`) });
    expect(await run(...it.reading, '--target-time', '2020-01-01T00:00:00Z')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the target is before the end of the backup'),
    });
    expect(await run(...it.reading, '--target-time', '2020-01-01')).toMatchObject({ code: 2 });
    expect(await run('--repository', it.repository, ...map)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the key does not open this'),
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
