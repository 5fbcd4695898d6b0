import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { findProgram } from '../../../test/support/programs.ts';
import { measured, type Measured, type RunAs } from './measured.ts';
import { archivingFile } from './server.ts';

export interface Place {
  /** Everything is below it. */
  folder: string;
  dataDir: string;
  url: string;
  /** The server's user. */
  user: RunAs;
}

/** One way to make backups, and to restore them. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Forgets the backups of the round before. */
  prepare(): Promise<void>;
  backUp(): Promise<Measured>;
  /** Puts the backup into a new folder, from which a server can be started. */
  restore(to: string): Promise<Measured>;
  /** What it has stored: files, and log. */
  storedBytes(): number;
  /** Fetches a segment of its log, as recovery does; `undefined` where it has no such command. */
  fetch?(to: string): Promise<Measured>;
}

const program = join(import.meta.dirname, '../../../dist/cli/main.js');

/** What pgbackrest is to do with a segment that is full, for the server's settings. */
export const archiveCommandOf = (folder: string): string =>
  `pgbackrest --config=${join(folder, 'pgbackrest.conf')} --stanza=bench archive-push %p`;

export async function subjectsFor(place: Place): Promise<{ subjects: Subject[]; missing: string[] }> {
  const pgbackrest = findProgram('pgbackrest');
  const identity = await generateX25519Identity();
  const key = join(place.folder, 'key');
  writeFileSync(key, `${identity}\n`, { mode: 0o644 });
  const subjects = [
    pitcrew(place, 'Pitcrew'),
    pitcrew(place, 'Pitcrew, encrypted', { key, recipient: await identityToRecipient(identity) }),
    baseBackup(place),
  ];
  if ('missing' in pgbackrest) return { subjects, missing: [pgbackrest.missing] };
  return { subjects: [...subjects, pgBackRest(place)], missing: [] };
}

function pitcrew({ folder, url, user }: Place, name: string, encryption?: { key: string; recipient: string }): Subject {
  const store = join(folder, name.replaceAll(/\W+/g, '-'));
  const run = (...words: string[]): Promise<Measured> =>
    measured([process.execPath, program, ...words, '--repository', join(store, 'repository')], {
      cwd: folder,
      ...user,
    });
  const reading = encryption ? ['--identity', encryption.key] : [];
  return {
    name,
    version: '',
    prepare: async () => emptyFolder(store, user),
    backUp: () =>
      run(
        'backup',
        'create',
        '--quiet',
        '--database',
        url,
        ...(encryption ? ['--recipient', encryption.recipient] : []),
      ),
    restore: (to) => run('restore', 'latest', '--quiet', '--to', to, ...reading),
    storedBytes: () => bytesBelow(store),
    fetch: (to) => run('backup', 'fetch-wal', ...reading, segmentBelow(store), to),
  };
}

/** As tar files, compressed by itself with gzip; the log beside. Checksums are what it has by default (CRC-32C). */
function baseBackup({ folder, url, user }: Place): Subject {
  const store = join(folder, 'pg_basebackup');
  const options = { cwd: folder, ...user };
  return {
    name: 'pg_basebackup',
    version: versionOf('pg_basebackup'),
    prepare: async () => emptyFolder(store, user),
    backUp: () =>
      measured(
        ['pg_basebackup', '-d', url, '-Ft', '-z', '-X', 'stream', '-c', 'fast', '-D', join(store, 'backup')],
        options,
      ),
    restore: (to) =>
      measured(
        [
          'sh',
          '-ec',
          'mkdir -m 700 "$2"; tar -xzf "$1/base.tar.gz" -C "$2"; tar -xzf "$1/pg_wal.tar.gz" -C "$2/pg_wal"',
          'sh',
          join(store, 'backup'),
          to,
        ],
        options,
      ),
    storedBytes: () => bytesBelow(store),
  };
}

function pgBackRest({ folder, dataDir, url, user }: Place): Subject {
  const store = join(folder, 'pgbackrest');
  const config = join(folder, 'pgbackrest.conf');
  const { username, password, port } = new URL(url);
  const env = { PGHOST: '127.0.0.1', PGPASSWORD: password };
  const run = (...words: string[]): Promise<Measured> =>
    measured(['pgbackrest', `--config=${config}`, '--stanza=bench', ...words], { cwd: folder, env, ...user });
  return {
    name: 'pgbackrest',
    version: versionOf('pgbackrest'),
    async prepare() {
      emptyFolder(store, user);
      writeFileSync(
        config,
        [
          '[global]',
          ...['repo', 'log', 'lock', 'spool'].map(
            (what) => `${what === 'repo' ? 'repo1' : what}-path=${store}/${what}`,
          ),
          'compress-type=zst',
          'process-max=1',
          'start-fast=y',
          'repo1-retention-full=1',
          'log-level-console=warn',
          'log-level-file=off',
          '[bench]',
          `pg1-path=${dataDir}`,
          `pg1-port=${port}`,
          `pg1-user=${username}`,
          '',
        ].join('\n'),
        { mode: 0o644 },
      );
      await run('stanza-create');
    },
    async backUp() {
      writeFileSync(archivingFile(folder), '');
      try {
        return await run('backup', '--type=full');
      } finally {
        rmSync(archivingFile(folder));
      }
    },
    restore: (to) => run('restore', `--pg1-path=${to}`),
    storedBytes: () => bytesBelow(join(store, 'repo')),
    fetch: (to) => run('archive-get', segmentBelow(join(store, 'repo')), to),
  };
}

function emptyFolder(path: string, { uid, gid }: RunAs): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** By hand: Node's own goes through links to folders. */
function filesBelow(folder: string): string[] {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}

const bytesBelow = (folder: string): number => filesBelow(folder).reduce((sum, path) => sum + statSync(path).size, 0);

/** A segment of the log that is stored there. */
function segmentBelow(folder: string): string {
  const names = filesBelow(folder).flatMap((path) => /\/([0-9A-F]{24})[-.][^/]*(?:zst|age)$/.exec(path)?.[1] ?? []);
  const [name] = names;
  if (name === undefined) throw new Error(`no log is stored in ${folder}`);
  return name;
}

function versionOf(name: string): string {
  const { stdout } = spawnSync(name, [name === 'pgbackrest' ? 'version' : '--version'], { encoding: 'utf8' });
  return /\d+[.\d]*/.exec(stdout)?.[0] ?? 'unknown';
}
