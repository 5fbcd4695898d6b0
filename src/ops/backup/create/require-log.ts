import { PitcrewError } from '../../../errors.ts';
import { type BackupRecord, lackingSegment, type Repository } from '../repository/index.ts';

/**
 * Makes sure that all log is there that a backup needs: a prune that did not know of it may have taken some meanwhile.
 * @throws {PitcrewError} `E_CONFLICT`
 */
export async function requireLog(repository: Repository, record: BackupRecord): Promise<void> {
  const name = await lackingSegment(repository, record);
  if (name === undefined) return;
  throw new PitcrewError('E_CONFLICT', 'log is gone that the backup needs', {
    detail: `${name} was removed from ${repository.name} meanwhile.`,
    hint: 'Make the backup again.',
  });
}
