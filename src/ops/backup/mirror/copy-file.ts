import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { PitcrewError } from '../../../errors.ts';
import type { Repository, StoredFile } from '../repository/index.ts';

export interface CopyFileOptions {
  from: Repository;
  to: Repository;
  signal?: AbortSignal | undefined;
  /** Of what is there already, too. */
  onBytes(bytes: number): void;
}

/**
 * Copies a file just as it is stored, and compares it with its checksum on the way. One that is there in its full length is not copied again.
 * @returns how many bytes were copied
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` when it is not what was stored: then it is not there; `E_STORAGE`; `E_ABORTED`
 */
export async function copyFile(file: StoredFile, { from, to, signal, onBytes }: CopyFileOptions): Promise<number> {
  if ((await to.storage.head(file.key))?.bytes === file.storedBytes) {
    onBytes(file.storedBytes);
    return 0;
  }
  return to.storage.put(file.key, checked(from, file, onBytes), { signal });
}

/** What is stored of a file; fails at its end when it is not what it was. */
async function* checked(
  { storage }: Repository,
  { key, storedBytes, sha256 }: StoredFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of storage.get(key)) {
    hash.update(piece);
    length += piece.length;
    onBytes(piece.length);
    yield piece;
  }
  if (length === storedBytes && hash.digest('hex') === sha256) return;
  throw new PitcrewError('E_BACKUP_DAMAGED', 'a stored file is not what it was', {
    detail: `${key} in ${storage.name}: it was not copied.`,
    hint: 'Remove the backup, or copy from a repository where it is whole.',
  });
}
