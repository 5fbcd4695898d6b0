import { createHash } from 'node:crypto';
import { messageOf } from '../../../errors.ts';
import type { BackupRecord, Repository, StoredFile } from '../repository/index.ts';
import { segmentNames } from '../wal/segments.ts';

/** What is wrong with a backup: it cannot be relied upon. */
export interface Problem {
  /** What it is about: a key, or the name of a segment. */
  what: string;
  /** In one sentence. */
  problem: string;
}

export interface Verified {
  backup: BackupRecord;
  problems: Problem[];
  /** Read, as it is stored. */
  bytes: number;
  /** Segments of log that it needs. */
  segments: number;
  /** Whether it was removed while it was looked at: nothing is known of it then. */
  removed: boolean;
}

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  onBytes?(bytes: number): void;
}

/**
 * Reads every stored byte of a backup and compares it with the checksum that was taken when it was stored, which needs no key; and looks whether the log
 * that it needs is there without a gap. What PostgreSQL makes of it is told by a restore alone.
 * @throws {PitcrewError} `E_STORAGE` when the repository cannot be read
 */
export async function verifyBackup(
  repository: Repository,
  backup: BackupRecord,
  options: VerifyOptions = {},
): Promise<Verified> {
  const problems: Problem[] = [];
  let bytes = 0;
  const onBytes = (count: number): void => {
    options.signal?.throwIfAborted();
    bytes += count;
    options.onBytes?.(count);
  };
  for (const file of backup.files) {
    const problem = await problemOf(repository, file, onBytes);
    if (problem !== undefined) problems.push({ what: file.key, problem });
  }
  const names = segmentNames(backup.timeline, backup.startLsn, backup.endLsn, backup.segmentBytes);
  for (const name of names) {
    options.signal?.throwIfAborted();
    if (!(await repository.hasWal(name))) problems.push({ what: name, problem: 'This segment of the log is missing.' });
  }
  // Pruned meanwhile, it is no worse than it was.
  const removed = problems.length > 0 && !(await isThere(repository, backup.id));
  return { backup, problems: removed ? [] : problems, bytes, segments: names.length, removed };
}

async function isThere(repository: Repository, id: string): Promise<boolean> {
  return (await repository.backups()).some((backup) => backup.id === id);
}

async function problemOf(
  { storage }: Repository,
  { key, storedBytes, sha256 }: StoredFile,
  onBytes: (bytes: number) => void,
): Promise<string | undefined> {
  const found = await storage.head(key);
  if (!found) return 'It is missing.';
  if (found.bytes !== storedBytes) return `It has ${found.bytes} bytes, and had ${storedBytes} when it was stored.`;
  const hash = createHash('sha256');
  try {
    for await (const piece of storage.get(key)) {
      onBytes(piece.length);
      hash.update(piece);
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    return `It cannot be read: ${messageOf(error)}`;
  }
  return hash.digest('hex') === sha256 ? undefined : 'Its content is not what was stored.';
}
