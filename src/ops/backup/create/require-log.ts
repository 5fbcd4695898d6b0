import { PitcrewError } from '../../../errors.ts';
import { type BackupRecord, partialName, type Repository } from '../repository/index.ts';
import { segmentNames } from '../wal/segments.ts';

/**
 * Makes sure that all log is there that a backup needs: a prune that did not know of it may have taken some meanwhile. The last segment may be there in part.
 * @throws {PitcrewError} `E_CONFLICT`
 */
export async function requireLog(repository: Repository, record: BackupRecord): Promise<void> {
  const names = segmentNames(record.timeline, record.startLsn, record.endLsn, record.segmentBytes);
  for (const [place, name] of names.entries()) {
    if (await repository.hasWal(name)) continue;
    if (place === names.length - 1 && (await repository.hasWal(partialName(name)))) continue;
    throw new PitcrewError('E_CONFLICT', 'log is gone that the backup needs', {
      detail: `${name} was removed from ${repository.name} meanwhile.`,
      hint: 'Make the backup again.',
    });
  }
}
