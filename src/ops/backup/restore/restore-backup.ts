import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { type Manifest, type ManifestFile, parseManifest } from './manifest.ts';
import { recoverySettingNames, recoverySettings } from './recovery-settings.ts';
import type { RecoveryTarget } from './target.ts';
import { placesOf, tablespaceMapFile, type TablespacePlace } from './tablespaces.ts';
import { unpack } from './unpack.ts';

export interface RestoreOptions {
  repository: Repository;
  backup: BackupRecord;
  /** The new data directory: missing, or empty. */
  to: string;
  target?: RecoveryTarget;
  /** Words of the command that fetches a file of the log: PostgreSQL adds its name, and where to put it. */
  restoreCommand: readonly string[];
  /** Other places for tablespaces, by where they were on the server; the same as there by default. */
  tablespaceMap?: ReadonlyMap<string, string>;
  /** Who is to own the files; whoever runs this by default. */
  owner?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  onProgress?(progress: RestoreProgress): void;
}

export interface RestoreProgress {
  doneBytes: number;
  totalBytes: number;
}

/**
 * Puts a backup into an empty folder, ready to be started: PostgreSQL then fetches the log and recovers to the target. It is made beside, compared with PostgreSQL's own
 * manifest file by file, and moved into place when it is complete.
 * @throws {PitcrewError} `E_DATA_DIR` for a folder with something in it; `E_BACKUP_DAMAGED` with the files that are not as they were;
 * `E_BACKUP_KEY`; `E_STORAGE`; `E_ABORTED`
 */
export async function restoreBackup(options: RestoreOptions): Promise<void> {
  const { repository, backup, owner, signal } = options;
  const to = resolve(options.to);
  const tablespaces = placesOf(backup.tablespaces, options.tablespaceMap);
  for (const path of [to, ...tablespaces.map(({ to: place }) => place)]) await requireEmpty(path);
  const staging = join(dirname(to), `.${basename(to)}.restoring-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(staging, { mode: 0o700 });
    const manifest = await readManifest(repository, backup);
    await unpackAll(options, staging, tablespaces, manifest);
    await prepareRecovery(staging, options, tablespaces);
    if (owner) await chown(staging, owner.uid, owner.gid);
    signal?.throwIfAborted();
    await moveIntoPlace(staging, to);
  } catch (error) {
    for (const path of [staging, ...tablespaces.map(({ to: place }) => place)]) await clear(path);
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the restore was stopped', { cause: error });
    throw error;
  }
}

/** Only what we filled: these were empty before. */
async function clear(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

async function requireEmpty(to: string): Promise<void> {
  const found = await lstat(to).catch(() => undefined);
  if (!found) return;
  if (found.isDirectory() && (await readdir(to)).length === 0) return;
  throw new PitcrewError('E_DATA_DIR', `${to} is not empty`, {
    detail: 'Nothing that is there is ever overwritten.',
    hint: 'Give a folder that does not exist yet, or an empty one.',
  });
}

async function readManifest(repository: Repository, backup: BackupRecord): Promise<Manifest> {
  const file = backup.files.find(({ name }) => name === 'backup_manifest');
  if (!file) throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${backup.id} has no manifest`);
  const pieces: Buffer[] = [];
  for await (const piece of repository.readFile(file)) pieces.push(piece);
  return parseManifest(Buffer.concat(pieces));
}

async function unpackAll(
  { repository, backup, owner, signal, onProgress }: RestoreOptions,
  staging: string,
  tablespaces: readonly TablespacePlace[],
  manifest: Manifest,
): Promise<void> {
  const archives = backup.files.filter(({ name }) => name.endsWith('.tar'));
  const totalBytes = [...manifest.files.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    signal?.throwIfAborted();
    doneBytes += bytes;
    onProgress?.({ doneBytes, totalBytes });
  };
  const found = new Map<string, ManifestFile>();
  for (const archive of archives) {
    const tablespace = tablespaces.find(({ oid }) => archive.name === `${oid}.tar`);
    if (!tablespace && archive.name !== 'base.tar') throw unknownArchive(backup, archive.name);
    const into = tablespace?.to ?? staging;
    const prefix = tablespace ? `pg_tblspc/${tablespace.oid}/` : '';
    await mkdir(into, { recursive: true, mode: 0o700 });
    if (owner) await chown(into, owner.uid, owner.gid);
    for (const [path, file] of await unpack(repository.readFile(archive), { into, prefix, owner, onBytes })) {
      found.set(path, file);
    }
  }
  compare(backup, manifest, found);
}

function unknownArchive({ id }: BackupRecord, name: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} has an archive of no tablespace`, { detail: name });
}

/** So many files are named. */
const namedFiles = 5;

function compare({ id }: BackupRecord, manifest: Manifest, found: ReadonlyMap<string, ManifestFile>): void {
  const wrong = [...manifest.files].flatMap(([path, { bytes, sha256 }]) => {
    const file = found.get(path);
    if (!file) return [`${path} is missing`];
    return file.bytes === bytes && file.sha256 === sha256 ? [] : [`${path} is not as it was`];
  });
  if (wrong.length === 0) return;
  const more = wrong.length > namedFiles ? `, and ${wrong.length - namedFiles} more` : '';
  throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} is not what PostgreSQL made`, {
    detail: `By its manifest: ${wrong.slice(0, namedFiles).join('; ')}${more}.`,
    hint: 'Nothing was put in place. Restore another backup.',
  });
}

async function prepareRecovery(
  staging: string,
  { target = {}, restoreCommand, owner }: RestoreOptions,
  tablespaces: readonly TablespacePlace[],
): Promise<void> {
  const settings = join(staging, 'postgresql.auto.conf');
  const before = await readFile(settings, 'utf8').catch(() => '');
  const kept = before.split('\n').filter((line) => !recoverySettingNames.includes(/^\s*(\w+)/.exec(line)?.[1] ?? ''));
  const text = `${kept.join('\n').trimEnd()}\n${recoverySettings(restoreCommand, target)}`;
  for (const [path, content] of [
    [settings, text],
    [join(staging, 'recovery.signal'), ''],
    // The server makes its links by it when it starts.
    ...(tablespaces.length > 0 ? [[join(staging, 'tablespace_map'), tablespaceMapFile(tablespaces)]] : []),
  ] as [string, string][]) {
    await writeFile(path, content, { mode: 0o600, flush: true });
    if (owner) await chown(path, owner.uid, owner.gid);
  }
  // A standby of a standby must not become one again by chance.
  await rm(join(staging, 'standby.signal'), { force: true });
}

async function moveIntoPlace(staging: string, to: string): Promise<void> {
  await rmdir(to).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  await rename(staging, to);
  const folder = await open(dirname(to), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
