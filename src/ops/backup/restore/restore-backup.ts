import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, readdir, readFile, rename, rm, rmdir, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import { placeError } from '../place-error.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { layOut } from './lay-out.ts';
import { recoverySettingNames, recoverySettings } from './recovery-settings.ts';
import type { RecoveryTarget } from './target.ts';
import { placesOf, tablespaceMapFile, type TablespacePlace } from './tablespaces.ts';

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
    const chain = await repository.chain(backup);
    await layOut({ repository, chain, into: staging, tablespaces, owner, signal, onProgress: options.onProgress });
    await prepareRecovery(staging, options, tablespaces);
    if (owner) await chown(staging, owner.uid, owner.gid);
    signal?.throwIfAborted();
    await moveIntoPlace(staging, to);
  } catch (error) {
    for (const path of [staging, ...tablespaces.map(({ to: place }) => place)]) await clear(path);
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the restore was stopped', { cause: error });
    throw placeError(error, to);
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
  await finishLabel(staging);
  // A standby of a standby must not become one again by chance.
  await rm(join(staging, 'standby.signal'), { force: true });
}

/** With these lines PostgreSQL would refuse what is whole again for a mere incremental backup. */
async function finishLabel(staging: string): Promise<void> {
  const path = join(staging, 'backup_label');
  const label = await readFile(path, 'utf8');
  const whole = label.replaceAll(/^INCREMENTAL FROM .*\n/gm, '');
  // In place: it stays the owner's.
  if (whole !== label)
    await writeFile(path, whole, { flag: 'r+', flush: true }).then(() => truncate(path, Buffer.byteLength(whole)));
}

async function moveIntoPlace(staging: string, to: string): Promise<void> {
  await rmdir(to).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
  await rename(staging, to);
  await flushFolder(dirname(to));
}
