import { createHash } from 'node:crypto';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Repository } from '../repository/index.ts';
import type { StoredObject } from '../storage/index.ts';

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  onBytes(bytes: number): void;
}

/** Reads an object, as it was listed. @returns what is wrong with it, in a sentence; `undefined` when it has this checksum */
export async function problemOf(
  { storage }: Repository,
  { key, bytes }: StoredObject,
  sha256: string,
  { signal, onBytes }: ReadOptions,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    // The byte behind its end would tell that it has grown.
    for await (const piece of storage.get(key, { from: 0, to: bytes + 1, reuse: true })) {
      signal?.throwIfAborted();
      onBytes(piece.length);
      hash.update(piece);
    }
  } catch (error) {
    signal?.throwIfAborted();
    return `It cannot be read: ${messageOf(error)}`;
  }
  return hash.digest('hex') === sha256 ? undefined : 'Its content is not what was stored.';
}

/**
 * Reads a file of the log of which no checksum is there through to what is in it. zstd and age tell what is damaged.
 * @returns what is wrong with it; `no key` when it cannot be told without one
 */
export async function problemWithin(
  repository: Repository,
  name: string,
  wantedBytes: number | undefined,
  { signal }: Pick<ReadOptions, 'signal'>,
): Promise<string | 'no key' | undefined> {
  let bytes = 0;
  try {
    for await (const piece of (await repository.readWal(name)) ?? []) {
      signal?.throwIfAborted();
      bytes += piece.length;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PitcrewError && error.code === 'E_BACKUP_KEY') return 'no key';
    return `It cannot be read: ${messageOf(error)}`;
  }
  if (wantedBytes === undefined || bytes === wantedBytes) return undefined;
  return `It has ${bytes} bytes in it, and not ${wantedBytes}.`;
}
