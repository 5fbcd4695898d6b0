import { chown, mkdir } from 'node:fs/promises';
import { PitcrewError } from '../../../errors.ts';
import { type BackupRecord, type ManifestFile, readManifest, type Repository } from '../repository/index.ts';
import { changedPath } from './incremental-file.ts';
import type { TablespacePlace } from './tablespaces.ts';
import { unpack } from './unpack.ts';
import { prefixOf, type WantedFile } from './wanted-files.ts';

export interface LayOutOptions {
  repository: Repository;
  /** Those that the last one builds on, the full one first. */
  chain: readonly BackupRecord[];
  wanted: ReadonlyMap<string, WantedFile>;
  /** The data directory. */
  into: string;
  /** Of the last backup. */
  tablespaces: readonly TablespacePlace[];
  /** Files that are there as the backup has them that has them whole, by their path in the manifest; others are replaced. Without it, there are none. */
  intact?: ReadonlySet<string> | undefined;
  /** Where a file goes for now, by its path in the data directory. */
  held?: ReadonlyMap<string, string> | undefined;
  owner?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined;
}

/**
 * Lays out the files of a backup: each from the latest backup that has the whole of it, then what each later one changed, in place and in order, so
 * that no more than one file's list of blocks is ever in memory. What is used of each backup is compared with its own manifest before the next.
 * @returns the folders of the last backup, by place
 */
export async function layOut(options: LayOutOptions): Promise<Map<string, Set<string>>> {
  const { chain, signal, onProgress } = options;
  const archives = chain.map((backup, level) => neededArchives(options, backup, level));
  const totalBytes = archives.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    signal?.throwIfAborted();
    doneBytes += bytes;
    onProgress?.({ doneBytes, totalBytes });
  };
  const folders = new Map<string, Set<string>>();
  for (const [level, backup] of chain.entries()) {
    await layOutOne(options, { backup, level, archives: archives[level] ?? [], folders, onBytes });
  }
  return folders;
}

interface Archive {
  file: BackupRecord['files'][number];
  bytes: number;
  into: string;
  prefix: string;
}

/** Archives that have something in them that is needed. */
function neededArchives(
  { chain, wanted, intact, into, tablespaces }: LayOutOptions,
  backup: BackupRecord,
  level: number,
): Archive[] {
  const isLast = level === chain.length - 1;
  const needed = new Set<string>();
  for (const [path, file] of wanted) {
    const isDue = file.level === level ? !intact?.has(path) : file.level < level;
    if (isDue) needed.add(prefixOf(path));
  }
  return backup.files.flatMap((file) => {
    if (!file.name.endsWith('.tar')) return [];
    if (file.name === 'base.tar')
      return isLast || needed.has('') ? [{ file, bytes: file.bytes, into, prefix: '' }] : [];
    const place = tablespaces.find(({ oid }) => file.name === `${oid}.tar`);
    const prefix = `pg_tblspc/${file.name.replace(/\.tar$/, '')}/`;
    // Without a place it was there when an earlier backup was made, and is not any more.
    return place && (needed.has(prefix) || (isLast && !intact))
      ? [{ file, bytes: file.bytes, into: place.to, prefix }]
      : [];
  });
}

interface Member {
  backup: BackupRecord;
  level: number;
  archives: readonly Archive[];
  folders: Map<string, Set<string>>;
  onBytes(bytes: number): void;
}

async function layOutOne(options: LayOutOptions, { backup, level, archives, folders, onBytes }: Member): Promise<void> {
  const { repository, chain, wanted, intact, held, owner } = options;
  const found = new Map<string, ManifestFile>();
  const isLast = level === chain.length - 1;
  const wants = (path: string, kind: 'whole' | 'changes'): boolean => {
    const file = wanted.get(path);
    if (!file) return false;
    return kind === 'changes' ? file.level < level : file.level === level && !intact?.has(path);
  };
  const { files: manifest } = await readManifest(repository, backup);
  for (const { file, into, prefix } of archives) {
    await mkdir(into, { recursive: true, mode: 0o700 });
    if (owner) await chown(into, owner.uid, owner.gid);
    const unpacked = await unpack(repository.readFile(file), {
      archive: `${file.name} of ${backup.id}`,
      into,
      prefix,
      wants,
      manifest,
      serverVersion: backup.serverVersion,
      blockBytes: backup.parent === null ? undefined : backup.blockBytes,
      folders: isLast,
      replace: intact !== undefined,
      held: prefix === '' ? held : undefined,
      owner,
      onBytes,
    });
    for (const [path, content] of unpacked.files) found.set(path, content);
    if (isLast) folders.set(into, unpacked.folders);
  }
  const due = [...manifest].filter(([path]) => {
    const changed = backup.parent === null ? undefined : changedPath(path);
    return wants(changed ?? path, changed === undefined ? 'whole' : 'changes');
  });
  compare(backup, due, found);
}

/** So many files are named. */
const namedFiles = 5;

function compare(
  { id }: BackupRecord,
  due: readonly [string, ManifestFile][],
  found: ReadonlyMap<string, ManifestFile>,
): void {
  const wrong = due.flatMap(([path, { bytes, sha256 }]) => {
    const file = found.get(path);
    if (!file) return [`${path} is missing`];
    return file.bytes === bytes && file.sha256 === sha256 ? [] : [`${path} is not as it was`];
  });
  if (wrong.length === 0) return;
  const more = wrong.length > namedFiles ? `, and ${wrong.length - namedFiles} more` : '';
  throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} is not what PostgreSQL made`, {
    detail: `By its manifest: ${wrong.slice(0, namedFiles).join('; ')}${more}.`,
    hint: 'Restore another backup.',
  });
}
