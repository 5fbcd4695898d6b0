import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../errors.ts';
import { lackingSegment } from './lacking-segment.ts';
import { byLog } from './by-log.ts';
import { keysPrefix, startedKey } from './layout.ts';
import { mirrorLog } from './mirror-log.ts';
import { recordText, storeText } from './record-file.ts';
import { type BackupRecord, startedRecord, type StoredFile } from './records.ts';
import type { Repository } from './repository.ts';

export interface MirrorOptions {
  from: Repository;
  to: Repository;
  /** These, with what they build on. Without it: all that are newer than the newest that the target has, so that what was removed there does not come back. */
  backups?: readonly BackupRecord[] | undefined;
  signal?: AbortSignal | undefined;
  onProgress?(progress: { doneBytes: number; totalBytes: number }): void;
}

/** What was copied. */
export interface Mirrored {
  backups: string[];
  segments: number;
  /** As it is stored. */
  bytes: number;
}

/**
 * Copies backups, and the log from the oldest of them on, to another repository of the same cluster, just as they are stored: each file is compared with its
 * checksum on the way, and a backup is there once all of it is. What is there already is not copied again, so that whatever is killed goes on the next
 * time. Needs no key; what is sealed stays sealed for whom it is.
 * @throws {PitcrewError} `E_CONFLICT` when the target is of another cluster; `E_BACKUP_DAMAGED` for what is not as it was stored, or lacks its log;
 * `E_STORAGE`; `E_ABORTED`
 */
export async function mirror(options: MirrorOptions): Promise<Mirrored> {
  const { from, to, signal } = options;
  const record = await from.record();
  if (!record) return { backups: [], segments: 0, bytes: 0 };
  await to.claim(record.systemId);
  await mirrorKeys(from, to);
  const there = await to.backups();
  const wanted = await wantedOf(options, there);
  const log = await mirrorLog({ from, to, backups: [...there, ...wanted], signal });
  const copied: Mirrored = { backups: [], segments: log.segments, bytes: log.bytes };
  const totalBytes = wanted.flatMap(({ files }) => files).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    options.onProgress?.({ doneBytes, totalBytes });
  };
  for (const backup of wanted) {
    await requireLog(to, backup);
    // Whoever removes what killed makers left has to see that somebody is at it.
    const started = { startedAt: new Date(), host: hostname(), pid: process.pid, parent: backup.parent };
    await storeText(to.storage, startedKey(backup.id), recordText(startedRecord, started));
    for (const file of backup.files) {
      if ((await to.storage.head(file.key))?.bytes === file.storedBytes) onBytes(file.storedBytes);
      else copied.bytes += await to.storage.put(file.key, checked(from, file, onBytes), { signal });
    }
    await complete(to, backup);
    copied.backups.push(backup.id);
  }
  return copied;
}

/** Oldest first: what others build on is there before them. */
async function wantedOf({ from, backups }: MirrorOptions, there: readonly BackupRecord[]): Promise<BackupRecord[]> {
  const newest = there.at(-1);
  const chosen = backups ?? (await from.backups()).filter((each) => !newest || byLog(newest, each) < 0);
  const wanted = new Map<string, BackupRecord>();
  for (const backup of chosen) for (const each of await from.chain(backup)) wanted.set(each.id, each);
  for (const { id } of there) wanted.delete(id);
  return [...wanted.values()].toSorted(byLog);
}

/** The secret keys that a passphrase opens: without them nothing there could be read. The newer one of two stays: another passphrase may open it. */
async function mirrorKeys(from: Repository, to: Repository): Promise<void> {
  for await (const { key, modifiedAt } of from.storage.list(keysPrefix)) {
    if (!key.endsWith('.age')) continue;
    const content = await buffer(from.storage.get(key));
    const found = await to.storage.head(key);
    if (found && (found.modifiedAt >= modifiedAt || (await buffer(to.storage.get(key))).equals(content))) continue;
    await to.storage.put(key, Readable.from([content]));
  }
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

async function requireLog(to: Repository, backup: BackupRecord): Promise<void> {
  const name = await lackingSegment(to, backup);
  if (name === undefined) return;
  throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${backup.id} lacks a part of its log`, {
    detail: `${name} is missing: it was not copied.`,
  });
}

async function complete(to: Repository, backup: BackupRecord): Promise<void> {
  try {
    await to.putBackup(backup);
  } catch (error) {
    // Another copied it meanwhile.
    if (!(error instanceof PitcrewError) || error.code !== 'E_CONFLICT') throw error;
    await to.storage.delete(startedKey(backup.id));
  }
}
