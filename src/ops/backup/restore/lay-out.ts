import type { Dirent } from 'node:fs';
import { chown, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PitcrewError } from '../../../errors.ts';
import {
  type BackupRecord,
  type Manifest,
  type ManifestFile,
  readManifest,
  type Repository,
} from '../repository/index.ts';
import type { TablespacePlace } from './tablespaces.ts';
import { unpack } from './unpack.ts';

export interface LayOutOptions {
  repository: Repository;
  /** Those that the last one builds on, the full one first. */
  chain: readonly BackupRecord[];
  /** The new data directory, empty. */
  into: string;
  /** Of the last backup. */
  tablespaces: readonly TablespacePlace[];
  owner?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined;
}

/**
 * Lays out the files of a backup: those of the full one, then what each incremental one changed, in place and in order, so that no more than one file's
 * list of blocks is ever in memory. Each of them is compared with its own manifest before the next.
 */
export async function layOut(options: LayOutOptions): Promise<void> {
  const { repository, chain, signal, onProgress } = options;
  const members: { backup: BackupRecord; manifest: Manifest }[] = [];
  for (const backup of chain) members.push({ backup, manifest: await readManifest(repository, backup) });
  const totalBytes = members
    .flatMap(({ manifest }) => [...manifest.files.values()])
    .reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    signal?.throwIfAborted();
    doneBytes += bytes;
    onProgress?.({ doneBytes, totalBytes });
  };
  for (const { backup, manifest } of members) await layOutOne(options, backup, manifest, onBytes);
}

async function layOutOne(
  { repository, into: dataDir, tablespaces, owner }: LayOutOptions,
  backup: BackupRecord,
  manifest: Manifest,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const found = new Map<string, ManifestFile>();
  const dropped: string[] = [];
  for (const archive of backup.files.filter(({ name }) => name.endsWith('.tar'))) {
    const isBase = archive.name === 'base.tar';
    const place = tablespaces.find(({ oid }) => archive.name === `${oid}.tar`);
    const prefix = isBase ? '' : `pg_tblspc/${archive.name.replace(/\.tar$/, '')}/`;
    if (!isBase && !place) {
      // It was there when an earlier backup was made, and is not any more.
      dropped.push(prefix);
      continue;
    }
    const into = place?.to ?? dataDir;
    await mkdir(into, { recursive: true, mode: 0o700 });
    if (owner) await chown(into, owner.uid, owner.gid);
    const over = backup.parent === null ? undefined : { blockBytes: backup.blockBytes };
    const { files, paths } = await unpack(repository.readFile(archive), { into, prefix, over, owner, onBytes });
    for (const [path, file] of files) found.set(path, file);
    if (over) await removeOthers(into, '', paths);
  }
  compare(backup, manifest, found, dropped);
}

/** What the backup before had, and this one has not, is gone. */
async function removeOthers(folder: string, below: string, paths: ReadonlySet<string>): Promise<void> {
  const entries: Dirent[] = await readdir(join(folder, below), { withFileTypes: true });
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!paths.has(path)) await rm(join(folder, path), { recursive: true });
    else if (entry.isDirectory()) await removeOthers(folder, path, paths);
  }
}

/** So many files are named. */
const namedFiles = 5;

function compare(
  { id }: BackupRecord,
  manifest: Manifest,
  found: ReadonlyMap<string, ManifestFile>,
  dropped: readonly string[],
): void {
  const wrong = [...manifest.files].flatMap(([path, { bytes, sha256 }]) => {
    if (dropped.some((prefix) => path.startsWith(prefix))) return [];
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
