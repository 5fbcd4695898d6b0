import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, chown, lstat, opendir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WantedFile } from './wanted-files.ts';

export interface ExistingOptions {
  /** A data directory, or the place of a tablespace. */
  folder: string;
  /** Where it is in the manifest: empty, or `pg_tblspc/16400/`. */
  prefix: string;
  wanted: ReadonlyMap<string, WantedFile>;
  /** Whether something is left as it is, by its path below the folder. */
  leaves(path: string): boolean;
  owner?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  onBytes?(bytes: number): void;
}

/**
 * Compares what is there with what is wanted, and removes what is not wanted, links and all that is neither a file nor a folder.
 * @returns files that are as they are wanted, by their path in the manifest
 */
export async function compareExisting(options: ExistingOptions): Promise<string[]> {
  const intact: string[] = [];
  await compareFolder(options, '', intact);
  return intact;
}

async function compareFolder(options: ExistingOptions, below: string, intact: string[]): Promise<void> {
  const { folder, prefix, wanted, leaves, owner, signal } = options;
  for await (const entry of await opendir(join(folder, below))) {
    signal?.throwIfAborted();
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const full = join(folder, path);
    if (leaves(path)) continue;
    const file = wanted.get(prefix + path);
    const isFolder = entry.isDirectory() || (path === 'pg_wal' && prefix === '' && (await leadsToFolder(full)));
    if (isFolder && !file) {
      if (owner) await chown(full, owner.uid, owner.gid);
      await compareFolder(options, path, intact);
    } else if (!file || !entry.isFile()) {
      await rm(full, { recursive: true });
    } else if (await isAsWanted(full, file, options)) {
      intact.push(prefix + path);
      await chmod(full, 0o600);
      if (owner) await chown(full, owner.uid, owner.gid);
    }
  }
}

/** The log may be on a disk of its own. */
async function leadsToFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

async function isAsWanted(
  path: string,
  { bytes, sha256 }: WantedFile,
  { signal, onBytes }: ExistingOptions,
): Promise<boolean> {
  if ((await lstat(path)).size !== bytes) return false;
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal?.throwIfAborted();
    hash.update(piece as Buffer);
    onBytes?.((piece as Buffer).length);
  }
  return hash.digest('hex') === sha256;
}

/** Removes folders with nothing in them that a backup has not. */
export async function removeSpareFolders(
  folder: string,
  folders: ReadonlySet<string>,
  leaves: (path: string) => boolean,
  below = '',
): Promise<void> {
  const found: string[] = [];
  for await (const entry of await opendir(join(folder, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !leaves(path)) found.push(path);
  }
  for (const path of found) {
    await removeSpareFolders(folder, folders, leaves, path);
    if (!folders.has(path)) await rmdir(join(folder, path));
  }
}
