import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { verify } from '../../src/ops/backup/verify/verify.ts';
import type { EmbeddedServer } from '../../src/ops/embedded/index.ts';
import { session } from './catalog.ts';
import { temporaryFolder } from './folder.ts';
import { backupServer } from './backup-server.ts';
import type { ScratchServer } from './postgres.ts';

/** A server with a table in its own and in another tablespace, and an encrypted repository of its backups in a folder. */
export interface BackedUp extends AsyncDisposable {
  server: ScratchServer;
  /** Where all else is. */
  folder: string;
  /** Where the tablespace is. */
  place: string;
  /** The folder of the repository. */
  path: string;
  repository: Repository;
  recipient: string;
  /** The file with its secret key. */
  keyFile: string;
  identity: string;
  /** Adds rows, then makes a backup. */
  backUp(type: BackupRecord['type']): Promise<BackupRecord>;
  /** Another repository, which is as this one is now. */
  copy(name: string): { path: string; repository: Repository };
}

export async function backedUp(): Promise<BackedUp> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const server = stack.use(await backupServer(18, { summarize_wal: 'on' }));
  const place = join(folder, 'tablespace');
  mkdirSync(place);
  handTo(server, place);
  const client = stack.use(await session(server.url()));
  await client.query(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
  await client.query('CREATE TABLE counted (n int PRIMARY KEY)');
  await client.query('CREATE TABLE apart TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 3000) n');
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
  const path = join(folder, 'repository');
  const open = (at: string): Repository =>
    openRepository({ storage: localStorage(at), recipients: [recipient], identities: [identity] });
  const repository = open(path);
  const owned = stack.move();
  return {
    server,
    folder,
    place,
    path,
    repository,
    recipient,
    keyFile,
    identity,
    async backUp(type) {
      await client.query(
        'INSERT INTO counted SELECT (SELECT count(*) FROM counted) + g FROM generate_series(1, 100) g',
      );
      await client.query('UPDATE apart SET n = n + 1 WHERE n % 500 = 1');
      return createBackup({ url: server.url(), repository, madeBy: 'a test', type });
    },
    copy(name) {
      const at = join(folder, name);
      execFileSync('cp', ['-a', path, at]);
      return { path: at, repository: open(at) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Gives files to the user of a server, who may be another than root. */
function handTo(server: EmbeddedServer, ...paths: string[]): void {
  execFileSync('chown', ['-R', `--reference=${server.dataDir}`, ...paths]);
}

/** What is wrong with all backups of a repository: `''` of an object that is no backup's. */
export async function problemsIn(repository: Repository): Promise<string[]> {
  const problems: string[] = [];
  try {
    const { backups, log } = await verify(repository);
    problems.push(...[...backups, log].flatMap((found) => found.problems.map(({ what }) => what)));
  } catch (error) {
    problems.push(error instanceof Error && 'detail' in error ? String(error.detail) : String(error));
  }
  return problems;
}
