import { chown, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { flushFolders } from '../flush-folder.ts';
import { placeError } from '../place-error.ts';
import { type BackupRecord, type Repository, requireRecords } from '../repository/index.ts';
import { crossingObstacles } from './crossing.ts';
import { compareExisting, removeSpareFolders } from './existing.ts';
import { heldFiles, inPlaceObstacles, ownFiles, releaseInPlace, removeSpareLinks, takeInPlace } from './in-place.ts';
import { layOut, type LayOutOptions } from './lay-out.ts';
import { isVacant, removeLeftovers, restoreAtWork } from './leftovers.ts';
import { type Placement, preparePlacement } from './placement.ts';
import { newProcessId } from './restore-process.ts';
import { withFiles } from './of-log.ts';
import { recoverySettingNames, recoverySettings } from './recovery-settings.ts';
import type { RecoveryTarget } from './target.ts';
import { isOfMajor, placesOf, tablespaceMapFile } from './tablespaces.ts';
import { wantedFiles } from './wanted-files.ts';

export interface RestoreOptions {
  repository: Repository;
  backup: BackupRecord;
  /** The new data directory: missing, or empty. */
  to: string;
  /** Where there is a data directory of the same cluster, its files are used as far as they are intact, and all others are removed or replaced. */
  delta?: boolean;
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
  /** `comparing`: files that are there; `copying`: what is missing. */
  phase: 'comparing' | 'copying';
  doneBytes: number;
  totalBytes: number;
}

/** What was done. */
export interface Restored {
  /** Files that were there and were kept, and what they have in them. */
  kept: { files: number; bytes: number };
}

/**
 * Puts a backup into a folder, ready to be started: PostgreSQL then fetches the log and recovers to the target. It is made beside, compared with PostgreSQL's own
 * manifest file by file, and moved into place when it is complete. With `delta`, an existing data directory is changed in place: until that is complete PostgreSQL
 * refuses to start it, and another `delta` goes on where one was stopped.
 * @throws {PitcrewError} `E_DATA_DIR` for a folder with something in it; `E_UNSAFE` for one that a server runs in or that is of another cluster;
 * `E_BACKUP_DAMAGED` with the files that are not as they were; `E_BACKUP_KEY`; `E_STORAGE`; `E_ABORTED`
 */
export async function restoreBackup(asked: RestoreOptions): Promise<Restored> {
  await requireRecords(asked.repository, await asked.repository.chain(asked.backup));
  const options = { ...asked, ...(await withFiles(asked.repository, asked.backup, asked.target)) };
  const { repository, backup, signal } = options;
  const to = await realpath(options.to).catch(() => resolve(options.to));
  const tablespaces = placesOf(backup.tablespaces, options.tablespaceMap);
  const isInPlace = options.delta === true && !(await isVacant(to));
  const places = [to, ...tablespaces.map(({ to: place }) => place)];
  const { name } = repository;
  const [obstacle] = [
    ...(isInPlace ? await inPlaceObstacles(to, backup, tablespaces) : await vacancyObstacles(places)),
    ...(await crossingObstacles({ places, repository: name, restoreCommand: isInPlace ? options.restoreCommand : [] })),
  ];
  if (obstacle) throw obstacle;
  const chain = await repository.chain(backup);
  const wanted = await wantedFiles(repository, chain);
  // Written anew, with the places that are the right ones here.
  wanted.delete('tablespace_map');
  const plan = { ...options, to, chain, wanted, tablespaces };
  try {
    return isInPlace ? await restoreInPlace(plan) : await restoreBeside(plan);
  } catch (error) {
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the restore was stopped', { cause: error });
    throw placeError(error, to);
  }
}

/** An error for each folder that has something in it. */
export async function vacancyObstacles(paths: readonly string[]): Promise<PitcrewError[]> {
  const taken: PitcrewError[] = [];
  for (const path of paths) {
    const other = await restoreAtWork(path);
    if (other) {
      taken.push(
        new PitcrewError('E_CONFLICT', `another restore to ${path} is at work`, {
          detail: `It is process ${other.pid}${other.state === 'elsewhere' ? ' of another machine' : ''}.`,
          hint: 'Let it end, or stop it. Where it is not at work any more, remove the folder whose name has "restoring" in it.',
        }),
      );
      continue;
    }
    if (await isVacant(path)) continue;
    const leads = await stat(path).then(
      () => true,
      (error: unknown) => errorCode(error) !== 'ENOENT',
    );
    taken.push(
      new PitcrewError('E_DATA_DIR', leads ? `${path} is not empty` : `${path} is a link that leads nowhere`, {
        detail: 'Nothing that is there is ever overwritten.',
        hint: 'Give a folder that does not exist yet, or an empty one; or --delta for a data directory of the same cluster.',
      }),
    );
  }
  return taken;
}

type Plan = RestoreOptions & Pick<LayOutOptions, 'chain' | 'wanted' | 'tablespaces'>;

async function restoreBeside(plan: Plan): Promise<Restored> {
  const { to, tablespaces, owner, signal } = plan;
  const id = newProcessId();
  const prepared: { placement: Placement; oid: number | undefined }[] = [];
  try {
    for (const { to: path, oid } of tablespaces) {
      prepared.push({ placement: await preparePlacement(path, id, owner), oid });
    }
    const own = await preparePlacement(to, id, owner);
    // The last one: with it there is something that can be started.
    prepared.push({ placement: own, oid: undefined });
    const staged = prepared.flatMap(({ placement, oid }) =>
      oid === undefined ? [] : [{ oid, to: placement.staging }],
    );
    await layOut({ ...plan, into: own.staging, tablespaces: staged, onProgress: copying(plan) });
    await prepareRecovery(own.staging, plan);
    for (const { placement } of prepared) await flushFolders(placement.staging);
    signal?.throwIfAborted();
    for (const { placement } of prepared) await placement.place(own.staging);
  } catch (error) {
    // All of it first: should this be killed too, it is known what each is.
    for (const { placement } of prepared.toReversed()) await placement.takeBack();
    for (const { placement } of prepared) await placement.remove();
    throw error;
  }
  for (const { placement } of prepared) await placement.settle();
  return { kept: { files: 0, bytes: 0 } };
}

async function restoreInPlace(plan: Plan): Promise<Restored> {
  const { to, backup, wanted, tablespaces, owner, signal } = plan;
  await takeInPlace(to, tablespaces);
  const totalBytes = [...wanted.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    plan.onProgress?.({ phase: 'comparing', doneBytes, totalBytes });
  };
  const leaves = (path: string): boolean => ownFiles.includes(path) || /^pg_tblspc\/./.test(path);
  const intact = new Set(await compareExisting({ folder: to, prefix: '', wanted, leaves, owner, signal, onBytes }));
  for (const { oid, to: folder } of tablespaces) {
    await removeLeftovers(folder);
    if (await isVacant(folder)) continue;
    const others = (path: string): boolean => !isOfMajor(path, backup.serverVersion);
    const prefix = `pg_tblspc/${oid}/`;
    for (const path of await compareExisting({ folder, prefix, wanted, leaves: others, owner, signal, onBytes })) {
      intact.add(path);
    }
  }
  const kept = [...intact].reduce((sum, path) => sum + (wanted.get(path)?.bytes ?? 0), 0);
  const folders = await layOut({ ...plan, into: to, intact, held: heldFiles, onProgress: copying(plan) });
  await removeSpareFolders(to, folders.get(to) ?? new Set(), (path) => path === 'pg_tblspc');
  await removeSpareLinks(to, tablespaces);
  await prepareRecovery(to, plan);
  for (const folder of [to, ...tablespaces.map(({ to: place }) => place)]) await flushFolders(folder);
  signal?.throwIfAborted();
  await releaseInPlace(to);
  return { kept: { files: intact.size, bytes: kept } };
}

const copying =
  ({ onProgress }: Plan): LayOutOptions['onProgress'] =>
  (progress) =>
    onProgress?.({ phase: 'copying', ...progress });

async function prepareRecovery(
  dataDir: string,
  { target = {}, restoreCommand, owner, tablespaces }: Plan,
): Promise<void> {
  const settings = join(dataDir, 'postgresql.auto.conf');
  const before = await readFile(settings, 'utf8').catch(() => '');
  const kept = before.split('\n').filter((line) => !recoverySettingNames.includes(/^\s*(\w+)/.exec(line)?.[1] ?? ''));
  const text = `${kept.join('\n').trimEnd()}\n${recoverySettings(restoreCommand, target)}`;
  for (const [path, content] of [
    [settings, text],
    [join(dataDir, 'recovery.signal'), ''],
    // The server makes its links by it when it starts.
    ...(tablespaces.length > 0 ? [[join(dataDir, 'tablespace_map'), tablespaceMapFile(tablespaces)]] : []),
  ] as [string, string][]) {
    await writeFile(path, content, { mode: 0o600, flush: true });
    if (owner) await chown(path, owner.uid, owner.gid);
  }
  await finishLabel(dataDir);
  // A standby of a standby must not become one again by chance.
  await rm(join(dataDir, 'standby.signal'), { force: true });
}

/** With these lines PostgreSQL would refuse what is whole again for a mere incremental backup. */
async function finishLabel(dataDir: string): Promise<void> {
  const path = join(dataDir, 'backup_label');
  const label = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
    // PostgreSQL would start it as if it had been stopped just now.
    throw new PitcrewError('E_BACKUP_DAMAGED', 'the backup has no backup_label', {
      detail: 'Without it a server does not know from where on it has to recover.',
      hint: 'Restore another backup.',
    });
  });
  const whole = label.replaceAll(/^INCREMENTAL FROM .*\n/gm, '');
  // In place: it stays the owner's.
  if (whole !== label)
    await writeFile(path, whole, { flag: 'r+', flush: true }).then(() => truncate(path, Buffer.byteLength(whole)));
}
