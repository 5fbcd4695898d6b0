import { createHash } from 'node:crypto';
import { text as readAll } from 'node:stream/consumers';
import { PitcrewError } from '../../../errors.ts';
import type { Storage } from '../storage/index.ts';
import { checksumKey, readChecksum } from './checksum.ts';
import { backupRecordKey } from './layout.ts';
import type { BackupRecord } from './records.ts';
import type { Repository } from './repository.ts';

/** Whether the record of a backup is what was stored; `unknown`: its checksum is missing. @throws {PitcrewError} `E_NOT_FOUND`, `E_STORAGE` */
export async function checkRecord(storage: Storage, id: string): Promise<'intact' | 'changed' | 'unknown'> {
  const key = backupRecordKey(id);
  if (!(await storage.head(checksumKey(key)))) return 'unknown';
  const sha256 = await readChecksum(storage, key);
  const text = await readAll(storage.get(key));
  return createHash('sha256').update(text).digest('hex') === sha256 ? 'intact' : 'changed';
}

/**
 * Makes sure that the records of backups are what was stored, before anything relies on them.
 * @returns names of those of which that is not known, because a checksum is missing
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`, with the file
 */
export async function requireRecords({ storage }: Repository, backups: readonly BackupRecord[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const { id } of backups) {
    const found = await checkRecord(storage, id);
    if (found === 'unknown') unknown.push(id);
    if (found !== 'changed') continue;
    throw new PitcrewError('E_BACKUP_DAMAGED', `the record of backup ${id} is not what was stored`, {
      detail: `${backupRecordKey(id)} in ${storage.name} does not fit its checksum.`,
      hint: 'Restore another backup, or bring the file back from a copy of the repository: "pitcrew backup copy".',
    });
  }
  return unknown;
}
