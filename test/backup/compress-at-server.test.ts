import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import type { CreateOptions, CreateProgress } from '../../src/ops/backup/create/options.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import { removeServer, startReplica, startScratchServer } from '../../src/ops/embedded/index.ts';
import { session } from '../support/catalog.ts';
import { pitcrew } from '../support/command.ts';
import { serversWithZstd } from '../support/debian-postgres.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchServer, testSettings } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { lookAtRestored } from '../support/restored.ts';
import { whole } from '../support/streams.ts';

const found = serversWithZstd();
const opening = ['age', 'zstd'].map((name) => findProgram(name));
const lacking = [found, ...opening].flatMap((each) => ('missing' in each ? [each.missing] : []));
/** Those from npm cannot, and Debian has one of them. */
const without = [15, 18].filter((major) => !found.servers.some((server) => server.major === major));
const why = [...lacking, ...without.map((major) => `no PostgreSQL ${major} with zstd on this machine`)];
const title = `compressed by the server${why.map((each) => ` (${each})`).join('')}`;
const plain = installedServers().filter(({ major }) => major === 15 || major === 18);

const bytesOf = (files: readonly { name: string; bytes: number }[]): number =>
  files.reduce((sum, { name, bytes }) => sum + (name === 'backup_manifest' ? 0 : bytes), 0);

describe.skipIf(lacking.length > 0)(title, () => {
  test.each(found.servers)(
    'a backup of PostgreSQL $major is as if compressed here, of a standby too; what builds on it likewise',
    async (installed) => {
      const { major, binaries } = installed;
      await using folder = temporaryFolder();
      const settings = {
        ...testSettings,
        full_page_writes: 'on',
        autovacuum: 'off',
        ...(major >= 17 ? { summarize_wal: 'on' } : {}),
      };
      await using stack = new AsyncDisposableStack();
      const server = stack.use(await startScratchServer({ binaries, settings }));
      const dataDir = `${server.dataDir}-replica`;
      stack.defer(() => removeServer(dataDir));
      const replica = await startReplica(server, { dataDir, binaries, settings, slot: 'replica' });
      stack.defer(() => replica.stop('immediate'));
      await using client = await session(server.url());
      const place = join(folder.path, 'tablespace');
      mkdirSync(place);
      execFileSync('chown', [`--reference=${server.dataDir}`, place]);
      await client.query(`CREATE TABLE told AS SELECT n, md5(n::text) AS text FROM generate_series(1, 20000) n`);
      const sum = async (asked: pg.Client = client): Promise<unknown> =>
        (await asked.query('SELECT md5(string_agg(n || text, $1 ORDER BY n)) FROM told', [','])).rows;

      // Not encrypted, of the standby, with what it logs meanwhile.
      const store = join(folder.path, 'repository');
      const repository = openRepository({ storage: localStorage(store), level: 5 });
      const steps: CreateProgress[] = [];
      const how: Omit<CreateOptions, 'url' | 'repository'> = {
        compressAt: 'server',
        madeBy: 'a test',
        onProgress: (at) => void steps.push(at),
      };
      await using reader = await session(replica.url());
      await expect.poll(() => sum(reader).catch(() => undefined)).toEqual(await sum());
      const backup = await createBackup({ url: replica.url(), repository, ...how });
      expect(backup.files.map(({ key }) => key.replace(/.*\//, ''))).toEqual(['base.tar.zst', 'backup_manifest.zst']);
      expect(steps.findLast(({ phase }) => phase === 'copying')?.doneBytes).toBe(bytesOf(backup.files));
      expect((await verify(repository)).backups).toMatchObject([{ problems: [] }]);
      const before = await sum();
      await lookAtRestored(
        { folder: folder.path, repository, backup, target: { immediate: true } },
        installed,
        async (restored) => expect(await sum(restored)).toEqual(before),
      );

      // Encrypted, with a tablespace, opened by hand.
      await client.query(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
      await client.query('CREATE TABLE apart TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 5000) n');
      const identity = await generateX25519Identity();
      const sealed = openRepository({
        storage: localStorage(join(folder.path, 'sealed')),
        recipients: [await identityToRecipient(identity)],
        identities: [identity],
      });
      const apart = await createBackup({ url: server.url(), repository: sealed, ...how });
      expect(steps.findLast(({ phase }) => phase === 'copying')?.doneBytes).toBe(bytesOf(apart.files));
      const keyFile = join(folder.path, 'key');
      writeFileSync(keyFile, `${identity}\n`);
      const byHand = join(folder.path, 'by hand');
      mkdirSync(byHand);
      for (const file of apart.files) {
        expect((await whole(sealed.readFile(file))).length).toBe(file.bytes);
        const isTar = file.name.endsWith('.tar');
        const open = isTar ? 'age -d -i "$1" "$2" | zstd -dq | tar -x -C "$3"' : 'zstd -dqc "$2" > "$3"';
        const into =
          file.name === 'base.tar' ? '.' : isTar ? join('pg_tblspc', basename(file.name, '.tar')) : file.name;
        if (isTar) mkdirSync(join(byHand, into), { recursive: true });
        const stored = join(folder.path, 'sealed', file.key);
        execFileSync('sh', ['-ec', open, 'sh', keyFile, stored, join(byHand, into)]);
      }
      expect(apart.files.map(({ name }) => name)).toHaveLength(3);
      const verifier = join(binaries.binDir, 'pg_verifybackup');
      if (existsSync(verifier)) {
        const said = execFileSync(verifier, ['--no-parse-wal', byHand], { encoding: 'utf8' });
        expect(said).toContain('backup successfully verified');
      }

      // An incremental one, of whichever kind.
      await client.query('UPDATE told SET n = n + 100000 WHERE n % 100 = 1');
      await client.query('DROP TABLE apart');
      await client.query('DROP TABLESPACE elsewhere');
      const plainOne = await createBackup({ url: server.url(), repository, ...how, type: 'full' });
      await client.query('DELETE FROM told WHERE n % 100 = 2');
      const more = await createBackup({ url: server.url(), repository, ...how, type: 'incremental' });
      expect(more.parent).toBe(plainOne.id);
      const after = await sum();
      await lookAtRestored({ folder: folder.path, repository, backup: more }, installed, async (restored) =>
        expect(await sum(restored)).toEqual(after),
      );
    },
    120_000,
  );
});

test.each(plain)('PostgreSQL $major from npm, which is built without zstd, says so', async ({ major }) => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(major);
  const store = join(folder.path, 'repository');
  const args = ['backup', 'create', '--database', server.url(), '--repository', store, '--compress-at', 'server'];
  const refused = await pitcrew(args);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('this server cannot compress what it sends');
  expect(refused.stderr).toContain('zstd');
  expect(readdirSync(store).includes('backups') ? readdirSync(join(store, 'backups')) : []).toEqual([]);
  expect((await pitcrew([...args, '--jobs', '2'])).stderr).toContain('--jobs is of compression on this machine');
});
