import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { installedServers, scratchServer } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';

const clientBin = (major: number): string => `/usr/lib/postgresql/${major}/bin`;
const opening = ['age', 'zstd']
  .map((name) => findProgram(name))
  .flatMap((found) => ('missing' in found ? [found.missing] : []));
const majors = installedServers()
  .map(({ major }) => major)
  .filter((major) => major !== 16);
const withClient = majors.filter((major) => existsSync(join(clientBin(major), 'pg_verifybackup')));
/** PostgreSQL from npm has no clients. */
const without = majors.filter((major) => !withClient.includes(major)).map((major) => `none of PostgreSQL ${major}`);
const why = [...without, ...opening].map((each) => ` (${each} on this machine)`).join('');

interface ManifestLine {
  Path?: string;
  Size: number;
  Checksum: string;
}

/** These have a position of the log or a time in them, of when they were made. */
const alwaysOther = ['backup_label', 'tablespace_map', 'global/pg_control'];

function filesOf(manifest: string): Map<string, string> {
  const { Files } = JSON.parse(manifest) as { Files: ManifestLine[] };
  return new Map(Files.map(({ Path = '', Size, Checksum }) => [Path, `${Size} ${Checksum}`]));
}

describe.skipIf(withClient.length === 0 || opening.length > 0)(`PostgreSQL's own clients${why}`, () => {
  test.each(withClient)(
    'of PostgreSQL %i agree with what is stored and what is restored',
    async (major) => {
      await using folder = temporaryFolder();
      await using server = await scratchServer(major, { wal_level: 'replica', autovacuum: 'off' });
      await using client = await session(server.url());
      const place = join(folder.path, 'tablespace');
      mkdirSync(place);
      execFileSync('chown', [`--reference=${server.dataDir}`, place]);
      await client.query(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
      await client.query('CREATE TABLE apart TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 5000) n');
      await client.query('CREATE UNLOGGED TABLE fleeting AS SELECT n FROM generate_series(1, 5000) n');
      await client.query('VACUUM (FREEZE)');
      await client.query('CHECKPOINT');
      const url = server.url();
      const identity = await generateX25519Identity();
      const store = join(folder.path, 'repository');
      const repository = openRepository({
        storage: localStorage(store),
        recipients: [await identityToRecipient(identity)],
        identities: [identity],
      });
      const backup = await createBackup({ url, repository, madeBy: 'a test' });

      const verifyFolder = (path: string): string =>
        execFileSync(join(clientBin(major), 'pg_verifybackup'), ['--no-parse-wal', path], { encoding: 'utf8' });
      const manifest = execFileSync('zstd', ['-dqc', join(store, 'backups', backup.id, 'backup_manifest.zst')], {
        encoding: 'utf8',
      });

      // Unpacked by hand.
      const keyFile = join(folder.path, 'key');
      writeFileSync(keyFile, `${identity}\n`);
      const byHand = join(folder.path, 'by hand');
      const [{ oid } = { oid: 0 }] = backup.tablespaces;
      for (const [name, into] of [
        ['base.tar', byHand],
        [`${oid}.tar`, join(byHand, 'pg_tblspc', String(oid))],
      ] as const) {
        mkdirSync(into, { recursive: true });
        const { key = '' } = backup.files.find((file) => file.name === name) ?? {};
        const open = 'age -d -i "$1" "$2" | zstd -dq | tar -x -C "$3"';
        execFileSync('sh', ['-c', open, 'sh', keyFile, join(store, key), into]);
      }
      writeFileSync(join(byHand, 'backup_manifest'), manifest);
      expect(verifyFolder(byHand)).toContain('backup successfully verified');

      // Restored: what recovery needs was added, and the link of the tablespace is the server's to make.
      const to = join(folder.path, 'restored');
      const elsewhere = join(folder.path, 'restored elsewhere');
      await restoreBackup({
        repository,
        backup,
        to,
        tablespaceMap: new Map([[place, elsewhere]]),
        restoreCommand: ['false'],
      });
      execFileSync('cp', ['-a', elsewhere, join(to, 'pg_tblspc', String(oid))]);
      writeFileSync(join(to, 'backup_manifest'), manifest);
      const ignored = ['postgresql.auto.conf', 'recovery.signal', 'tablespace_map'].map((name) => `--ignore=${name}`);
      expect(
        execFileSync(join(clientBin(major), 'pg_verifybackup'), ['--no-parse-wal', ...ignored, to], {
          encoding: 'utf8',
        }),
      ).toContain('backup successfully verified');
      // It would find what is not right.
      writeFileSync(join(to, 'PG_VERSION'), '14\n');
      expect(() => execFileSync(join(clientBin(major), 'pg_verifybackup'), [to], { stdio: 'pipe' })).toThrow(
        /PG_VERSION/,
      );

      // What the server's own client gets, nothing having been written meanwhile.
      const theirs = join(folder.path, 'theirs');
      execFileSync(
        join(clientBin(major), 'pg_basebackup'),
        ['-d', url, '-D', theirs, '-Ft', '-Xnone', '-cfast', '--manifest-checksums=SHA256', '--no-sync'],
        { stdio: 'pipe' },
      );
      const ours = filesOf(manifest);
      const others = filesOf(readFileSync(join(theirs, 'backup_manifest'), 'utf8'));
      expect([...ours.keys()].toSorted()).toEqual([...others.keys()].toSorted());
      const different = [...ours].flatMap(([path, file]) => (others.get(path) === file ? [] : [path]));
      expect(different.filter((path) => !alwaysOther.includes(path))).toEqual([]);
    },
    120_000,
  );
});
