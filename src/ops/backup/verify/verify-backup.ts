import { backupPrefix, backupRecordKey, type BackupRecord, checkRecord, type Repository } from '../repository/index.ts';
import type { StoredObject } from '../storage/index.ts';
import { type Problem, tell, type VerifiedFiles } from './found.ts';
import { problemOf, type ReadOptions } from './read-object.ts';
import { remembered } from './remembered.ts';

export interface Looking extends ReadOptions {
  maxAgeMs: number;
  /** In milliseconds since 1970. */
  now: number;
  /** That which belongs to nothing. */
  strays: string[];
  /** What was found could not be remembered. */
  onNotRemembered(reason: string): void;
}

/** Reads the files of a backup, as far as they were not read lately, and compares them with the checksums in its record. */
export async function verifyFiles(
  repository: Repository,
  backup: BackupRecord,
  looking: Looking,
): Promise<VerifiedFiles> {
  const { storage } = repository;
  const problems: Problem[] = [];
  const amount = { bytes: 0, skippedBytes: 0 };
  const own = new Set(backup.files.map(({ key }) => key));
  const objects = new Map<string, StoredObject>();
  for await (const object of storage.list(backupPrefix(backup.id))) {
    if (own.has(object.key)) objects.set(object.key, object);
    // Small records that are about the backup lie beside it.
    else if (!/\.json(\.sha256)?$/.test(object.key)) tell(looking.strays, object.key);
  }
  const memory = await remembered(storage, backup.id, looking);
  const onBytes = (bytes: number): void => {
    amount.bytes += bytes;
    looking.onBytes(bytes);
  };
  for (const { key, storedBytes, sha256 } of backup.files) {
    const object = objects.get(key);
    if (!object) problems.push({ what: key, problem: 'It is missing.' });
    else if (object.bytes !== storedBytes) {
      const problem = `It has ${object.bytes} bytes, and had ${storedBytes} when it was stored.`;
      problems.push({ what: key, problem });
    } else if (memory.has(object)) {
      amount.skippedBytes += object.bytes;
      looking.onBytes(object.bytes);
    } else {
      const problem = await problemOf(repository, object, sha256, { ...looking, onBytes });
      if (problem === undefined) memory.add(object);
      else problems.push({ what: key, problem });
    }
  }
  const problem = recordProblems[await checkRecord(storage, backup.id)];
  if (problem !== undefined) problems.push({ what: backupRecordKey(backup.id), problem });
  const reason = await memory.save();
  if (reason !== undefined) looking.onNotRemembered(reason);
  return { backup, problems, ...amount };
}

const recordProblems = {
  intact: undefined,
  changed: 'Its content is not what was stored.',
  unknown: 'Its checksum is missing.',
};
