import { PitcrewError } from '../../../errors.ts';
import { type BackupRecord, type ManifestFile, readManifest, type Repository } from '../repository/index.ts';
import { changedPath } from './incremental-file.ts';

/** A file that is there when a backup is restored. */
export interface WantedFile extends ManifestFile {
  /** Place in the chain of the backup that has it whole, in which it has these bytes; later ones only change blocks of it. */
  level: number;
  /** It cannot get longer than this when it is changed. */
  mostBytes: number;
}

/**
 * What a restored data directory consists of, by path in the manifest: for each file the latest backup of the chain that has the whole of it.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` when only changes of a file are there
 */
export async function wantedFiles(
  repository: Repository,
  chain: readonly BackupRecord[],
): Promise<Map<string, WantedFile>> {
  const wanted = new Map<string, WantedFile>();
  // Of those that are still to be found whole: what changes of them add at most.
  let pending: Map<string, number> | undefined;
  for (const [level, backup] of [...chain.entries()].toReversed()) {
    const { files } = await readManifest(repository, backup);
    const changed = new Map<string, number>();
    for (const [path, file] of files) {
      const target = backup.parent === null ? undefined : changedPath(path);
      const added = pending === undefined ? 0 : pending.get(target ?? path);
      if (added === undefined) continue;
      if (target === undefined) wanted.set(path, { ...file, level, mostBytes: file.bytes + added });
      else changed.set(target, added + file.bytes);
    }
    const lost = [...(pending?.keys() ?? [])].find((path) => !changed.has(path) && !wanted.has(path));
    if (lost !== undefined) throw incomplete(backup, lost);
    pending = changed;
  }
  // Those of the full backup are all whole.
  return wanted;
}

/** Of which archive a file is, as its path in the manifest begins: empty, or `pg_tblspc/16400/`. */
export const prefixOf = (path: string): string => /^pg_tblspc\/\d+\//.exec(path)?.[0] ?? '';

function incomplete({ id }: BackupRecord, path: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} is not what a later one builds on`, {
    detail: `Only changes of ${path} are there, and not the file.`,
  });
}
